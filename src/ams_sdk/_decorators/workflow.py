"""``@workflow``: each call becomes an ``invoke_workflow`` span, around the runs of several agents."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, overload

from ams_sdk._decorators.decoration import captured_by, decorated
from ams_sdk._decorators.definition import WorkflowDefinition
from ams_sdk._decorators.names import checked_name, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ams_sdk._decorators.decoration import Capture, DecoratedT, Decorator

__all__ = ["workflow"]


@overload
def workflow(function: DecoratedT, /) -> DecoratedT: ...
@overload
def workflow(
    *,
    name: str | None = None,
    entrypoint: str | None = None,
    capture: Capture = "all",
    exclude: Iterable[str] = (),
) -> Decorator: ...
def workflow(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    entrypoint: str | None = None,
    capture: Capture = "all",
    exclude: Iterable[str] = (),
) -> Any:
    """Make a function a workflow: what coordinates several agents. A single agent needs none around it.

    Works on whatever ``@tool`` works on.

    Args:
        function: what is decorated, when the decorator is used bare.
        name: what the workflow is called, 1 to 128 of A-Z a-z 0-9 _ . -; the function's name if not given.
        entrypoint: of a class, the method that is traced; ``run`` if not given, or else ``__call__``.
        capture: which of the content is recorded: ``all``, ``input``, ``output`` or ``none``.
        exclude: the parameters whose values are not recorded.

    Raises:
        ConfigurationError: at decoration, if this cannot be decorated, or an option cannot be used.
    """
    checked_name(name, "workflow")
    captured = captured_by(capture, exclude, "workflow", None, entrypoint)

    def define(called: Callable[..., Any], subject: object, **options: Any) -> WorkflowDefinition:  # noqa: ANN401 -- Define's
        return WorkflowDefinition(name or name_of(subject), None, called, captured=captured, **options)

    decorate = partial(decorated, define=define, decorator="workflow", entrypoint=entrypoint)
    return decorate if function is None else decorate(function)
