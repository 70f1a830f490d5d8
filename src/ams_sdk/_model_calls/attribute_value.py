"""Values that an OpenTelemetry attribute can hold, with secrets masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ams_sdk._capture import REDACTED, is_secret_name, render_text
from ams_sdk._model_calls.shape import items, text

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

__all__ = ["allowed", "masked"]

_MAX_INTEGER: Final = 2**63


def masked(value: object) -> str | None:
    """A text as an attribute may show it, or None if it is none."""
    plain = text(value)
    return render_text(plain) if plain else None


def allowed(given: dict[str, object]) -> dict[str, AttributeValue]:
    """Those of the given attributes that OpenTelemetry can hold, secrets masked."""
    found: dict[str, AttributeValue] = {}
    for name, value in given.items():
        shown = _shown(value)
        if shown is not None:
            found[name] = REDACTED if is_secret_name(name) and type(value) is not bool else shown
    return found


def _shown(value: object) -> AttributeValue | None:
    if type(value) is str:
        return render_text(value)
    if type(value) is bool or type(value) is float:
        return value
    if type(value) is int:
        return value if -_MAX_INTEGER <= value < _MAX_INTEGER else None
    listed: list[Any] = [_shown(one) for one in items(value)]
    kinds: set[type] = {type(one) for one in listed}
    return tuple(listed) if len(kinds) == 1 and not kinds & {tuple, type(None)} else None
