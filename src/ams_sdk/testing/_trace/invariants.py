"""What holds for every trace, as named checks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from ams_sdk import _semconv
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.advice import near_name
from ams_sdk.testing._trace.conventions import DEPARTURES_OF_STATUS, departures, departures_of_status
from ams_sdk.testing._trace.forest import CIRCLE, MISSING
from ams_sdk.testing._trace.masked_text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from ams_sdk.testing._trace.forest import Branch, Forest

__all__ = ["CHECKS", "Finding", "broken_invariants"]


_NO_PARENT: Final = "the span above was not captured"
_CIRCLE: Final = "the spans above form a circle"
_ENDS_EARLY: Final = "it ends before it starts"
_STARTS_EARLY: Final = "it starts before the span above"
_EVENT_OUTSIDE: Final = "it has an event from outside of its time"
_TWICE: Final = "one exception is recorded twice on it"
_AGAIN: Final = "its exception is recorded again on a span above"
_NOT_ENDED: Final = "it has not ended"
_SAME_ID: Final = "another span has its id"
_NO_ID: Final = "its ids are none"
_FINDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "parents": (_NO_PARENT, _CIRCLE),
    "times": (_ENDS_EARLY, _STARTS_EARLY, _EVENT_OUTSIDE),
    "one_error_once": (_TWICE, _AGAIN),
    "ended": (_NOT_ENDED,),
    "unique_ids": (_SAME_ID, _NO_ID),
    "status": DEPARTURES_OF_STATUS,
}
"""What a check can find; what ``conventions`` does has names of attributes in it."""


class Finding(NamedTuple):
    """Something that should not be.

    Attributes:
        check: the name of the check.
        what: the same text for each span of which it is so.
        branch: the span.
    """

    check: str
    what: str
    branch: Branch

    @property
    def key(self) -> str:
        """What leaves out this alone."""
        return f"{self.check}: {self.what}"


def broken_invariants(forest: Forest, except_: object) -> list[Finding]:
    """What does not hold, but for what is left out: the names of checks, or findings such as ``parents: …``.

    Raises:
        ConfigurationError: there is no such check.
    """
    left_out = _left_out(except_)
    return [
        finding
        for name, check in _CHECKS.items()
        if name not in left_out
        for what, branch in check(forest)
        for finding in (Finding(name, what, branch),)
        if finding.key not in left_out
    ]


def _left_out(except_: object) -> Sequence[str]:
    if isinstance(except_, str):
        except_ = (except_,)
    if not isinstance(except_, (list, tuple, set, frozenset)):
        raise ConfigurationError(
            f'assert_invariants(except_={shown(except_, 40)}): write the names of checks, except_=("times",).'
        )
    names = [*cast("Collection[object]", except_)]
    for name in names:
        check, _, finding = name.partition(": ") if isinstance(name, str) else ("", "", "")
        if check not in _CHECKS:
            near = "".join(f" {hint}" for hint in near_name(check, _CHECKS))
            raise ConfigurationError(
                f"assert_invariants(except_=…): there is no check {shown(name, 40)}. "
                f"The checks are {', '.join(_CHECKS)}.{near}"
            )
        known = _FINDINGS.get(check, ())
        if known and finding not in {"", *known}:
            raise ConfigurationError(
                f"assert_invariants(except_=…): {check} never finds {shown(finding, 60)}. "
                f"It finds {', '.join(map(repr, known))}."
            )
    return [name for name in names if isinstance(name, str)]


def _conventions(forest: Forest) -> Iterator[tuple[str, Branch]]:
    for branch in forest.branches:
        yield from ((text, branch) for text in departures(branch.span))


def _parents(forest: Forest) -> Iterator[tuple[str, Branch]]:
    for branch in forest.roots:
        if branch.note == MISSING:
            yield _NO_PARENT, branch
        elif branch.note == CIRCLE:
            yield _CIRCLE, branch


def _times(forest: Forest) -> Iterator[tuple[str, Branch]]:
    for branch in forest.branches:
        span, above = branch.span, branch.parent
        if span.end_ns is not None and span.end_ns < span.start_ns:
            yield _ENDS_EARLY, branch
        # Another process has another clock.
        if above is not None and not span.parent_is_remote and span.start_ns < above.span.start_ns:
            yield _STARTS_EARLY, branch
        for event in span.events:
            late = span.end_ns is not None and event.time_ns > span.end_ns
            if event.time_ns < span.start_ns or late:
                yield _EVENT_OUTSIDE, branch
                break


def _one_error_once(forest: Forest) -> Iterator[tuple[str, Branch]]:
    for branch in forest.branches:
        mine = _exceptions(branch)
        if not mine:
            continue
        if any(count > 1 for count in mine.values()):
            yield _TWICE, branch
        nearest = next((one for one in branch.above() if _exceptions(one)), None)
        if nearest is not None and mine.keys() & _exceptions(nearest).keys():
            yield _AGAIN, branch


def _exceptions(branch: Branch) -> Counter[tuple[str, str]]:
    return Counter(
        (
            str(event.attributes.get(_semconv.EXCEPTION_TYPE, "")),
            str(event.attributes.get(_semconv.EXCEPTION_MESSAGE, "")),
        )
        for event in branch.span.events
        if event.name == _semconv.EXCEPTION_EVENT
    )


def _ended(forest: Forest) -> Iterator[tuple[str, Branch]]:
    yield from ((_NOT_ENDED, branch) for branch in forest.branches if branch.span.end_ns is None)


def _unique_ids(forest: Forest) -> Iterator[tuple[str, Branch]]:
    seen: set[tuple[str, str]] = set()
    for branch in forest.branches:
        identity = branch.span.trace_id, branch.span.span_id
        if identity in seen:
            yield _SAME_ID, branch
        seen.add(identity)
        if not (_is_id(branch.span.trace_id, 32) and _is_id(branch.span.span_id, 16)):
            yield _NO_ID, branch


def _is_id(text: str, digits: int) -> bool:
    return len(text) == digits and set(text) <= set("0123456789abcdef") and text.strip("0") != ""


def _status(forest: Forest) -> Iterator[tuple[str, Branch]]:
    for branch in forest.branches:
        yield from ((text, branch) for text in departures_of_status(branch.span))


_CHECKS: Final[Mapping[str, Callable[[Forest], Iterable[tuple[str, Branch]]]]] = {
    "conventions": _conventions,
    "parents": _parents,
    "times": _times,
    "one_error_once": _one_error_once,
    "ended": _ended,
    "unique_ids": _unique_ids,
    "status": _status,
}
CHECKS: Final = tuple(_CHECKS)
"""The names of the checks."""
