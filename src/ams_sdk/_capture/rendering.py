"""A value becomes JSON text: bounded before anything is scanned, redacted, and cut visibly.

User code runs here only as ``__repr__`` of types that nothing else describes; whatever it raises becomes a mark.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from ams_sdk._capture.redaction import REDACTED, is_secret_name, redact_text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["render", "render_text"]

MAX_TEXT: Final = 8_192
"""Characters kept of one string."""
MAX_TOTAL: Final = 32_768
"""Characters of all strings of one value together."""
MAX_ITEMS: Final = 100
"""Items kept of one list or mapping."""
MAX_NODES: Final = 2_000
"""Values rendered in all."""
MAX_DEPTH: Final = 8
MAX_BITS: Final = 1_024
"""Of an integer; Python refuses to print one of some thousands of digits, and no reader wants it."""

_SECRET_TYPES: Final = frozenset({"SecretStr", "SecretBytes", "Secret"})
_AS_TEXT: Final = (datetime, date, time, timedelta, Decimal, UUID, PurePath)


def render(value: object) -> str:
    """The value as JSON text.

    Never raises, whatever the value does; takes time in proportion to what is kept, not to what the value holds.
    """
    try:
        return json.dumps(_Renderer().node(value, 0), ensure_ascii=False, separators=(",", ":"))
    except Exception as error:  # noqa: BLE001 -- the value is the user's, and may do anything
        return json.dumps(f"<not rendered: {type(error).__name__}>")


def render_text(text: str, limit: int = MAX_TEXT) -> str:
    """One string: cut, made encodable as UTF-8, redacted."""
    cut = text[:limit]
    if not cut.isascii():
        cut = cut.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be sent
    cut = redact_text(cut)
    return cut if len(text) <= limit else f"{cut}…[+{len(text) - limit} characters]"


class _Renderer:
    """The budget of one rendering."""

    def __init__(self) -> None:
        self._nodes = MAX_NODES
        self._total = MAX_TOTAL

    def node(self, value: object, depth: int) -> object:
        self._nodes -= 1
        kind = type(value)
        # Exactly these types: a subclass may do anything, and is looked at below.
        if value is None or kind is bool:
            return value
        if isinstance(value, str) and kind is str:
            return self._text(value)
        if isinstance(value, int | float) and kind in {int, float}:
            return self._number(value)
        if depth >= MAX_DEPTH or self._nodes <= 0:
            return f"…[{kind.__name__}]"
        try:
            return self._compound(value, kind, depth)
        except Exception as error:  # noqa: BLE001 -- one bad value must not cost its neighbours
            return f"<{kind.__name__}: {type(error).__name__}>"

    def _text(self, text: str) -> str:
        rendered = render_text(text, max(0, min(MAX_TEXT, self._total)))
        self._total -= len(rendered)
        return rendered

    def _number(self, value: float) -> object:
        if isinstance(value, int):
            return value if value.bit_length() <= MAX_BITS else f"…[integer of {value.bit_length()} bits]"
        return value if value - value == 0 else str(value)  # JSON has no NaN and no infinity

    def _compound(self, value: object, kind: type, depth: int) -> object:  # noqa: PLR0911 -- a table of types
        if kind.__name__ in _SECRET_TYPES:
            return REDACTED
        if isinstance(value, Enum):
            return self.node(value.value, depth + 1)
        if isinstance(value, str):
            return self._text(str.__str__(value))
        if isinstance(value, bytes | bytearray):
            return f"<{kind.__name__}: {len(value)} bytes>"
        if isinstance(value, _AS_TEXT):
            return self._text(str(value))
        if isinstance(value, Mapping):
            entries = cast("Mapping[object, object]", value)
            return self._mapping(entries.items(), len(entries), depth)
        if isinstance(value, Sequence | AbstractSet):
            items = cast("Sequence[object]", value)
            return self._sequence(items, len(items), depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            return self._mapping(((name, getattr(value, name)) for name in names), len(names), depth)
        if hasattr(kind, "model_fields"):  # pydantic
            state = cast("dict[object, object]", vars(value))
            return self._mapping(state.items(), len(state), depth)
        return self._described(value, kind)

    def _mapping(self, items: Iterable[tuple[object, object]], size: int, depth: int) -> dict[str, object]:
        rendered: dict[str, object] = {}
        for key, item in items:
            if len(rendered) >= MAX_ITEMS or self._nodes <= 0:
                rendered["…"] = f"[+{size - len(rendered)} entries]"
                break
            name = self._text(key if type(key) is str else str(self.node(key, MAX_DEPTH - 1)))
            rendered[name] = REDACTED if item is not None and is_secret_name(name) else self.node(item, depth + 1)
        return rendered

    def _sequence(self, items: Iterable[object], size: int, depth: int) -> list[object]:
        rendered: list[object] = []
        for item in items:
            if len(rendered) >= MAX_ITEMS or self._nodes <= 0:
                rendered.append(f"…[+{size - len(rendered)} items]")
                break
            rendered.append(self.node(item, depth + 1))
        return rendered

    def _described(self, value: object, kind: type) -> str:
        # The default repr is an address, which says nothing and differs at every run.
        if getattr(kind, "__repr__", None) is object.__repr__ or isinstance(value, type) or callable(value):
            name = value if isinstance(value, type) else kind
            return f"<{name.__module__}.{name.__qualname__}>"
        return self._text(repr(value))
