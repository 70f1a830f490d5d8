"""Functions whose results are answers of a model, or whose items are chunks of one; each keeps its kind."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from ams_sdk._decorators.annotations import secret_parameters
from ams_sdk._decorators.call import traced_by
from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk._model_calls.model_span import ModelSpan

    Start = Callable[[object], ModelSpan | None]

__all__ = ["traced_model"]

_MESSAGES: Final = ("messages", "contents", "prompt", "input")


def traced_model(function: object, start: Start) -> Callable[..., Any]:
    """The function, with each of its calls recorded.

    Args:
        function: what was decorated.
        start: starts the span of one call; it is given the messages, where a parameter is called that.

    Raises:
        ConfigurationError: this is no function.
    """
    if not isinstance(function, FunctionType):
        raise ConfigurationError(
            f"@model_call(…) goes directly above a function that was written with def or async def, not on "
            f"a {type(function).__name__}."
        )
    return traced_by(function, _beginning(function, start))


def _beginning(function: FunctionType, start: Start) -> Callable[[tuple[Any, ...], dict[str, Any]], ModelSpan | None]:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    name = next((one for one in _MESSAGES if one in names), "")
    place = names.index(name) if name in names[: code.co_argcount] else None
    # Found out at the first call: an annotation may use names that its module defines below.
    hides: bool | None = None

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> ModelSpan | None:
        nonlocal hides
        given = None
        if hides is None:
            hides = name in secret_parameters(function)
        if not hides:
            given = args[place] if place is not None and place < len(args) else kwargs.get(name)
        call = start(given)
        if call is not None:
            call.enter()
        return call

    return begin
