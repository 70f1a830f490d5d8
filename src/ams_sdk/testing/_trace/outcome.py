"""How a run ended, against how it should have."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.advice import near_name, not_recorded
from ams_sdk.testing._trace.failure import failure_text
from ams_sdk.testing._trace.failure_rows import Mark, rows_of
from ams_sdk.testing._trace.masked_text import shown

if TYPE_CHECKING:
    from ams_sdk.testing._trace.calls import CallError
    from ams_sdk.testing._trace.run_view import RunView

__all__ = ["failed_branches", "not_failed", "not_succeeded"]


def not_failed(run: RunView, exc: object, match: object) -> str | None:
    """The failure of ``assert_failed``."""
    names = _names(exc)
    pattern = _pattern(match)
    wanted = (f" with {names[0]}" if names else "") + (
        f", its message matching {_shown_pattern(match)}" if pattern else ""
    )
    error = run.error
    if error is None:
        return _came_back(run, wanted)
    if names and error.type not in names and not (isinstance(exc, str) and error.type.rpartition(".")[2] == exc):
        return failure_text(
            f"{run.name!r} was to fail{wanted}, and failed with {error.type}.",
            _said(error),
            rows=rows_of(run.branches, _marks(run), top=run.branch.depth),
            advice=[
                *(near_name(exc, [error.type]) if isinstance(exc, str) else []),
                f"What would pass: assert_failed({error.type!r}).",
            ],
        )
    if pattern is None:
        return None
    if error.message is None:
        return failure_text(
            f"{run.name!r} was to fail{wanted}, and failed with {error.type}.",
            not_recorded(run.span, "messages of errors"),
            rows=rows_of(run.branches, _marks(run), top=run.branch.depth),
        )
    if pattern.search(error.message):
        return None
    escaped = re.escape(match) if isinstance(match, str) else ""
    hints = ["The pattern is a regular expression: write re.escape(…) around a text with . ( [ * + ?."]
    return failure_text(
        f"{run.name!r} was to fail{wanted}, and failed with {error.type} and another message.",
        [f"  expected  {_shown_pattern(match)}", f"  got       {shown(error.message, 100)}"],
        rows=rows_of(run.branches, _marks(run), top=run.branch.depth),
        advice=hints if escaped and re.search(escaped, error.message) else ["To accept any message: leave out match=."],
    )


def not_succeeded(run: RunView) -> str | None:
    """The failure of ``assert_succeeded``."""
    if run.span.end_ns is None:
        return failure_text(
            f"{run.name!r} was to succeed, and has not ended.",
            rows=rows_of(run.branches, {run.branch.index: Mark("still open")}, top=run.branch.depth),
            advice=["Assert after the run has come back; if it is a generator, exhaust or close it first."],
        )
    error = run.error
    if error is None:
        return None
    return failure_text(
        f"{run.name!r} was to succeed, and failed with {error.type}.",
        _said(error),
        rows=rows_of(run.branches, _marks(run), top=run.branch.depth),
        advice=[f"If it should fail: assert_failed({error.type!r})."],
    )


def failed_branches(run: RunView) -> list[int]:
    """Where errors began: the failed spans with none below them."""
    failed = [branch for branch in run.branches if branch.span.status == "error"]
    return [branch.index for branch in failed if not any(other.is_below(branch) for other in failed)]


def _came_back(run: RunView, wanted: str) -> str:
    inside = failed_branches(run)
    is_open = run.span.end_ns is None
    return failure_text(
        f"{run.name!r} was to fail{wanted}, and {'has not ended' if is_open else 'came back without an error'}.",
        [] if run.output is None else [f"It gave back {shown(run.output, 100)}."],
        rows=rows_of(run.branches, {index: Mark("failed here") for index in inside}, top=run.branch.depth),
        advice=[
            "An error inside that the agent got over is no failure of the run: trace.one(error=…) finds it."
            if inside
            else "If it should come back: assert_succeeded()."
        ],
    )


def _shown_pattern(match: object) -> str:
    """A pattern as it was written, unless a secret is behind its escapes."""
    plain = re.sub(r"\\(.)", r"\1", match, flags=re.DOTALL) if isinstance(match, str) else match
    return shown(match if shown(plain) == repr(plain) else plain, 100)


def _marks(run: RunView) -> dict[int, Mark]:
    began = [index for index in failed_branches(run) if index != run.branch.index]
    return {index: Mark("failed first" if at == 0 else "failed") for at, index in enumerate(began)} or {
        run.branch.index: Mark("failed here")
    }


def _said(error: CallError) -> list[str]:
    return [f"  {error.type}: {shown(error.message, 300)}"] if error.message else []


def _names(exc: object) -> list[str]:
    """The name that was asked for, and those of the classes below it."""
    if exc is None:
        return []
    if isinstance(exc, str) and exc:
        return [exc]
    if not isinstance(exc, type) or not issubclass(exc, BaseException):
        written = shown(exc, 60)  # pyright: ignore[reportUnknownArgumentType] -- whatever was given
        raise ConfigurationError(
            f"assert_failed({written}): write the class of an exception, such as ValueError, or its name as a text."
        )
    found: dict[type[BaseException], None] = {}
    waiting: list[type[BaseException]] = [exc]
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found[kind] = None
            waiting += kind.__subclasses__()
    return [
        kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        for kind in found
    ]


def _pattern(match: object) -> re.Pattern[str] | None:
    if match is None:
        return None
    if not isinstance(match, str):
        raise ConfigurationError(f"assert_failed(match={shown(match, 60)}): write a regular expression as a text.")
    try:
        return re.compile(match)
    except re.error as error:
        raise ConfigurationError(
            f"assert_failed(match={shown(match, 60)}) is no regular expression: {error}. For a text use re.escape()."
        ) from None
