"""The settings of the reference server: one table, and the one place that says which source wins.

Precedence: an argument, then the environment, then the default. An empty variable counts as not set.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import platformdirs
from sqlalchemy import URL

from ams_reference_server.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["DATABASE_FILE", "MINIMUM_KEY_BYTES", "SETTINGS", "Setting", "Settings", "load"]

DATABASE_FILE: Final = "reference-server.db"
MINIMUM_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """What one server runs with; the meaning of each is in ``SETTINGS``.

    The database address and the key stay out of ``repr``, since both may hold a secret.
    """

    database_url: str = field(repr=False)
    state_dir: Path
    secret_key: str | None = field(repr=False)
    env: Literal["development", "production"]
    token_lifetime: int
    bcrypt_cost: int
    api_body_limit: int
    otlp_body_limit: int
    otlp_unpacked_limit: int


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: its name, where the environment says it, how it is read and what it means.

    ``default`` is the text that the environment would hold; None is for those that depend on something else, and
    ``default_doc`` then says on what.
    """

    name: str
    env: str
    default: str | None
    read: Callable[[str], object]
    doc: str
    default_doc: str = ""


def _text(text: str) -> str:
    return text


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise ValueError(
            f"{text.partition('/')[0]} is nobody's home folder here; write the folder's full path"
        ) from None


def _key(text: str) -> str:
    if len(text.encode()) < MINIMUM_KEY_BYTES:
        raise ValueError(
            f"it needs {MINIMUM_KEY_BYTES} bytes or more; "
            'make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    return text


def _env(text: str) -> str:
    if text not in {"development", "production"}:
        raise ValueError("write development or production")
    return text


def _integer(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"write a whole number from {least} to {most}")
        return int(text)

    return read


_GIB: Final = 1024**3

SETTINGS: Final = (
    Setting(
        "state_dir",
        "AMS_STATE_DIR",
        None,
        _folder,
        "The folder for what the server keeps: the database file and the key made in development.",
        "the user's state folder for `ams`",
    ),
    Setting(
        "database_url",
        "AMS_DATABASE_URL",
        None,
        _text,
        "Where the data lives: `sqlite:////path/to/file.db` or `postgresql://user:password@host/name`.",
        f"`{DATABASE_FILE}` in the state folder",
    ),
    Setting(
        "secret_key",
        "AMS_SECRET_KEY",
        None,
        _key,
        f"What access tokens are signed with, {MINIMUM_KEY_BYTES} bytes or more; needed in production.",
        "made at the first start and kept beside the database (development only)",
    ),
    Setting("env", "AMS_ENV", "development", _env, "`development` or `production`."),
    Setting(
        "token_lifetime",
        "AMS_TOKEN_LIFETIME",
        "28800",
        _integer(1, 366 * 86400),
        "How long a login lasts, in seconds.",
    ),
    Setting(
        "bcrypt_cost",
        "AMS_BCRYPT_COST",
        "12",
        _integer(4, 20),
        "The work for one password hash, as a power of two.",
    ),
    Setting("api_body_limit", "AMS_API_BODY_LIMIT", "65536", _integer(1024, _GIB), "The largest JSON body, in bytes."),
    Setting(
        "otlp_body_limit",
        "AMS_OTLP_BODY_LIMIT",
        str(16 * 1024**2),
        _integer(1024, _GIB),
        "The largest OTLP body as it is sent, in bytes.",
    ),
    Setting(
        "otlp_unpacked_limit",
        "AMS_OTLP_UNPACKED_LIMIT",
        str(64 * 1024**2),
        _integer(1024, _GIB),
        "The largest OTLP body after decompression, in bytes.",
    ),
)


def load(environ: Mapping[str, str] | None = None, **arguments: str | None) -> Settings:
    """Settings from arguments, the environment and the defaults, in this order.

    Args:
        environ: where the ``AMS_*`` variables are looked up; the process's environment if not given.
        arguments: values by setting name, spelled as in the environment; None counts as not given.

    Raises:
        SettingsError: a value cannot be used, or production has no key; the message names the variable.
        TypeError: an argument that is no setting.
    """
    known = {setting.name for setting in SETTINGS}
    if unknown := arguments.keys() - known:
        raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text = arguments.get(setting.name) or environ.get(setting.env) or setting.default
        values[setting.name] = None if text is None else _read(setting, text)
    return _completed(values)


def _read(setting: Setting, text: str) -> object:
    try:
        return setting.read(text)
    except ValueError as error:
        raise SettingsError(f"{setting.env} cannot be used: {error}.") from None


def _completed(values: dict[str, Any]) -> Settings:
    if values["state_dir"] is None:
        values["state_dir"] = platformdirs.user_state_path("ams", appauthor=False)
    if values["database_url"] is None:
        url = URL.create("sqlite", database=str(values["state_dir"] / DATABASE_FILE))  # quotes what a path may hold
        values["database_url"] = url.render_as_string()
    if values["env"] == "production" and values["secret_key"] is None:
        raise SettingsError(
            "AMS_SECRET_KEY is not set, and production needs one that you keep. "
            'Make it with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    return Settings(**values)
