"""Which run of a trace is replayed, where its code is, and what it was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from ams_sdk import _semconv
from ams_sdk._decorators.definition import REST
from ams_sdk.testing._replay.code_place import given_place, recorded_place
from ams_sdk.testing._replay.completeness import flaw
from ams_sdk.testing._replay.python_code import is_name
from ams_sdk.testing._replay.refusal import listed, refused
from ams_sdk.testing._trace.recorded_content import NOT_RECORDED, input_of, output_of

if TYPE_CHECKING:
    from ams_sdk.testing._replay.code_place import CodePlace
    from ams_sdk.testing._trace.agent_run import AgentRun
    from ams_sdk.testing._trace.view import TraceView

__all__ = ["Given", "check_whole", "chosen_run", "given_to", "place_of"]

_ADVICE_CAPTURE: Final = (
    'Record content: capture_content=True, and capture="all" without exclude= where the agent is decorated; then trace '
    "a run again."
)
_ADVICE_PLACE: Final = "Say where it is: --agent-code package.module:function."
_ADVICE_DATA: Final = "A run without it would be another one: trace a run with smaller or other data."


class Given(NamedTuple):
    """What an agent was given.

    Attributes:
        positional: values without a name.
        named: the others.
    """

    positional: Sequence[Any]
    named: Mapping[str, Any]


def chosen_run(trace: TraceView, agent: str | None) -> AgentRun:
    """The run of the agent that is named, or of the one that is above all others.

    Raises:
        ConfigurationError: there is none, or several.
    """
    runs = trace.agents()
    if not runs:
        raise refused("there is no run of an agent in it", "Put @ams_sdk.agent on the agent's function.")
    if agent is not None:
        named = [run for run in runs if run.name == agent]
        if not named:
            names = listed(run.name for run in runs)
            raise refused(f"no agent {agent!r} ran in it", f"There are {names}: choose one with --agent.")
        runs = named
    spans = {run.span.span_id for run in runs}
    tops = [run for run in runs if not _is_below(run, spans)]
    if len(tops) > 1 and agent is None:
        names = listed(run.name for run in tops)
        raise refused(f"several agents ran in it, none below another ({names})", "Choose one with --agent.")
    # Of several runs of one agent the first: what it is replayed with is its own.
    return tops[0]


def check_whole(run: AgentRun, open_names: Sequence[str]) -> None:
    """Whether the run came to its end, and what it was given and gave was recorded.

    Raises:
        ConfigurationError: it did not.
    """
    if open_names:
        raise refused(f"it is still going on ({listed(open_names)})", "Wait until the run has ended.")
    span = run.span
    if input_of(span) is NOT_RECORDED:
        raise refused(f"what {run.name} was given was not recorded", _ADVICE_CAPTURE)
    if run.error is None and output_of(span) is NOT_RECORDED:
        raise refused(f"what {run.name} gave back was not recorded", _ADVICE_CAPTURE)


def place_of(run: AgentRun, agent_code: str | None) -> CodePlace:
    """Where the agent's code is.

    Raises:
        ConfigurationError: nobody has said so, or it cannot be imported.
    """
    if agent_code is not None:
        return given_place(agent_code)
    code_name = run.span.attributes.get(_semconv.CODE_FUNCTION_NAME)
    place = recorded_place(code_name)
    if place is not None and run.span.scope_name == _semconv.SCOPE:
        return place
    if isinstance(code_name, str) and "<" in code_name:
        raise refused(
            f"the code of {run.name} is local and cannot be imported ({code_name})",
            f"Move it to the top of its module, or say what a test can import: {_ADVICE_PLACE[14:]}",
        )
    whose = f", as {run.span.scope_name} recorded it" if run.span.scope_name != _semconv.SCOPE else ""
    raise refused(f"it does not say where the code of {run.name} is{whose}", _ADVICE_PLACE)


def given_to(run: AgentRun) -> Given:
    """What the agent was given, as a call has it.

    Raises:
        ConfigurationError: it was not recorded whole.
    """
    given = run.input
    if isinstance(given, list):  # of other instrumentation
        given = _user_text(cast("list[object]", given))
        if given is None:
            raise refused(
                f"{run.name} was given messages, and of more than one text nobody knows which argument it was",
                "Put @ams_sdk.agent on the function that calls it.",
            )
    if (missing := flaw(given, f"the input of {run.name}")) is not None:
        raise refused(missing, _ADVICE_DATA)
    if not isinstance(given, dict):
        return Given((given,), {})
    return _as_called(cast("dict[str, Any]", given), run.name)


def _as_called(given: dict[str, Any], name: str) -> Given:
    """With ``*args``, what stands before them was given without a name."""
    strange = [one for one in given if one.startswith("**")]
    if strange:
        raise refused(f"{name} was given two arguments with one name ({strange[0]})", "Call it in another way.")
    if REST not in given:
        return Given((), given)
    names = list(given)
    at = names.index(REST)
    positional = [*(given[one] for one in names[:at]), *given[REST]]
    return Given(positional, {one: given[one] for one in names[at + 1 :] if is_name(one)})


def _user_text(messages: list[object]) -> str | None:
    said = [cast("Mapping[str, Any]", one) for one in messages if isinstance(one, Mapping)]
    users = [one.get("parts") for one in said if one.get("role") == "user"]
    match users:
        case [[{"type": "text", "content": str(text)}]]:
            return text
        case _:
            return None


def _is_below(run: AgentRun, spans: set[str]) -> bool:
    above = run.parent
    while above is not None:
        if above.span.span_id in spans:
            return True
        above = above.parent
    return False
