"""A finished span as the checks see it, whichever SDK it is of, and the file that keeps one a line."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SeenSpan", "below", "keep", "only", "read", "roots"]


@dataclass(frozen=True)
class SeenSpan:
    """A finished span.

    Attributes:
        name: what it is called.
        trace_id: hexadecimal, as are the other two.
        span_id: its own.
        parent_id: None if it is a root.
        start: in nanoseconds since the epoch.
        end: the same.
        is_error: whether its status says so.
        exception_events: how many exceptions are recorded on it, messages or stacks and not only their type.
        text: all that it says, as one string.
        attributes: by name.
        process: the id of the process that it is of.
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    start: int
    end: int
    is_error: bool
    exception_events: int
    text: str
    attributes: dict[str, Any] = field(default_factory=dict)
    process: int = field(default_factory=os.getpid)


def keep(path: Path, span: SeenSpan) -> None:
    """Add a span to the file; processes may write to it at one time."""
    line = json.dumps(asdict(span), default=str) + "\n"
    with path.open("ab", buffering=0) as file:
        file.write(line.encode())


def read(path: Path) -> list[SeenSpan]:
    """The spans in the file, in the order in which they ended."""
    if not path.exists():
        return []
    return [SeenSpan(**json.loads(line)) for line in path.read_text().splitlines()]


def only(spans: list[SeenSpan], *names: str) -> SeenSpan:
    """The one span whose name has one of these words in it."""
    found = [span for span in spans if any(name in span.name for name in names)]
    shown = [span.name for span in spans]
    assert len(found) == 1, f"{len(found)} spans are named after {' or '.join(names)}, of {shown[:20]}"
    return found[0]


def below(child: SeenSpan, parent: SeenSpan) -> bool:
    """Whether one span is directly below the other."""
    return (child.trace_id, child.parent_id) == (parent.trace_id, parent.span_id)


def roots(spans: list[SeenSpan]) -> list[SeenSpan]:
    """Those that have no parent."""
    return [span for span in spans if span.parent_id is None]
