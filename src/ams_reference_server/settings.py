"""The settings of the reference server, and the one place that says which source wins.

Precedence: an argument, then the environment, then the default. An empty variable counts as not set.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast
from urllib.parse import quote

import platformdirs
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from ams_reference_server import setting_kinds as kinds
from ams_reference_server.errors import SettingsError
from ams_reference_server.setting_table import DATABASE_FILE, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from limits import RateLimitItem

    from ams_reference_server.setting_table import Setting

__all__ = ["Explained", "Settings", "explain", "load"]

Origin = Literal["argument", "environment", "default"]

_FEWEST_DIFFERENT: Final = 8  # characters; a key that repeats fewer is typed, not made
_MASKED: Final = "********"
_PER_CLIENT: Final = {
    "login_limit_per_client": {"development": "1000 per 5 minutes", "production": "100 per 5 minutes"},
    "registration_limit_per_client": {"development": "1000 per hour", "production": "30 per hour"},
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What one server runs with; the meaning of each is in ``SETTINGS``.

    What may hold a secret stays out of ``repr``.
    """

    state_dir: Path
    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    env: Literal["development", "production"]
    secret_key: str | None = field(repr=False)
    secret_key_previous: str | None = field(repr=False)
    token_lifetime: int
    password_policy: Literal["complexity", "nist"]
    bcrypt_cost: int
    hash_threads: int
    hash_queue: int
    login_limit_per_address: RateLimitItem | None
    login_limit_per_client: RateLimitItem | None
    registration_limit_per_client: RateLimitItem | None
    trusted_proxies: tuple[str, ...]
    cors_origins: tuple[str, ...]
    api_body_limit: int
    otlp_body_limit: int
    otlp_unpacked_limit: int
    connection_limit: int
    header_timeout: int
    body_timeout: int
    send_timeout: int
    log_level: Literal["debug", "info", "warning", "error"]
    log_format: Literal["json", "text"] | None


class Explained(NamedTuple):
    """A setting, its value as text with every secret masked, and where it comes from."""

    setting: Setting
    value: str
    origin: Origin


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
    texts = {
        setting.name: arguments.get(setting.name) or environ.get(setting.env) or setting.default for setting in SETTINGS
    }
    values: dict[str, Any] = {
        setting.name: None if (text := texts[setting.name]) is None else _read(setting, text) for setting in SETTINGS
    }
    return _completed(values, {name for name, text in texts.items() if text is None})


def explain(settings: Settings, environ: Mapping[str, str] | None = None) -> list[Explained]:
    """Each setting with its value and its origin, for people to read.

    Args:
        settings: as ``load`` made them.
        environ: what they were loaded from; the process's environment if not given.
    """
    environ = os.environ if environ is None else environ
    return [
        Explained(
            setting,
            _shown(setting, getattr(settings, setting.name)),
            "environment" if environ.get(setting.env) else "default",
        )
        for setting in SETTINGS
    ]


def _read(setting: Setting, text: str) -> object:
    try:
        return setting.read(text)
    except ValueError as error:
        raise SettingsError(f"{setting.env} cannot be used: {error}.") from None


def _completed(values: dict[str, Any], unset: set[str]) -> Settings:
    if values["state_dir"] is None:
        values["state_dir"] = platformdirs.user_state_path("ams", appauthor=False)
    if values["database_url"] is None:
        values["database_url"] = f"sqlite:///{quote(str(values['state_dir'] / DATABASE_FILE))}"
    if values["hash_threads"] is None:
        values["hash_threads"] = max(1, (os.cpu_count() or 1) - 1)
    for name in unset & _PER_CLIENT.keys():
        values[name] = kinds.rate(_PER_CLIENT[name][values["env"]])
    if values["env"] == "production":
        _check_keys(values)
    return Settings(**values)


def _check_keys(values: dict[str, Any]) -> None:
    if values["secret_key"] is None:
        raise SettingsError(f"AMS_SECRET_KEY is not set, and production needs one that you keep: {kinds.MAKE_A_KEY}")
    for name in ("secret_key", "secret_key_previous"):
        if values[name] is not None and len(set(values[name].strip())) < _FEWEST_DIFFERENT:
            raise SettingsError(
                f"AMS_{name.upper()} cannot be used: it has fewer than {_FEWEST_DIFFERENT} different characters, "
                f"so it can be guessed; {kinds.MAKE_A_KEY}."
            )


def _shown(setting: Setting, value: object) -> str:
    if value is None:
        return "off" if setting.read is kinds.rate else ""
    if setting.is_secret:
        return _MASKED
    if setting.name.endswith("_url"):
        return _without_password(str(value))
    return ",".join(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else str(value)


def _without_password(url: str) -> str:
    try:
        known = make_url(url)
    except (ArgumentError, ValueError):
        return _MASKED  # what cannot be read may hold anything
    if url.count("@") > 1:
        return _MASKED  # an @ in the password may have been taken for the end of it
    hidden = {name: _MASKED for name in known.query if "pass" in name}  # libpq reads parameters as well
    return known.update_query_dict(hidden).render_as_string(hide_password=True)
