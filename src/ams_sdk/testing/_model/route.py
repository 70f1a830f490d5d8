"""Which requests some steps of a script are for."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from ams_sdk.testing._model.script import Matcher, Script, Sequence
    from ams_sdk.testing._model.step import StepLike

__all__ = ["Route", "condition"]


class Route:
    """Made by ``llm.when(…)``."""

    def __init__(self, script: Script, sequence: Sequence) -> None:
        self._script = script
        self._sequence = sequence

    def then(self, *steps: StepLike) -> Self:
        """Append steps, as ``llm.script`` does.

        Raises:
            ConfigurationError: one is no step, or nothing follows a thought.
        """
        self._script.add(steps, self._sequence)
        return self

    def __repr__(self) -> str:
        return f"<Route {self._sequence.label}>"


def condition(
    given: Matcher | str | None, *, tool: str | None, system: str | None, message: str | None, model: str | None
) -> tuple[str, Matcher]:
    """A condition as its author wrote it, and as a function.

    Raises:
        ConfigurationError: there is none, or one that cannot hold.
    """
    named = {"tool": tool, "system": system, "message": message, "model": model}
    wanted = {name: value for name, value in named.items() if value is not None}
    checks: list[Matcher] = [_CHECKS[name](_text(name, value)) for name, value in wanted.items()]
    shown = [f"{name}={value!r}" for name, value in wanted.items()]
    if isinstance(given, str):
        said = _text("the text", given)
        checks.insert(0, lambda request: said in request.tool_names or request.says(said))
        shown.insert(0, repr(given))
    elif callable(given) and not inspect.iscoroutinefunction(given):
        checks.insert(0, given)
        shown.insert(0, getattr(given, "__qualname__", repr(given)).rpartition("<locals>.")[2])
    elif given is not None:
        raise ConfigurationError(f"llm.when(…) takes a plain function of the request or a text, not {given!r:.80}")
    if not checks:
        raise ConfigurationError(
            "llm.when(…) needs a condition, such as tool='search'; llm.script(…) is for all requests."
        )
    return f"when({', '.join(shown)})", lambda request: all(check(request) for check in checks)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{name} of llm.when(…) is a text that is not empty, not {value!r:.80}")
    return value


def _tool(wanted: str) -> Matcher:
    return lambda request: wanted in request.tool_names


def _system(wanted: str) -> Matcher:
    return lambda request: wanted in request.system


def _message(wanted: str) -> Matcher:
    return lambda request: any(
        wanted in message.text or any(wanted in result.text for result in message.tool_results)
        for message in request.messages
    )


def _model(wanted: str) -> Matcher:
    return lambda request: request.model == wanted


_CHECKS: dict[str, Callable[[str], Matcher]] = {
    "tool": _tool,
    "system": _system,
    "message": _message,
    "model": _model,
}
