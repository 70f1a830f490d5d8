"""``@tool``: each call becomes an ``execute_tool`` span."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, overload

from ams_sdk._decorators.decoration import captured_by, decorated
from ams_sdk._decorators.definition import ToolDefinition
from ams_sdk._decorators.names import checked_name, description_of, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ams_sdk._decorators.decoration import Capture, DecoratedT, Decorator

__all__ = ["tool"]


@overload
def tool(function: DecoratedT, /) -> DecoratedT: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    entrypoint: str | None = None,
    capture: Capture = "all",
    exclude: Iterable[str] = (),
) -> Decorator: ...
def tool(  # noqa: PLR0913 -- all but the first are keyword-only
    function: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    entrypoint: str | None = None,
    capture: Capture = "all",
    exclude: Iterable[str] = (),
) -> Any:
    """Make a function a tool: each call is recorded as a span, with its arguments and its result.

    Works bare and called; on functions written with ``def`` and ``async def``, on generators of both kinds, methods,
    classes and other callables. What is decorated stays what it is: its kind, its signature, its results and its
    exceptions. While the SDK is not configured a call costs next to nothing.

    Args:
        function: what is decorated, when the decorator is used bare.
        name: what the tool is called, 1 to 128 of A-Z a-z 0-9 _ . -; the function's name if not given.
        description: what the tool is for; the first paragraph of the docstring if not given.
        entrypoint: of a class, the method that is traced; ``run`` if not given, or else ``__call__``.
        capture: which of the content is recorded: ``all``, ``input``, ``output`` or ``none``.
        exclude: the parameters whose values are not recorded.

    Raises:
        ConfigurationError: at decoration, if this cannot be decorated, or an option cannot be used.
    """
    checked_name(name, "tool")
    captured = captured_by(capture, exclude, "tool", description, entrypoint)

    def define(called: Callable[..., Any], subject: object, **options: Any) -> ToolDefinition:  # noqa: ANN401 -- Define's
        described = description_of(subject, description)
        return ToolDefinition(name or name_of(subject), described, called, captured=captured, **options)

    decorate = partial(decorated, define=define, decorator="tool", entrypoint=entrypoint)
    return decorate if function is None else decorate(function)
