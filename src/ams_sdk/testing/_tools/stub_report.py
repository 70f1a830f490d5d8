"""What is said when an agent calls a stubbed tool in another way than a test says, or does not call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ams_sdk._capture import REDACTED
from ams_sdk.testing._trace.failure import failure_text
from ams_sdk.testing._trace.masked_text import MaskedParts, cut, masked, shown
from ams_sdk.testing._trace.steps import call_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ams_sdk.testing._tools.stub import Stub
    from ams_sdk.testing._tools.tool_stubs import StubbedTool

__all__ = ["ToolStubMismatchError", "mismatch_text", "transcript_of", "unused_text"]

_MOST_SHOWN: Final = 6
_MOST_DIFFERENCES: Final = 4
_WIDTH: Final = 100


class ToolStubMismatchError(AssertionError):
    """A stubbed tool was called in a way that no stub answers, or a stub was not used."""

    __module__ = "ams_sdk.testing"  # by which users know it


def mismatch_text(tool: StubbedTool, arguments: Mapping[str, Any]) -> str:
    """What is said of a call that no stub answers."""
    name, call = tool.name, call_text(tool.name, arguments, 80)
    if not tool.stubs:
        return failure_text(
            f"{call} was called, and its stub has no answer.",
            advice=[f"Write ams_tools.on({name}).returns(…), or see why the agent calls it."],
        )
    fitting = [stub for stub in tool.stubs if not stub.differs(arguments)]
    if fitting:
        used = "its only stub was" if len(tool.stubs) == 1 else "each stub that fits was"
        return failure_text(
            f"{call} was called once more than it is stubbed: {used} used before.",
            [*_stub_lines(tool, None), *_call_lines(tool)],
            advice=[
                "See why the agent calls it again. If it may: add one more .returns(…), or give this one times=2, or",
                "  times=None for any number of calls.",
            ],
        )
    # What is left answers first, then what differs in the fewest arguments.
    nearest = min(tool.stubs, key=lambda stub: (not stub.is_left, len(stub.differs(arguments)), -len(stub.arguments)))
    return failure_text(
        f"{call} was called, and {_none_of(len(tool.stubs))} that.",
        [*_difference(tool, nearest, arguments), "", *_stub_lines(tool, nearest), *_call_lines(tool)],
        advice=_ways_out(nearest, arguments),
    )


def unused_text(tools: Sequence[StubbedTool]) -> str:
    """What is said of stubs that no call has used."""
    unused = [(tool, stub) for tool in tools for stub in tool.stubs if stub.is_unused]
    total = sum(len(tool.stubs) for tool in tools)
    concerned = list(dict.fromkeys(tool for tool, _ in unused))
    names = ", ".join(tool.name for tool in concerned[:_MOST_SHOWN])
    return failure_text(
        f"{'The only stub' if total == 1 else f'{len(unused)} of {total} stubs'} of tools "
        f"{'was' if len(unused) == 1 else 'were'} not used: {names}.",
        [line for tool in concerned[:_MOST_SHOWN] for line in [*_stub_lines(tool, None), *_call_lines(tool)]],
        advice=[
            "The agent did not call these tools so. See why, or take the stubs out. For calls that need not come:",
            "  times=None. To let all stubs be unused: @pytest.mark.ams(strict=False), or ToolStubs(strict=False).",
        ],
    )


def _none_of(stubs: int) -> str:
    return "its only stub does not answer" if stubs == 1 else f"none of its {stubs} stubs answers"


def transcript_of(tools: Sequence[StubbedTool]) -> str:
    """All stubs with marks, and the calls; empty if there are none."""
    return "\n".join(line for tool in tools for line in [*_stub_lines(tool, None), *_call_lines(tool)])


def _difference(tool: StubbedTool, nearest: Stub, arguments: Mapping[str, Any]) -> list[str]:
    place = f", stub {tool.stubs.index(nearest) + 1} of {len(tool.stubs)}" if len(tool.stubs) > 1 else ""
    wrong = nearest.differs(arguments)
    lines = [line for name, found in wrong.items() for one in found for line in one.lines(name)]
    most = 3 * _MOST_DIFFERENCES
    more = [f"  … {(len(lines) - most) // 3} more"] if len(lines) > most else []
    return [f"The nearest is {nearest.text(tool.name)}{place}; the call differs in", *lines[:most], *more]


def _stub_lines(tool: StubbedTool, nearest: Stub | None) -> list[str]:
    lines = [f"stubs of {tool.name}"]
    kept = _kept([stub.is_unused or stub is nearest for stub in tool.stubs])
    for number, stub in ((at + 1, tool.stubs[at]) for at in kept):
        note = f"{_use_of(stub)}{', nearest' if stub is nearest and len(tool.stubs) > 1 else ''}"
        lines.append(cut(f"  {'✗' if stub.is_unused else '✓'} {number:>3}  {note:<17}  {stub.text(tool.name)}"))
    return [*lines, *_left_out(tool.stubs)]


def _use_of(stub: Stub) -> str:
    if stub.times is None:
        return f"used {stub.used}x"
    if stub.times == 1:
        return "used" if stub.used else "not used"
    return f"used {stub.used} of {stub.times}x"


def _call_lines(tool: StubbedTool) -> list[str]:
    if not tool.calls:
        return [f"calls of {tool.name}: none"]
    kept = _kept([not call.is_answered for call in tool.calls])
    lines = [
        cut(f"  {'✓' if call.is_answered else '✗'} {number:>3}  {call_text(tool.name, call.arguments, 60)}")
        for number, call in ((at + 1, tool.calls[at]) for at in kept)
    ]
    return [f"calls of {tool.name}", *lines, *_left_out(tool.calls)]


def _kept(matters: Sequence[bool]) -> list[int]:
    """The places of at most so many, those that matter first, in their order."""
    ranked = sorted(range(len(matters)), key=lambda at: (not matters[at], at))
    return sorted(ranked[:_MOST_SHOWN])


def _left_out(entries: Sequence[object]) -> list[str]:
    return [f"       … {len(entries) - _MOST_SHOWN} more"] if len(entries) > _MOST_SHOWN else []


def _ways_out(nearest: Stub, arguments: Mapping[str, Any]) -> list[str]:
    wrong = nearest.differs(arguments)
    expected = [name for name in wrong if name in nearest.arguments]
    added = [name for name in wrong if name not in nearest.arguments]
    advice: list[str] = []
    if expected:
        advice.append(_way_to(expected[0], nearest, arguments))
    if added:
        advice.append(
            f"If {', '.join(added)} is right: add it to the stub. To accept other arguments: leave exact=True out."
        )
    return advice


def _way_to(name: str, nearest: Stub, arguments: Mapping[str, Any]) -> str:
    """What to write where a stub asks for another value of this argument."""
    said = masked(name)
    if name not in arguments and name not in nearest.defaults:
        return MaskedParts(f"The call has no argument {said!r}. If that is right: leave {said}= out of the stub.")
    value = shown(arguments.get(name, nearest.defaults.get(name)), 60, name=name)
    is_shown = REDACTED not in value and "…" not in value
    write = f"write {said}={value} in the stub" if is_shown else "give the stub the value that the call has"
    return MaskedParts(
        f"If the call is right: {write}. To accept any value: leave {said}= out, or write {said}=mock.ANY."
    )
