"""The table of settings: name, environment variable, default, meaning. ``docs/server.md`` shows it; a test compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ams_reference_server import setting_kinds as kinds

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DATABASE_FILE", "SETTINGS", "Setting"]

DATABASE_FILE: Final = "reference-server.db"
_GIB: Final = 1024**3
_YEAR: Final = 366 * 86400


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: its name, where the environment says it, how it is read and what it means.

    ``default`` is the text that the environment would hold; None is for those that depend on something else, and
    ``default_doc`` then says on what. Nobody is shown the value of one that ``is_secret``.
    """

    name: str
    env: str
    default: str | None
    read: Callable[[str], object]
    doc: str
    default_doc: str = ""
    is_secret: bool = False


SETTINGS: Final = (
    Setting(
        "state_dir",
        "AMS_STATE_DIR",
        None,
        kinds.folder,
        "The folder for what the server keeps: the database file and the key made in development.",
        "the user's state folder for `ams`",
    ),
    Setting(
        "database_url",
        "AMS_DATABASE_URL",
        None,
        kinds.text,
        "Where the data lives: `sqlite:////path/to/file.db` or `postgresql://user:password@host/name`.",
        f"`{DATABASE_FILE}` in the state folder",
    ),
    Setting(
        "redis_url",
        "AMS_REDIS_URL",
        None,
        kinds.text,
        "Where logged-out tokens and the counts of the limits are shared: `redis://user:password@host:6379/0`.",
        "they are in the database",
    ),
    Setting(
        "env", "AMS_ENV", "development", kinds.one_of("development", "production"), "`development` or `production`."
    ),
    Setting(
        "secret_key",
        "AMS_SECRET_KEY",
        None,
        kinds.key,
        f"What access tokens are signed with, {kinds.MINIMUM_KEY_BYTES} bytes or more; needed in production.",
        "made at the first start and kept beside the database (development only)",
        is_secret=True,
    ),
    Setting(
        "secret_key_previous",
        "AMS_SECRET_KEY_PREVIOUS",
        None,
        kinds.key,
        "The key before that one: its tokens are accepted until they expire, and none is signed with it.",
        "none",
        is_secret=True,
    ),
    Setting(
        "token_lifetime",
        "AMS_TOKEN_LIFETIME",
        "28800",
        kinds.integer(1, _YEAR),
        "How long a login lasts, in seconds.",
    ),
    Setting(
        "password_policy",
        "AMS_PASSWORD_POLICY",
        "complexity",
        kinds.one_of("complexity", "nist"),
        "`complexity` (8 characters of four kinds) or `nist` (15 characters of any kind); see [security](security.md).",
    ),
    Setting(
        "bcrypt_cost",
        "AMS_BCRYPT_COST",
        "12",
        kinds.integer(4, 20),
        "The work for one password hash, as a power of two.",
    ),
    Setting(
        "hash_threads",
        "AMS_HASH_THREADS",
        None,
        kinds.integer(1, 256),
        "How many passwords are hashed at once, in all workers together but at least one in each.",
        "one less than the machine has cores",
    ),
    Setting(
        "hash_queue",
        "AMS_HASH_QUEUE",
        "64",
        kinds.integer(0, 100_000),
        "How many logins and registrations may wait for their hash in one worker; one more is answered 503.",
    ),
    Setting(
        "login_limit_per_address",
        "AMS_LOGIN_LIMIT_PER_ADDRESS",
        "10 per 5 minutes",
        kinds.rate,
        "Failed logins to one e-mail address, whoever tries; `off` for no limit.",
    ),
    Setting(
        "login_limit_per_client",
        "AMS_LOGIN_LIMIT_PER_CLIENT",
        None,
        kinds.rate,
        "Failed logins from one client (an IPv4 address, or the /64 network of an IPv6 address); `off` for no limit.",
        "`100 per 5 minutes`; in development, where all clients are one, `1000 per 5 minutes`",
    ),
    Setting(
        "registration_limit_per_client",
        "AMS_REGISTRATION_LIMIT_PER_CLIENT",
        None,
        kinds.rate,
        "Registrations tried from one client, with or without success; `off` for no limit.",
        "`30 per hour`; in development `1000 per hour`",
    ),
    Setting(
        "trusted_proxies",
        "AMS_TRUSTED_PROXIES",
        "",
        kinds.networks,
        "Addresses or networks of the proxies in front, separated by commas: only from these does `X-Forwarded-For` "
        "say who the client is.",
        "none",
    ),
    Setting(
        "cors_origins",
        "AMS_CORS_ORIGINS",
        "",
        kinds.origins,
        "Origins whose pages may call the API, separated by commas: `https://app.example.org`.",
        "none",
    ),
    Setting(
        "api_body_limit", "AMS_API_BODY_LIMIT", "65536", kinds.integer(1024, _GIB), "The largest JSON body, in bytes."
    ),
    Setting(
        "otlp_body_limit",
        "AMS_OTLP_BODY_LIMIT",
        str(16 * 1024**2),
        kinds.integer(1024, _GIB),
        "The largest OTLP body as it is sent, in bytes.",
    ),
    Setting(
        "otlp_unpacked_limit",
        "AMS_OTLP_UNPACKED_LIMIT",
        str(64 * 1024**2),
        kinds.integer(1024, _GIB),
        "The largest OTLP body after decompression, in bytes.",
    ),
    Setting(
        "connection_limit",
        "AMS_CONNECTION_LIMIT",
        "1000",
        kinds.integer(1, 1_000_000),
        "Open connections in one worker; one more is answered 503 and closed.",
    ),
    Setting(
        "header_timeout",
        "AMS_HEADER_TIMEOUT",
        "10",
        kinds.integer(1, 3600),
        "Seconds from the first byte of a request, or from connecting, to the end of its headers.",
    ),
    Setting(
        "body_timeout",
        "AMS_BODY_TIMEOUT",
        "30",
        kinds.integer(1, 3600),
        "Seconds from the end of the headers to the end of the body; later is answered 408.",
    ),
    Setting(
        "send_timeout",
        "AMS_SEND_TIMEOUT",
        "30",
        kinds.integer(1, 3600),
        "Seconds in which a client must take some of its answer; else the connection is cut.",
    ),
    Setting(
        "log_level",
        "AMS_LOG_LEVEL",
        "warning",
        kinds.one_of("debug", "info", "warning", "error"),
        "The least that is logged; `info` has one line a request.",
    ),
    Setting(
        "log_format",
        "AMS_LOG_FORMAT",
        None,
        kinds.one_of("json", "text"),
        "`json`, one object a line, or `text` for reading.",
        "`text` in a terminal, else `json`",
    ),
)
