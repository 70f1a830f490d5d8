"""``@tool``: each call of the function becomes an ``execute_tool`` span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from ams_sdk._decorators.call import traced
from ams_sdk._decorators.definition import ToolDefinition, checked_function, description_for, name_for

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Decorator", "tool"]

FunctionT = TypeVar("FunctionT", bound="Callable[..., Any]")


class Decorator(Protocol):
    """A decorator that gives back what it gets, by type."""

    def __call__(self, function: FunctionT, /) -> FunctionT:
        """Decorate the function."""
        ...


@overload
def tool(function: FunctionT, /) -> FunctionT: ...
@overload
def tool(*, name: str | None = None, description: str | None = None) -> Decorator: ...
def tool(function: Any = None, /, *, name: str | None = None, description: str | None = None) -> Any:
    """Make a function a tool: each call is recorded as a span, with its arguments and its result.

    Works bare and called, on functions written with ``def`` and with ``async def``. The function keeps its signature,
    its results and its exceptions. While the SDK is not configured a call costs next to nothing.

    Args:
        function: the function, when the decorator is used bare.
        name: what the tool is called, 1 to 128 of A-Z a-z 0-9 _ . -; the function's name if not given.
        description: what the tool is for; the first paragraph of the docstring if not given.

    Raises:
        ConfigurationError: at decoration, if this cannot be decorated or the name cannot be used.
    """

    def decorate(undecorated: object) -> Callable[..., Any]:
        checked = checked_function(undecorated, "tool")
        definition = ToolDefinition(name_for(checked, name, "tool"), description_for(checked, description), checked)
        return traced(checked, definition)

    return decorate if function is None else decorate(function)
