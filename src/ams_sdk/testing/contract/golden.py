"""Golden answers: the exact bodies of the important ones, with what differs each time written as ``<id 1>`` and so on.

In a file stand the values, and for those that no two platforms share a mark: ``<id N>`` for a UUID, the same number for
the same id; ``<time>`` for RFC 3339 in UTC with ``Z``; ``<token>``; ``<text>`` for words that are meant for people;
``<seconds>``; ``<email>``. A value that has not the form of its mark stays as it is, and so differs.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = ["differences", "expected", "normalised"]

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TOKENS: Final = frozenset({"access_token", "key", "prefix", "next_cursor"})
_TEXTS: Final = frozenset({"title", "detail", "message", "errorMessage"})
_IDS: Final = frozenset({"id", "agent_id", "trace_id", "span_id", "parent_span_id"})
_MOST: Final = 12


def expected(name: str) -> JsonValue:
    """What a golden file holds."""
    text = (resources.files(__name__.rpartition(".")[0]) / "golden" / f"{name}.json").read_text(encoding="utf-8")
    found: JsonValue = json.loads(text)
    return found


def differences(name: str, body: JsonValue) -> list[str]:
    """In what a body differs from its golden file, a line each; empty if in nothing."""
    found = _compared("", normalised(body), expected(name))
    return found[:_MOST] + ([f"… and {len(found) - _MOST} more."] if len(found) > _MOST else [])


def normalised(body: JsonValue) -> JsonValue:
    """The body with marks for what differs each time."""
    return _marked("", body, {})


def _marked(name: str, value: JsonValue, ids: dict[str, str]) -> JsonValue:
    match value:
        case dict():
            return {key: _marked(key, inner, ids) for key, inner in value.items()}
        case list():
            return [_marked(name, inner, ids) for inner in value]
        case str():
            return _as_mark(name, value, ids)
        case int() if name == "expires_in" and value > 0:
            return "<seconds>"
        case _:
            return value


def _as_mark(name: str, value: str, ids: dict[str, str]) -> str:
    if name in _IDS and (_UUID.fullmatch(value) or _HEX.fullmatch(value)):
        return ids.setdefault(value, f"<id {len(ids) + 1}>")
    forms = (
        ("<time>", (name.endswith("_at") or name == "at") and _TIME.fullmatch(value)),
        ("<token>", name in _TOKENS and value),
        ("<text>", name in _TEXTS and value),
        ("<request id>", name == "request_id" and _REQUEST_ID.fullmatch(value)),
        ("<email>", name == "email" and "@" in value),
    )
    return next((mark for mark, fits in forms if fits), value)


def _compared(path: str, found: JsonValue, wanted: JsonValue) -> list[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        return _compared_members(path, found, wanted)
    if isinstance(found, list) and isinstance(wanted, list):
        return _compared_items(path, found, wanted)
    # True is 1 in Python, and not in JSON.
    if found == wanted and isinstance(found, bool) == isinstance(wanted, bool):
        return []
    return [f"{path or 'the body'} is {json.dumps(found)}, {json.dumps(wanted)} was to come"]


def _compared_members(path: str, found: dict[str, JsonValue], wanted: dict[str, JsonValue]) -> list[str]:
    lines = [f"{_at(path, key)} is missing" for key in wanted if key not in found]
    lines += [f"{_at(path, key)} is not in the contract" for key in found if key not in wanted]
    shared = [key for key in wanted if key in found]
    return lines + [line for key in shared for line in _compared(_at(path, key), found[key], wanted[key])]


def _compared_items(path: str, found: list[JsonValue], wanted: list[JsonValue]) -> list[str]:
    if len(found) != len(wanted):
        return [f"{path or 'the body'} has {len(found)} items, {len(wanted)} were to come"]
    pairs = enumerate(zip(found, wanted, strict=True))
    return [line for number, (one, other) in pairs for line in _compared(_at(path, str(number)), one, other)]


def _at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
