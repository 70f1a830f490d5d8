"""The script: which step answers which request, and what became of both."""

from __future__ import annotations

import difflib
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from ams_sdk._capture import redact_text
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._model.step import Failure, ModelToolCall, Step, StepLike, Turn, as_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ams_sdk.testing._model.model_request import ModelRequest

__all__ = ["RELAXED", "Asked", "Entry", "Matcher", "Script", "ScriptProblem", "Sequence"]

RELAXED: Final = "@pytest.mark.ams(strict=False), or FakeLLM(strict=False),"
"""How a test says that what the script does not say may happen."""

if TYPE_CHECKING:
    Matcher = Callable[[ModelRequest], bool]
_MANY: Final = 2
Problem = Literal["beyond", "not_offered", "refused", "function"]


class ScriptProblem(Exception):  # noqa: N818 -- becomes an answer, and a line of verify()
    """The script has no answer to a request; the text says what to do."""


@dataclass(slots=True, eq=False)
class Entry:
    """A step, and the call that took it."""

    step: Step
    asked: Asked | None = None


@dataclass(slots=True, eq=False)
class Asked:
    """One request, and what became of it."""

    number: int
    request: ModelRequest | None
    shown: str
    answer: str = ""
    problem: Problem | None = None
    reason: str = ""
    cause: Exception | None = None


@dataclass(slots=True, eq=False)
class Sequence:
    """Steps in turn, for the requests that match."""

    label: str
    matches: Matcher | None = None
    entries: list[Entry] = field(default_factory=list["Entry"])

    def next_entry(self) -> Entry | None:
        """The first step that was not used."""
        return next((entry for entry in self.entries if entry.asked is None), None)


class Script:
    """Steps in turn, and routes that come before them; several threads may ask at once.

    Args:
        function: answers in the place of steps.
        strict: a tool may be called only if it was offered, and each step is to be used.
    """

    def __init__(self, function: Callable[[ModelRequest], StepLike] | None, *, strict: bool) -> None:
        self.lock: threading.RLock = threading.RLock()
        self.function = function
        self.strict = strict
        self.steps: Sequence = Sequence("script")
        self.routes: list[Sequence] = []
        self.asked: list[Asked] = []
        self.requests: list[ModelRequest] = []

    def add(self, steps: Iterable[StepLike], to: Sequence | None = None) -> None:
        """Append steps.

        Raises:
            ConfigurationError: one is no step, or a thought has nothing after it.
        """
        if self.function is not None:
            raise ConfigurationError("A FakeLLM.from_function answers by its function: it takes no steps.")
        made = [Entry(step) for step in _with_thoughts(steps)]
        with self.lock:
            (to or self.steps).entries += made

    def route(self, label: str, matches: Matcher) -> Sequence:
        """A sequence for the requests that match; the first that does takes a request."""
        if self.function is not None:
            raise ConfigurationError("A FakeLLM.from_function answers by its function: it takes no routes.")
        made = Sequence(label, matches)
        with self.lock:
            self.routes.append(made)
        return made

    def refuse(self, shown: str, reason: str) -> None:
        """A request that was not right was answered as a provider would."""
        with self.lock:
            self.asked.append(Asked(len(self.asked) + 1, None, shown, f"refused: {reason}", "refused", reason))

    def take(self, request: ModelRequest) -> Step:
        """The step that answers a request.

        Raises:
            ScriptProblem: there is none, or it calls a tool that was not offered.
        """
        with self.lock:
            asked = Asked(len(self.asked) + 1, request, repr(request))
            self.asked.append(asked)
            self.requests.append(request)
            function = self.function
            scripted = self._next(request, asked) if function is None else None
        # A function may take its time, or ask this model again.
        step = scripted or _called(function, request, asked)
        if self.strict and isinstance(step, Turn):
            self._check_offered(step, request, asked)
        return step

    def _next(self, request: ModelRequest, asked: Asked) -> Step:
        sequence = self.steps
        for number, route in enumerate(self.routes, 1):
            if _matches(route, request, asked):
                sequence, asked.answer = route, f"route {number} "
                break
        entry = sequence.next_entry()
        if entry is None:
            asked.problem, asked.answer = "beyond", f"{asked.answer}no step left"
            raise ScriptProblem(_nothing_left(sequence, self, asked))
        entry.asked = asked
        asked.answer += f"step {sequence.entries.index(entry) + 1}"
        return entry.step

    def _check_offered(self, step: Turn, request: ModelRequest, asked: Asked) -> None:
        offered = request.tool_names
        for piece in step.pieces:
            if isinstance(piece, ModelToolCall) and piece.name not in offered:
                asked.problem = "not_offered"
                near = difflib.get_close_matches(piece.name, offered, n=1)
                maybe = f" Is it '{near[0]}'?" if near else ""
                asked.reason = (
                    f"The script calls the tool '{piece.name}', and call {asked.number} offered "
                    f"{', '.join(offered) if offered else 'no tools'}.{maybe}"
                )
                raise ScriptProblem(
                    f"FakeLLM: {asked.reason} Write the name of a tool that the agent has, give the agent this tool, "
                    f"or say {RELAXED} for a model that makes tools up."
                )


def _matches(route: Sequence, request: ModelRequest, asked: Asked) -> bool:
    try:
        return route.matches is not None and bool(route.matches(request))
    except Exception as error:
        raise _raised(route.label, error, asked) from error


def _called(function: Callable[[ModelRequest], StepLike] | None, request: ModelRequest, asked: Asked) -> Step:
    assert function is not None  # noqa: S101 -- without one there was a step
    try:
        step = as_step(function(request))
    except Exception as error:
        raise _raised("the function", error, asked) from error
    asked.answer = "the function"
    return step


def _raised(what: str, error: Exception, asked: Asked) -> ScriptProblem:
    kind = type(error).__name__
    asked.problem, asked.cause, asked.answer = "function", error, f"{what} raised {kind}"
    return ScriptProblem(f"FakeLLM: at call {asked.number} {what} raised {kind}: {redact_text(str(error))}")


def _with_thoughts(steps: Iterable[StepLike]) -> list[Step]:
    found: list[Step] = []
    thought: Turn | None = None
    for given in steps:
        step = as_step(given)
        if thought is not None:
            if isinstance(step, Failure):
                raise ConfigurationError("thinking(…) stands before what the model says, and error(…) says nothing.")
            step, thought = step.after(thought), None
        if isinstance(step, Turn) and step.opens:
            thought = step
        else:
            found.append(step)
    if thought is not None:
        raise ConfigurationError(
            "thinking(…) stands before what the model says: write script(thinking('…'), text('…')), or a list, "
            "script([thinking('…')]), for a model that thinks and says nothing."
        )
    return found


def _nothing_left(sequence: Sequence, script: Script, asked: Asked) -> str:
    number = len(sequence.entries)
    if sequence is script.steps and not number and script.routes:
        return (
            f"FakeLLM: no route takes call {asked.number}, {asked.shown}, and the script has no steps for the others. "
            f"The routes are {'; '.join(route.label for route in script.routes)}. Add llm.when(…).then(…) or "
            "llm.script(…)."
        )
    is_default = sequence is script.steps
    used = (
        ("it has none", "its only step was used before")[number] if number < _MANY else f"all {number} were used before"
    )
    return (
        f"FakeLLM: no step is left in {'the script' if is_default else sequence.label} for call {asked.number}, "
        f"{asked.shown}: {used}. Add one with {'llm.script(…)' if is_default else f'llm.{sequence.label}.then(…)'}, "
        "or see why the agent asks once more."
    )
