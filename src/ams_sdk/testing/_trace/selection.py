"""Which spans somebody asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast, get_args

from ams_sdk import _semconv
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.advice import near_name
from ams_sdk.testing._trace.calls import agent_name, is_agent
from ams_sdk.testing._trace.captured_span import SpanKind, SpanStatus
from ams_sdk.testing._trace.decorated_names import name_asked_for
from ams_sdk.testing._trace.masked_text import shown
from ams_sdk.testing._trace.value_match import is_expected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ams_sdk.testing._trace.captured_span import CapturedSpan
    from ams_sdk.testing._trace.forest import Branch

__all__ = ["Selection"]

_KINDS: Final = get_args(SpanKind)
_STATUSES: Final = get_args(SpanStatus)
_NAMES: Final = frozenset({"agent", "tool", "model"})
_NOTHING: Final = object()


class Selection:
    """What somebody asks for, by the names of ``find``.

    Raises:
        ConfigurationError: this cannot be asked.
    """

    def __init__(self, **asked: Any) -> None:  # noqa: ANN401 -- as find was given them
        self.asked: dict[str, Any] = {
            name: name_asked_for(value, name) if name in _NAMES else value
            for name, value in asked.items()
            if value is not None
        }
        _check(self.asked)

    def __str__(self) -> str:
        return ", ".join(f"{name}={shown(value, 60)}" for name, value in self.asked.items()) or "any span"

    def is_met_by(self, branch: Branch) -> bool:
        """Whether a span is one of those."""
        return next(self.unmet(branch), None) is None

    def unmet(self, branch: Branch) -> Iterator[str]:
        """The names of what a span does not meet, the cheap ones first."""
        span = branch.span
        return (name for name, value in self.asked.items() if not _CHECKS[name](value, span, branch))

    def got(self, name: str, branch: Branch) -> str:
        """What a span has instead."""
        span = branch.span
        if name == "attributes":
            wrong = [one for one, value in self.asked[name].items() if not _has(span, one, value)]
            return ", ".join(
                f"{one}={shown(span.attributes[one], 60, name=one) if one in span.attributes else 'nothing'}"
                for one in wrong
            )
        values: dict[str, object] = {
            "name": span.name,
            "kind": span.kind,
            "operation": span.operation,
            "agent": _agent_above(branch),
            "tool": span.attributes.get(_semconv.TOOL_NAME),
            "model": span.attributes.get(_semconv.REQUEST_MODEL),
            "status": span.status,
            "error": span.error_type,
            "where": False,
        }
        return shown(values[name], 80)

    def advice(self, branches: Iterable[Branch]) -> list[str]:
        """A question, if a name that was asked for is nearly one that is there."""
        there = list(branches)
        values: dict[str, list[object]] = {
            "name": [one.span.name for one in there],
            "operation": [one.span.operation for one in there],
            "tool": [one.span.attributes.get(_semconv.TOOL_NAME) for one in there],
            "model": [one.span.attributes.get(_semconv.REQUEST_MODEL) for one in there],
            "agent": [agent_name(one.span) for one in there if is_agent(one.span)],
            "error": [one.span.error_type for one in there],
        }
        said: list[str] = []
        for name, value in self.asked.items():
            known = {one for one in values.get(name, ()) if isinstance(one, str)}
            if isinstance(value, str) and value not in known:
                said += near_name(value, known)
        return said


def _check(asked: Mapping[str, Any]) -> None:
    for name, allowed in (("kind", _KINDS), ("status", _STATUSES)):
        if name in asked and asked[name] not in allowed:
            raise ConfigurationError(f"find({name}={shown(asked[name], 40)}): write one of {', '.join(allowed)}.")
    if "attributes" in asked and not isinstance(asked["attributes"], dict):
        raise ConfigurationError('find(attributes=…): write a dictionary, {"gen_ai.request.model": "gpt-4o"}.')
    if "where" in asked and not callable(asked["where"]):
        raise ConfigurationError("find(where=…): write a function from a CapturedSpan to True or False.")


def _error(asked: object, span: CapturedSpan, _: Branch) -> bool:
    kind = span.error_type
    if isinstance(asked, bool):
        return asked is (kind is not None)
    if isinstance(asked, type):
        full = asked.__qualname__ if asked.__module__ == "builtins" else f"{asked.__module__}.{asked.__qualname__}"
        return kind == full
    return kind is not None and (is_expected(asked, kind) or asked == kind.rpartition(".")[2])


def _agent_above(branch: Branch) -> str | None:
    if is_agent(branch.span):
        return agent_name(branch.span)
    found = next((one.span for one in branch.above() if is_agent(one.span)), None)
    return None if found is None else agent_name(found)


def _has(span: CapturedSpan, name: str, value: object) -> bool:
    got = span.attributes.get(name, _NOTHING)
    if got is _NOTHING:
        return False
    if isinstance(got, tuple):
        items = cast("tuple[object, ...]", got)
        return is_expected(value, list(items)) or is_expected(value, items)
    return is_expected(value, got)


_CHECKS: Final[Mapping[str, Callable[[Any, CapturedSpan, Branch], bool]]] = {
    "name": lambda asked, span, _: is_expected(asked, span.name),
    "kind": lambda asked, span, _: span.kind == asked,
    "operation": lambda asked, span, _: is_expected(asked, span.operation),
    "agent": lambda asked, _, branch: is_expected(asked, _agent_above(branch)),
    "tool": lambda asked, span, _: is_expected(asked, span.attributes.get(_semconv.TOOL_NAME)),
    "model": lambda asked, span, _: is_expected(asked, span.attributes.get(_semconv.REQUEST_MODEL)),
    "status": lambda asked, span, _: span.status == asked,
    "error": _error,
    "attributes": lambda asked, span, _: all(_has(span, name, value) for name, value in asked.items()),
    "where": lambda asked, span, _: bool(asked(span)),
}
