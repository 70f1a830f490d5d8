"""The settings of the SDK: one table, and the one place that says which source wins.

Precedence: an argument, then ``AMS_*``, then the ``OTEL_*`` name for the same thing, then the default. A saved login is
not a setting; it is asked for where a connection is made, and only if neither an argument nor the environment gives a
credential.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["DEFAULT_ENDPOINT", "SETTINGS", "Setting", "Settings", "load", "state_folder"]

DEFAULT_ENDPOINT: Final = "http://127.0.0.1:8787"
"""Where the reference server listens unless it is told otherwise."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one configured SDK; the meaning of each is in ``SETTINGS``."""

    endpoint: str | None
    api_key: str | None
    service_name: str | None
    environment: str | None
    enabled: bool
    sample_rate: float | None
    capture_content: bool
    redact: bool
    exit_timeout: float
    flush_interval: float
    spool_dir: str | None
    durable: bool
    metrics: bool
    save_on_sigterm: bool
    auto_trace: bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: its name, where the environment says it, how it is read and what it means.

    ``otel_env`` pairs OpenTelemetry's own variable with its reader, since the two often spell a value differently.
    """

    name: str
    env: str
    default: object
    read: Callable[[str], object]
    doc: str
    otel_env: str | None = None
    otel_read: Callable[[str], object] | None = None


def _endpoint(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("write an address such as http://127.0.0.1:8787")
    if parts.username or parts.password:
        raise ValueError("leave user name and password out of the address, and set api_key or AMS_API_KEY")
    if parts.path.rstrip("/").endswith(("/api", "/v1", "/v1/traces")):
        raise ValueError("write the platform's address without a path of its API, such as http://127.0.0.1:8787")
    _ = parts.port  # raises ValueError for a port that is no number or out of range
    return text.rstrip("/")


def _text(text: str) -> str:
    return text


def _bearer(text: str) -> str:
    # RFC 6750 allows less still; what must not pass is a line break or a blank, which would change the header.
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a key has no blanks, line breaks or non-ASCII characters")
    return text


def _flag(text: str) -> bool:
    match text.strip().lower():
        case "1" | "true" | "yes" | "on":
            return True
        case "0" | "false" | "no" | "off":
            return False
        case _:
            raise ValueError("write true or false")


def _names_or_flag(text: str) -> bool | tuple[str, ...]:
    # Which names there are is known where they are looked up, on a higher floor.
    names = tuple(name for name in (part.strip() for part in text.split(",")) if name)
    try:
        return _flag(text) if len(names) == 1 else names
    except ValueError:
        return names


def _not_flag(text: str) -> bool:
    # OpenTelemetry: any value but "true" means false.
    return text.strip().lower() != "true"


def _captures(text: str) -> bool:
    # OpenTelemetry's GenAI packages: only these two put content on spans, and an unknown word means no content.
    return text.strip().upper() in {"SPAN_ONLY", "SPAN_AND_EVENT"}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _rate(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= 1:
        raise ValueError("write a number from 0 to 1")
    return value


def _seconds(text: str) -> float:
    value = _number(text)
    if not (math.isfinite(value) and value >= 0):
        raise ValueError("write a number of seconds, 0 or more")
    return value


def _interval(text: str) -> float:
    value = _seconds(text)
    if not 0 < value <= _LONGEST_INTERVAL:
        raise ValueError(f"write a number of seconds above 0, {_LONGEST_INTERVAL:g} at most")
    return value


_LONGEST_INTERVAL: Final = 60.0


def _milliseconds(text: str) -> float:
    return _interval(str(_number(text) / 1_000))


SETTINGS: Final = (
    Setting("endpoint", "AMS_ENDPOINT", None, _endpoint, "The platform's address, without a path of its API."),
    Setting("api_key", "AMS_API_KEY", None, _bearer, "An API key or an access token, sent as a bearer."),
    Setting(
        "service_name",
        "AMS_SERVICE_NAME",
        None,
        _text,
        "What OpenTelemetry calls this program (`service.name`).",
        "OTEL_SERVICE_NAME",
        _text,
    ),
    Setting(
        "environment",
        "AMS_ENVIRONMENT",
        None,
        _text,
        "Where it runs, for example `production` (`deployment.environment.name`).",
    ),
    Setting(
        "enabled",
        "AMS_ENABLED",
        default=True,
        read=_flag,
        doc="`false` turns the SDK off: decorated functions run as if they were not decorated.",
        otel_env="OTEL_SDK_DISABLED",
        otel_read=_not_flag,
    ),
    Setting(
        "sample_rate",
        "AMS_SAMPLE_RATE",
        None,
        _rate,
        "The share of traces that is kept, 0 to 1. Unset, OpenTelemetry's `OTEL_TRACES_SAMPLER` decides.",
    ),
    Setting(
        "capture_content",
        "AMS_CAPTURE_CONTENT",
        default=True,
        read=_flag,
        doc="Whether arguments, results and messages of decorated calls are recorded, bounded and with secrets masked.",
        otel_env="OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
        otel_read=_captures,
    ),
    Setting(
        "redact",
        "AMS_REDACT",
        default=True,
        read=_flag,
        doc="Whether texts are searched for secrets. As an argument also a list of rules of your own, which run after "
        "the built-in ones.",
    ),
    Setting(
        "exit_timeout",
        "AMS_EXIT_TIMEOUT",
        2.0,
        _seconds,
        "The most seconds that the end of the program waits for what is still to be sent.",
    ),
    Setting(
        "flush_interval",
        "AMS_FLUSH_INTERVAL",
        0.2,
        _interval,
        "The most seconds that a finished span is in memory only; a process that is killed loses what is younger.",
        "OTEL_BSP_SCHEDULE_DELAY",
        _milliseconds,
    ),
    Setting(
        "spool_dir",
        "AMS_SPOOL_DIR",
        None,
        _text,
        "The folder that keeps finished spans until they have arrived; `none` keeps them in memory only. Unset, it is "
        "`spool` beside the saved login.",
    ),
    Setting(
        "durable",
        "AMS_DURABLE",
        default=False,
        read=_flag,
        doc="Whether a finished span is on disk, and flushed to it, before the decorated call returns.",
    ),
    Setting(
        "metrics",
        "AMS_METRICS",
        default=False,
        read=_flag,
        doc="Whether durations and counts of runs and tool calls are recorded as OpenTelemetry metrics.",
    ),
    Setting(
        "save_on_sigterm",
        "AMS_SAVE_ON_SIGTERM",
        default=True,
        read=_flag,
        doc="Whether finished spans are brought to disk before SIGTERM ends the process, where nobody handles it.",
    ),
    Setting(
        "auto_trace",
        "AMS_AUTO_TRACE",
        default=True,
        read=_names_or_flag,
        doc="Whether installed libraries are traced by the instrumentors that are installed beside them; "
        "or which ones, names with commas between them.",
    ),
)


def load(environ: Mapping[str, str] | None = None, /, **explicit: object) -> Settings:
    """Read every setting from its sources.

    Args:
        environ: the environment to read; ``os.environ`` if not given.
        **explicit: arguments by the names of ``Settings``; None means "not given".

    Raises:
        ConfigurationError: a value cannot be used; the message names the argument or the variable, never the value of a
            secret.
    """
    source = os.environ if environ is None else environ
    return Settings(**{row.name: _value(row, source, explicit.get(row.name)) for row in SETTINGS})


def _value(row: Setting, environ: Mapping[str, str], explicit: object) -> Any:  # noqa: ANN401 -- each row has its own type
    if explicit is not None:
        return _read(row.read, str(explicit), row.name)
    # An empty variable counts as unset, as OpenTelemetry's specification of environment variables says.
    if text := environ.get(row.env):
        return _read(row.read, text, row.env)
    if row.otel_env and row.otel_read and (text := environ.get(row.otel_env)):
        return _read(row.otel_read, text, row.otel_env)
    return row.default


def _read(read: Callable[[str], object], text: str, name: str) -> object:
    try:
        return read(text)
    except ValueError as error:
        raise ConfigurationError(f"{name} cannot be used: {error}.") from None


def state_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where the login is kept: ``AMS_STATE_DIR``, or the user's state folder as the operating system has it.

    Creates nothing.

    Raises:
        ConfigurationError: neither is there.
    """
    source = os.environ if environ is None else environ
    if chosen := source.get("AMS_STATE_DIR"):
        return Path(chosen).expanduser()
    from platformdirs import user_state_path  # noqa: PLC0415 -- not needed by a program that has AMS_STATE_DIR or a key

    try:
        return user_state_path("ams", appauthor=False)
    except RuntimeError:
        raise ConfigurationError("This user has no home folder: set AMS_STATE_DIR.") from None
