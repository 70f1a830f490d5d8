"""Which tools a run called, how often and with what; each function gives the text of the failure, or None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.advice import counted, listed, near_name, not_recorded, times_text, where_else
from ams_sdk.testing._trace.decorated_names import tool_name_of
from ams_sdk.testing._trace.failure import failure_text
from ams_sdk.testing._trace.failure_rows import Mark, rows_of
from ams_sdk.testing._trace.masked_text import MaskedParts, masked, shown
from ams_sdk.testing._trace.parameters import parameters_at, parameters_of
from ams_sdk.testing._trace.recorded_content import NOT_RECORDED, NotRecorded
from ams_sdk.testing._trace.steps import NOT_GIVEN, argument_differences, call_text
from ams_sdk.testing._trace.value_difference import ABSENT
from ams_sdk.testing._trace.value_match import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ams_sdk.testing._trace.calls import ToolCall
    from ams_sdk.testing._trace.run_view import RunView
    from ams_sdk.testing._trace.value_difference import Difference

__all__ = ["called_anyway", "not_called_so", "others_called"]

_RESULT = "result"
_MOST_NEAR = 3


class _Wanted:
    """A call that is looked for."""

    def __init__(
        self, tool: str | Callable[..., Any], arguments: Mapping[str, Any], result: object, asked_by: str
    ) -> None:
        self.tool = tool_name_of(tool, asked_by)
        self.arguments = arguments
        self.result = result
        self._parameters = parameters_of(tool)
        if self._parameters is not None:
            self._parameters.refuse_others(arguments, self.tool, asked_by)
        self._known: dict[int, dict[str, list[Difference]]] = {}

    def __str__(self) -> str:
        asked = call_text(self.tool, self.arguments) if self.arguments else self.tool
        return asked if isinstance(self.result, NotRecorded) else f"{asked} -> {shown(self.result, 60)}"

    @property
    def is_plain(self) -> bool:
        return not self.arguments and isinstance(self.result, NotRecorded)

    def differs(self, call: ToolCall) -> dict[str, list[Difference]]:
        """By the argument's name, and ``-> result``, where a call is another one, or may be."""
        found = self._known.get(id(call))
        if found is None:
            found = argument_differences(self.arguments, call.arguments, call.span, self._parameters)
            asks_result = not isinstance(self.result, NotRecorded) and call.has_result
            if asks_result and (left := list(differences(self.result, call.result))):
                found[f"-> {_RESULT}"] = left
            self._known[id(call)] = found
        return found

    def names(self, call: ToolCall) -> list[str]:
        """The names that an argument of a call may have."""
        parameters = self._parameters or parameters_at(call.span)
        return [*call.arguments, *(parameters.names if parameters is not None else ())]

    def lacks(self, call: ToolCall) -> str:
        """What is asked for and was not recorded of a call at all."""
        if self.arguments and not call.has_arguments:
            return "arguments"
        # A call that failed has no result, which is nobody's setting.
        if not isinstance(self.result, NotRecorded) and not call.has_result and call.error is None:
            return "results"
        return ""

    def is_met_by(self, call: ToolCall) -> bool:
        """Whether a call certainly is the one."""
        if not isinstance(self.result, NotRecorded) and not call.has_result:
            return False
        return not self.lacks(call) and not self.differs(call)

    def may_be(self, call: ToolCall, *, by_absence: bool = True) -> bool:
        """Whether nobody can tell if a call is the one.

        Args:
            call: the call.
            by_absence: an argument that was not recorded may have been given as well.
        """
        if self.lacks(call):
            return True
        if not isinstance(self.result, NotRecorded) and not call.has_result:
            return False
        found = [one for different in self.differs(call).values() for one in different]
        return bool(found) and all(one.is_doubtful and (by_absence or one.got is not ABSENT) for one in found)


def not_called_so(
    run: RunView,
    tool: str | Callable[..., Any],
    times: int | None,
    result: object,
    arguments: Mapping[str, Any],
) -> str | None:
    """The failure of ``assert_called``."""
    wanted = _Wanted(tool, arguments, result, "assert_called()")
    _check_times(times)
    calls = [call for call in run.tool_calls if call.name == wanted.tool]
    met = [call for call in calls if wanted.is_met_by(call)]
    unclear = [call for call in calls if wanted.may_be(call, by_absence=False)]
    if unclear and (times is not None or not met) and (times is None or len(met) <= times):
        return _cannot_be_told(run, wanted, calls, unclear, was_to=True)
    if (len(met) == times) if times is not None else met:
        return None
    return _nothing_called(run, wanted, times) if not calls else _called_otherwise(run, wanted, times, calls, met)


def called_anyway(run: RunView, tool: str | Callable[..., Any], arguments: Mapping[str, Any]) -> str | None:
    """The failure of ``assert_not_called``."""
    wanted = _Wanted(tool, arguments, NOT_RECORDED, "assert_not_called()")
    calls = [call for call in run.tool_calls if call.name == wanted.tool]
    met = [call for call in calls if wanted.is_met_by(call)]
    unclear = [call for call in calls if wanted.may_be(call)]
    if not met and unclear:
        return _cannot_be_told(run, wanted, calls, unclear, was_to=False)
    if not met:
        return None
    advice = [f"If it may be called: assert_called({wanted.tool!r}, times={len(met)})."]
    if wanted.is_plain:
        advice.append(
            f"To forbid some calls only, name their arguments: assert_not_called({wanted.tool!r}, argument=value)."
        )
    return failure_text(
        f"{run.name!r} was not to call {wanted}, and did {times_text(len(met))}.",
        [f"  {call_text(call.name, call.arguments)}" for call in met[:_MOST_NEAR]],
        rows=rows_of(run.branches, _marks(run, met, "not to be called", "✗"), top=run.branch.depth),
        advice=advice,
    )


def _cannot_be_told(
    run: RunView, wanted: _Wanted, calls: Sequence[ToolCall], unclear: Sequence[ToolCall], *, was_to: bool
) -> str:
    call = next((one for one in unclear if wanted.lacks(one)), unclear[0])
    if wanted.lacks(call):
        return failure_text(
            f"{run.name!r} was {'not ' * (not was_to)}to call {wanted}, and nobody can say whether it did.",
            not_recorded(call.span, wanted.lacks(call)),
            rows=rows_of(run.branches, _marks(run, [call], "not recorded"), top=run.branch.depth),
        )
    wrong = wanted.differs(call)
    return failure_text(
        f"It cannot be told from what was recorded whether {run.name!r} called {wanted}, "
        f"which it was {'not ' * (not was_to)}to do.",
        [
            f"It may have been {call_text(call.name, call.arguments, 60)}{_place(call, calls)}; not told is",
            *(line for name, found in wrong.items() for one in found for line in one.lines(name)),
        ],
        rows=rows_of(run.branches, _marks(run, [call], f"may be it: {', '.join(wrong)}"), top=run.branch.depth),
        advice=_ways_to_tell(wanted, call, was_to=was_to),
    )


def _ways_to_tell(wanted: _Wanted, call: ToolCall, *, was_to: bool) -> list[str]:
    """How to ask for what was recorded, or for the values themselves."""
    wrong = wanted.differs(call)
    absent = [name for name, found in wrong.items() if any(one.got is ABSENT for one in found)]
    lost = [name for name in wrong if name not in absent]
    advice: list[str] = []
    for name in absent:
        if any(one.note == NOT_GIVEN for one in wrong[name]):
            advice.append(
                f"What a call leaves at its default is not recorded. Where the default is known it counts: give the "
                f"function that is decorated in the place of {wanted.tool!r}."
            )
        elif not wrong[name][0].note:
            advice += [f"{wanted.tool} has no parameter {name!r}.", *near_name(name, wanted.names(call))]
    if lost and lost != [f"-> {_RESULT}"]:
        name = next(one for one in lost if one in wanted.arguments)
        if was_to:
            advice.append(
                MaskedParts(
                    f"To accept any value: {masked(name)}=mock.ANY. To ask for what was recorded: a text, a pattern, "
                    "or an object whose __eq__ tells."
                )
            )
        advice.append(
            MaskedParts(
                f"A stub compares the values themselves: ams_tools.on({masked(wanted.tool)}).returns(…, "
                f"{masked(name)}=…), and ams_tools.calls({masked(wanted.tool)}) has them."
            )
        )
    elif lost:
        advice.append("To accept any result: leave out result=, or write result=mock.ANY.")
    return list(dict.fromkeys(advice))


def others_called(run: RunView, tools: Sequence[str | Callable[..., Any]]) -> str | None:
    """The failure of ``assert_only_called``."""
    allowed = [tool_name_of(tool, "assert_only_called()") for tool in tools]
    others = [call for call in run.tool_calls if call.name not in allowed]
    if not others:
        return None
    names = list(dict.fromkeys(call.name for call in others))
    write = ", ".join(repr(name) for name in [*allowed, *names])
    return failure_text(
        f"{run.name!r} was to call {'only ' + ', '.join(allowed) if allowed else 'no tool'}, "
        f"and called {listed(call.name for call in others)} as well."
        if allowed
        else f"{run.name!r} was to call no tool, and called {listed(call.name for call in others)}.",
        rows=rows_of(run.branches, _marks(run, others, "not among those", "✗"), top=run.branch.depth),
        advice=[f"To allow what was called: assert_only_called({write})."],
    )


def _check_times(times: object) -> None:
    if times is None:
        return
    if isinstance(times, bool) or not isinstance(times, int) or times < 0:
        raise ConfigurationError(
            f"assert_called(times={shown(times, 40)}): write how often, a whole number. For an argument of the tool "
            'that has this name write arguments={"times": …}.'
        )
    if times == 0:
        raise ConfigurationError("assert_called(times=0): write assert_not_called() with the same arguments.")


def _nothing_called(run: RunView, wanted: _Wanted, times: int | None) -> str:
    names = [call.name for call in run.tool_calls]
    often = "" if times is None else f" {times_text(times)}"
    return failure_text(
        f"{run.name!r} was to call {wanted}{often}, and never called {wanted.tool}.",
        [f"It called {listed(names)}."],
        rows=rows_of(run.branches, {}, top=run.branch.depth),
        advice=[
            *near_name(wanted.tool, names),
            *where_else(run, wanted.tool),
            f"If it should not be called: assert_not_called({wanted.tool!r}).",
        ],
    )


def _called_otherwise(
    run: RunView, wanted: _Wanted, times: int | None, calls: Sequence[ToolCall], met: Sequence[ToolCall]
) -> str:
    others = [call for call in calls if not wanted.is_met_by(call)]
    near = sorted(others, key=lambda call: _distance(wanted, call))[:_MOST_NEAR]
    too_many = times is not None and len(met) > times
    details: list[str] = []
    marks = _marks(run, met, "matches", "✗" if too_many else " ")
    if too_many:
        details = [f"  {call_text(call.name, call.arguments)}" for call in met[: _MOST_NEAR + 1]]
    elif near:
        details = _difference(wanted, near[0], calls)
        wrong = ", ".join(wanted.differs(near[0]))
        marks |= _marks(run, near[:1], f"nearest: differs in {wrong}" if wrong else "failed")
    exactly = "" if times is None else f" exactly {times_text(times)}"
    matching = {0: "none matches", 1: "1 matches"}.get(len(met), f"{len(met)} match")
    return failure_text(
        f"{run.name!r} was to call {wanted}{exactly}; "
        f"of its {counted(len(calls), 'call')} of {wanted.tool}, {matching}.",
        details,
        rows=rows_of(run.branches, marks, top=run.branch.depth),
        advice=_ways_out(wanted, times, met, near),
    )


def _ways_out(wanted: _Wanted, times: int | None, met: Sequence[ToolCall], near: Sequence[ToolCall]) -> list[str]:
    advice: list[str] = []
    if times is not None and met:
        advice.append(f"times={len(met)} would pass; times=None asks for at least one.")
    elif near:
        wrong = wanted.differs(near[0])
        names = [name for name in wrong if name in wanted.arguments]
        absent = [name for name in names if any(one.got is ABSENT and not one.path for one in wrong[name])]
        for name in absent:
            advice += near_name(name, wanted.names(near[0])) or [_not_given(wanted, name, near[0], wrong[name])]
        loose = [masked(name) for name in names if name not in absent]
        if loose:
            hint = f"To accept any value: leave out {', '.join(loose)}=, or write {loose[0]}=mock.ANY."
            advice.append(MaskedParts(hint))
        if not names and wrong:
            advice.append("To accept any result: leave out result=.")
    return advice


def _not_given(wanted: _Wanted, name: str, call: ToolCall, found: Sequence[Difference]) -> str:
    given = f"it was given {', '.join(call.arguments) or 'none'}"
    if any(one.note == NOT_GIVEN for one in found):
        return (
            f"No {name!r} was recorded; {given}. A default counts where it is known: give the function that is "
            f"decorated in the place of {wanted.tool!r}."
        )
    if any(one.is_doubtful for one in found):
        return f"{wanted.tool} has no argument {name!r}; {given}."
    return f"It was called without {name!r}; {given}."


def _distance(wanted: _Wanted, call: ToolCall) -> tuple[int, int]:
    wrong = wanted.differs(call)
    return len(wrong), sum(map(len, wrong.values()))


def _difference(wanted: _Wanted, call: ToolCall, calls: Sequence[ToolCall]) -> list[str]:
    nearest = f"The nearest is {call_text(call.name, call.arguments, 60)}{_place(call, calls)}; it"
    wrong = wanted.differs(call)
    if not wrong and call.error is not None:
        return [f"{nearest} failed with {call.error.type}, so it has no result."]
    return [
        f"{nearest} differs in",
        *(line for name, found in wrong.items() for one in found for line in one.lines(name)),
    ]


def _place(call: ToolCall, calls: Sequence[ToolCall]) -> str:
    return f", call {list(calls).index(call) + 1} of {len(calls)}" if len(calls) > 1 else ""


def _marks(run: RunView, calls: Sequence[ToolCall], note: str, sign: str = " ") -> dict[int, Mark]:
    return {run.index_of(call.span): Mark(note, sign) for call in calls}
