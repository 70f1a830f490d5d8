"""A body as it stands in a cassette: what people can read and edit, and what gives the same bytes or events again."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["TimedBytes", "read_body", "read_stream", "written_body", "written_stream"]

_EVENT_STREAM: Final = "text/event-stream"
_STRUCTURES: Final = frozenset({dict, list})


class TimedBytes(NamedTuple):
    """A piece of a body, and the seconds since the piece before, or since the head."""

    data: bytes
    after: float


def written_body(body: bytes) -> dict[str, Any]:
    """A whole body: ``json``, ``text`` or ``base64``; nothing for an empty one."""
    if not body:
        return {}
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
    try:
        document = json.loads(text)
    except ValueError:
        return {"text": text}
    # A number may be written in several ways, and no file can hold half a character.
    return {"json": document} if type(document) in _STRUCTURES and _is_writable(document) else {"text": text}


def read_body(document: Mapping[str, Any]) -> bytes:
    """The bytes of a whole body.

    Raises:
        ValueError: it is none that could have been written.
    """
    if "json" in document:
        return json.dumps(document["json"], ensure_ascii=False, separators=(",", ":")).encode()
    if "text" in document:
        return cast("str", document["text"]).encode()
    try:
        return base64.b64decode(document.get("base64", ""), validate=True)
    except binascii.Error as error:
        raise ValueError(f"its base64 cannot be read ({error})") from None


def written_stream(pieces: Sequence[TimedBytes], content_type: str) -> list[dict[str, Any]]:
    """A body that came in pieces. Server-sent events stand as events, each with the time at which it was complete."""
    if content_type.partition(";")[0].strip().lower() == _EVENT_STREAM:
        events = _events(pieces)
        if events is not None:
            return events
    return [{"after": round(after, 4)} | written_piece(data) for data, after in pieces]


def written_piece(data: bytes) -> dict[str, str]:
    """A piece of a body that is no event: ``text``, or ``base64`` where it is cut within a character."""
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def read_stream(document: Sequence[Mapping[str, Any]]) -> list[TimedBytes]:
    """The pieces of such a body, one for each event.

    Raises:
        ValueError: it is none that could have been written.
    """
    return [TimedBytes(_piece(entry), float(entry.get("after", 0.0))) for entry in document]


def _piece(entry: Mapping[str, Any]) -> bytes:
    if "data" not in entry:
        return read_body(entry)
    data = entry["data"]
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    lines = [f"{name}: {entry[name]}" for name in ("id", "event") if name in entry]
    lines += [f"data: {line}" for line in text.split("\n")]
    return "\n".join([*lines, "", ""]).encode()


def _events(pieces: Sequence[TimedBytes]) -> list[dict[str, Any]] | None:
    """The events; None if the stream is none, or holds what an event here would not give again."""
    events: list[dict[str, Any]] = []
    waiting, since = b"", 0.0
    for data, after in pieces:
        since += after
        waiting = (waiting + data).replace(b"\r\n", b"\n")
        while b"\n\n" in waiting:
            block, _, waiting = waiting.partition(b"\n\n")
            event = _event(block)
            if event is None:
                return None
            events.append({"after": round(since, 4)} | event)
            since = 0.0
    return events if not waiting.strip() else None


def _event(block: bytes) -> dict[str, Any] | None:
    fields: dict[str, Any] = {}
    data: list[str] = []
    try:
        lines = block.decode().split("\n")
    except UnicodeDecodeError:
        return None
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name not in {"id", "event", "data"} or name in fields:
            return None
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        else:
            fields[name] = value
    if not data:
        return None
    text = "\n".join(data)
    try:
        decoded = json.loads(text)
    except ValueError:
        decoded = text
    # A text would be read back as it is, and not as the JSON of a text.
    return fields | {"data": decoded if type(decoded) in _STRUCTURES and _is_writable(decoded) else text}


def _is_writable(document: object) -> bool:
    try:
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:  # a lone surrogate, or a number that JSON does not know
        return False
    return True
