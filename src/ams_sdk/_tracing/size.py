"""About how much memory a finished span holds, so that a queue of them can be bounded in bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["SPAN", "size_of"]

SPAN: Final = 640
"""Bytes of a span with its ids and times and without what it says; measured."""
_VALUE: Final = 120
"""Bytes of an attribute beside its text: its share of the container, and the objects themselves."""
_DEPTH: Final = 8


def size_of(span: ReadableSpan) -> int:
    """About how many bytes a finished span holds; an estimate that errs by a factor of two at the most."""
    held: Any = getattr(span, "_held", None)
    if held is None and getattr(span, "is_untouched", False):
        size = SPAN
    elif type(held) is dict:
        values = cast("dict[str, Any]", held).values()
        size = SPAN + _VALUE * len(values)
        for value in values:
            if type(value) is str:
                size += len(value)
            elif type(value) is tuple:
                size += _size(value, _DEPTH)
    else:
        size = SPAN + _size(span.attributes or {}, _DEPTH)
    # On our own spans the lists are made when there is something to put in.
    own: Any = span
    lists: Iterable[Any] = (
        (own._event_list, own._link_list) if hasattr(span, "_event_list") else (span.events, span.links)
    )
    for events_or_links in lists:
        if events_or_links:
            size += sum(SPAN + _size(one.attributes or {}, _DEPTH) for one in events_or_links)
    return size


def _size(value: Any, depth: int) -> int:  # noqa: ANN401 -- whatever an attribute may hold
    if isinstance(value, str | bytes):
        return _VALUE + len(value)
    parts: Iterable[Any] = ()
    if isinstance(value, list | tuple):
        parts = cast("Iterable[Any]", value)
    elif hasattr(value, "values"):
        parts = value.values()
    return _VALUE + (sum(_size(part, depth - 1) for part in parts) if depth else 0)
