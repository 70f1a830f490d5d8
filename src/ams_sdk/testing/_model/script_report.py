"""What ``verify()`` says: the script with marks, the calls, and what to do."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from ams_sdk._capture import redact_text
from ams_sdk.testing._model.script import RELAXED

if TYPE_CHECKING:
    from ams_sdk.testing._model.script import Asked, Entry, Script

__all__ = ["ScriptMismatchError", "problem_of", "transcript_of"]

_MAX_LINES: Final = 60
_MAX_COLUMNS: Final = 120
_FEW: Final = 20
"""Lines of the steps, and as many of the calls."""
_EXPLAINED: Final = 3
"""Calls that are explained, and lines for each."""
_EXPLAINED_CHARACTERS: Final = 2000
_WORDS: Final = {
    "beyond": "had no step",
    "not_offered": "got a tool that it had not offered",
    "refused": "would have been refused by a provider",
    "function": "met an error of the test's own",
}
_ADVICE: Final = {
    "beyond": "Add steps with llm.script(…) or llm.when(…).then(…), or see why the agent asks more often.",
    "not_offered": f"Call a tool that was offered, or say {RELAXED} for a model that makes tools up.",
    "refused": f"Put the request right, or say {RELAXED} if the test is about a bad request.",
}


class ScriptMismatchError(AssertionError):
    """A fake model and its script did not meet: steps that nobody asked for, or calls that no step answers."""

    __module__ = "ams_sdk.testing"  # by which users know it


def problem_of(script: Script) -> str | None:
    """What is wrong between a script and its calls, as a text of at most 60 lines; None if nothing is."""
    with script.lock:
        entries = [entry for one in (script.steps, *script.routes) for entry in one.entries]
        unused = sum(entry.asked is None for entry in entries) if script.strict else 0
        wrong = [asked for asked in script.asked if asked.problem and (script.strict or asked.problem != "refused")]
        if not unused and not wrong:
            return None
        blocks = [
            [_headline(script, unused, len(entries), wrong)],
            _folded(_all_steps(script), _FEW),
            ["calls", *_folded(_calls(script), _FEW)],
            _advice(script, unused, wrong),
        ]
    return _joined(blocks)


def transcript_of(script: Script) -> str:
    """The script with marks and the calls, right or wrong; empty if there is neither."""
    with script.lock:
        calls = _folded(_calls(script), _FEW)
        return _joined([_folded(_all_steps(script), _FEW), ["calls", *calls] if script.asked else []])


def _joined(blocks: list[list[str]]) -> str:
    lines = [line for block in blocks if block for line in (*block, "")]
    return "\n".join(_cut(line.rstrip(), _MAX_COLUMNS) for line in lines[: _MAX_LINES + 1]).rstrip()


def _headline(script: Script, unused: int, total: int, wrong: list[Asked]) -> str:
    found: list[str] = []
    if unused:
        found.append(
            f"{unused} of {total} steps {'was' if unused == 1 else 'were'}" if total > 1 else "the only step was"
        )
        found[0] += " not used"
    for kind, words in _WORDS.items():
        number = sum(asked.problem == kind for asked in wrong)
        if number:
            calls = f"{number} of {len(script.asked)} calls" if len(script.asked) > 1 else "the only call"
            found.append(f"{calls} {words}")
    return f"FakeLLM: {'; '.join(found)}."


def _all_steps(script: Script) -> list[str]:
    lines: list[str] = []
    for number, sequence in enumerate((script.steps, *script.routes)):
        if number or sequence.entries:
            lines.append(sequence.label if number == 0 else f"route {number}: {redact_text(sequence.label)}")
            lines += [_step(at, entry) for at, entry in enumerate(sequence.entries, 1)] or ["    (no steps)"]
    return lines


def _step(number: int, entry: Entry) -> str:
    asked = entry.asked
    end = "← not used" if asked is None else f"  call {asked.number}"
    mark = "✗" if asked is None or asked.problem else "✓"
    shown = " ".join(redact_text(repr(entry.step)).split())
    return f"  {mark} {number:>3}  {_cut(shown, _MAX_COLUMNS - len(end) - 11):<48}  {end}"


def _calls(script: Script) -> list[str]:
    if not script.asked:
        return ["    (none: nobody has asked this model)"]
    return [
        f"  {'✗' if asked.problem else '✓'} {asked.number:>3}  {_cut(asked.shown, 78)}  → {redact_text(asked.answer)}"
        for asked in script.asked
    ]


def _advice(script: Script, unused: int, wrong: list[Asked]) -> list[str]:
    lines: list[str] = []
    for asked in wrong[:_EXPLAINED]:
        if asked.problem == "not_offered":
            lines.append(asked.reason)
        elif asked.problem == "refused":
            lines.append(f"Call {asked.number}: {asked.reason}")
        elif asked.cause is not None:
            lines.append(f"Call {asked.number}: {type(asked.cause).__name__}: {asked.cause}")
    kinds = {asked.problem for asked in wrong}
    lines += [said for kind, said in _ADVICE.items() if kind in kinds]
    if unused and not kinds:
        calls = f"{len(script.asked)} calls" if len(script.asked) != 1 else "1 call"
        lines.append(
            f"The agent stopped after {calls}. Take the steps that it does not need out, or see why it stopped. If it "
            f"need not use them all, say {RELAXED.rstrip(',')}."
            if script.asked
            else "Point the agent's client at llm.openai_base_url, llm.anthropic_base_url or llm.environment()."
        )
    wrapped = [
        textwrap.wrap(redact_text(line[:_EXPLAINED_CHARACTERS]), _MAX_COLUMNS, subsequent_indent="    ")
        for line in lines
    ]
    return [line for one in wrapped for line in one[:_EXPLAINED]]


def _folded(lines: list[str], most: int) -> list[str]:
    """At most so many lines: titles and those with a cross, then what is near the first cross, or else the end.

    What is left out leaves a note in its place.
    """
    crossed = next((at for at, line in enumerate(lines) if line.startswith("  ✗")), len(lines))
    by_weight = sorted(
        range(len(lines)),
        key=lambda at: (lines[at].startswith(("  ✓", "   ")), 0 if lines[at][0] != " " else abs(at - crossed)),
    )
    fewer = (_with_gaps(lines, sorted(by_weight[:number])) for number in range(min(most, len(lines)), -1, -1))
    return next(shown for shown in fewer if len(shown) <= most)


def _with_gaps(lines: list[str], kept: list[int]) -> list[str]:
    shown: list[str] = []
    expected = 0
    for at in [*kept, len(lines)]:
        if at > expected:
            shown.append(f"       … {at - expected} more")
        if at < len(lines):
            shown.append(lines[at])
        expected = at + 1
    return shown


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"
