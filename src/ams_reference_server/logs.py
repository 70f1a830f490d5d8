"""What the server logs on standard error: one JSON object a line for programs, or text for people."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from ams_reference_server import request_id
from ams_reference_server.secret_masks import masked

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["JsonFormatter", "TextFormatter", "configure"]

_OURS: Final = "ams_reference_server"
_LONGEST: Final = 65_536  # characters of one message or stack; the rest is cut off
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

Value = str | int | float | bool | None


class _Handler(logging.Handler):
    """Writes to what is standard error now; known by its type, so that configuring twice does not log twice."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            # One call: the lines of several processes do not get into each other.
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 -- whatever it is, logging never stops what it tells of
            self.handleError(record)


def configure(level: str, form: Literal["json", "text"] | None = None) -> None:
    """Log to standard error from now on.

    Args:
        level: the least that this package logs; of others, warnings and errors are logged.
        form: ``json`` or ``text``; None is text if standard error is a terminal.
    """
    is_json = form == "json" or (form is None and not sys.stderr.isatty())
    handler = _Handler()
    handler.setFormatter(JsonFormatter() if is_json else TextFormatter())
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(level.upper())


class _MaskingFormatter(logging.Formatter):
    """The parts of a record, with secrets masked."""

    def _time(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _message(self, record: logging.LogRecord) -> str:
        return _bounded(record.getMessage())

    def _stack(self, record: logging.LogRecord) -> str | None:
        parts = [self.formatException(record.exc_info)] if record.exc_info and record.exc_info[0] else []
        if record.stack_info:
            parts.append(record.stack_info)
        return _bounded("\n".join(parts)) if parts else None

    def _fields(self, record: logging.LogRecord) -> Iterator[tuple[str, Value]]:
        named = vars(record).get("request_id") or request_id.current.get()
        if named:
            yield "request_id", _plain(named)
        for name, value in vars(record).items():
            if name not in _STANDARD and name != "request_id":
                yield name, _plain(value)


class JsonFormatter(_MaskingFormatter):
    """One object a line: ``time`` (RFC 3339), ``level``, ``logger``, ``message``, then what else is known."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line: dict[str, Value] = {
            "time": self._time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._message(record),
        }
        for name, value in self._fields(record):
            line.setdefault(name, value)
        if stack := self._stack(record):
            line["exception"] = stack
        return json.dumps(line)


class TextFormatter(_MaskingFormatter):
    """A line for people; whatever a message brings with it cannot look like another line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, and its stack below."""
        head = f"{self._time(record)} {record.levelname:<7} {record.name}: {self._message(record)}"
        fields = "".join(f" {name}={'-' if value is None else value}" for name, value in self._fields(record))
        text = head + fields
        if stack := self._stack(record):
            text += f"\n{stack}"
        return "\n  ".join(_visible(line) for line in text.splitlines())


def _bounded(text: str) -> str:
    return masked(text[:_LONGEST])


def _plain(value: object) -> Value:
    return value if value is None or isinstance(value, int | float) else _bounded(str(value))


def _visible(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in line
    )
