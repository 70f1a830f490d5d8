"""``@span``: each call becomes a span of its own name, or of an operation of the conventions without a decorator."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast, overload

from opentelemetry.trace import SpanKind

from ams_sdk import _semconv
from ams_sdk._decorators.decoration import captured_by, decorated
from ams_sdk._decorators.definition import SpanDefinition
from ams_sdk._decorators.names import checked_title, name_of
from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from opentelemetry.util.types import AttributeValue

    from ams_sdk._decorators.decoration import Capture, DecoratedT, Decorator

__all__ = ["span"]

_OPERATIONS: Final = (_semconv.OPERATION_PLAN, _semconv.OPERATION_RETRIEVAL, *_semconv.MEMORY_OPERATIONS)
_ELSEWHERE: Final = {
    _semconv.OPERATION_INVOKE_AGENT: "@agent",
    _semconv.OPERATION_EXECUTE_TOOL: "@tool",
    _semconv.OPERATION_INVOKE_WORKFLOW: "@workflow",
    **dict.fromkeys((*_semconv.INFERENCE_OPERATIONS, _semconv.OPERATION_EMBEDDINGS), "model_call"),
}
_OURS: Final = frozenset(
    {
        *(_semconv.OPERATION_NAME, _semconv.AGENT_NAME, _semconv.CONVERSATION_ID, _semconv.USER_ID),
        *(_semconv.ERROR_TYPE, _semconv.INPUT_MESSAGES, _semconv.OUTPUT_MESSAGES),
    }
)
_PLAIN: Final = (str, int, float, bool)


@overload
def span(function: DecoratedT, /) -> DecoratedT: ...
@overload
def span(
    *,
    name: str | None = None,
    operation: str | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
    entrypoint: str | None = None,
    capture: Capture = "all",
    exclude: Iterable[str] = (),
) -> Decorator: ...
def span(  # noqa: PLR0913 -- all but the first are keyword-only
    function: Any = None,
    /,
    *,
    name: str | None = None,
    operation: str | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
    entrypoint: str | None = None,
    capture: Capture = "all",
    exclude: Iterable[str] = (),
) -> Any:
    """Record each call of a function as a span: a step that is worth seeing and is neither an agent nor a tool.

    Works on whatever ``@tool`` works on.

    Args:
        function: what is decorated, when the decorator is used bare.
        name: what the span is called, 1 to 128 characters; the function's name if not given. With an operation the
            conventions say what it is called.
        operation: what the GenAI conventions call it: ``plan``, ``retrieval``, ``create_memory_store``,
            ``delete_memory_store``, ``create_memory``, ``update_memory``, ``upsert_memory``, ``delete_memory`` or
            ``search_memory``. Model calls have ``model_call``.
        attributes: what each span says besides, for example ``{"gen_ai.data_source.id": "handbook"}``.
        entrypoint: of a class, the method that is traced; ``run`` if not given, or else ``__call__``.
        capture: which of the content is recorded: ``all``, ``input``, ``output`` or ``none``.
        exclude: the parameters whose values are not recorded.

    Raises:
        ConfigurationError: at decoration, if this cannot be decorated, or an option cannot be used.
    """
    checked_title(name, "span")
    _check_operation(operation, name)
    captured = captured_by(capture, exclude, "span", None, entrypoint)
    # Plans are made in this process, the others are asked of something else (the conventions' kinds).
    kind = SpanKind.INTERNAL if operation in {None, _semconv.OPERATION_PLAN} else SpanKind.CLIENT
    said: dict[str, Any] = {"kind": kind, "operation": operation, "given": _checked_attributes(attributes)}

    def define(called: Callable[..., Any], subject: object, **options: Any) -> SpanDefinition:  # noqa: ANN401 -- Define's
        return SpanDefinition(name or name_of(subject), None, called, captured=captured, **said, **options)

    decorate = partial(decorated, define=define, decorator="span", entrypoint=entrypoint)
    return decorate if function is None else decorate(function)


def _check_operation(operation: str | None, name: str | None) -> None:
    if operation is None:
        return
    if not isinstance(operation, str):
        raise ConfigurationError(f"@span(operation={operation!r}): write one of {', '.join(_OPERATIONS)}.")
    if operation in _ELSEWHERE:
        raise ConfigurationError(f"@span(operation={operation!r}): that is what {_ELSEWHERE[operation]} records.")
    if operation not in _OPERATIONS:
        raise ConfigurationError(f"@span(operation={operation!r}): write one of {', '.join(_OPERATIONS)}.")
    if name is not None:
        raise ConfigurationError(
            f"@span(name={name!r}): with an operation the span is called by it; leave one of them out."
        )


def _checked_attributes(given: object) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigurationError('@span(attributes=…): write a mapping, {"gen_ai.data_source.id": "handbook"}.')
    entries = cast("Mapping[object, object]", given).items()
    checked = {key: _frozen(value) for key, value in entries if isinstance(key, str) and key and _is_usable(value)}
    for key, _ in entries:
        if isinstance(key, str) and (key in _OURS or key.startswith("ams.")):
            raise ConfigurationError(f"@span(attributes=…): {key!r} is what the SDK itself says; leave it out.")
        if key not in checked:
            raise ConfigurationError(
                f"@span(attributes=…): {key!r} cannot be used; an attribute has a name, and a value that is a text, a "
                "number, a flag, or a list of one of these."
            )
    return checked


def _is_usable(value: object) -> bool:
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        return len({type(one) for one in items}) <= 1 and all(isinstance(one, _PLAIN) for one in items)
    return isinstance(value, _PLAIN)


def _frozen(value: object) -> object:
    return tuple(cast("Sequence[object]", value)) if isinstance(value, list) else value
