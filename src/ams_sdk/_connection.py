"""Where to send a call and with which credential.

The endpoint is the first of: the argument, ``AMS_ENDPOINT``, the endpoint of the last ``ams login``, the reference
server's default address. The credential is the first of: the argument, ``AMS_API_KEY``, the login saved *for that
endpoint*. So a saved token never travels to another platform than the one that issued it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote, urlsplit

from ams_sdk import _config, _credentials
from ams_sdk._errors import ConfigurationError, LoginExpiredError, NotLoggedInError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ams_sdk._credentials import Login

__all__ = ["Connection", "normalised", "resolve"]

Source = Literal["argument", "environment", "login", "none"]

_LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")  # RFC 1035, section 2.3.4, and the underscore that people use


@dataclass(slots=True)
class Connection:
    """An endpoint and the bearer for it.

    Args:
        endpoint: the platform's address, normalised, without a slash at its end.
        bearer: the API key or access token, or None.
        source: where the bearer comes from.
        login: the saved login for the endpoint, if it was looked up and there is one, over or not.
    """

    endpoint: str
    bearer: str | None = field(default=None, repr=False)
    source: Source = "none"
    login: Login | None = None

    def credential(self) -> str:
        """Return the bearer for a call that needs one.

        Raises:
            LoginExpiredError: there is only a saved login, and its time is over.
            NotLoggedInError: there is no credential for this endpoint.
        """
        bearer, login = self.bearer, self.login
        over = self.source == "login" and login is not None and login.is_over()
        if bearer is None or over:
            raise self.refusal()
        return bearer

    def use(self, bearer: str | None) -> None:
        """Take this bearer from now on, instead of whatever there was; None leaves the connection without one."""
        # In this order: another thread's call in between finds the old bearer, and no login that is over.
        self.login, self.source, self.bearer = None, "argument" if bearer else "none", bearer

    def renew(self) -> bool:
        """Look for a newer login of the same account, after the old one was refused; True if there is one.

        So an ``ams login`` in another terminal serves a program that runs. Another account's login does not, nor does
        another key: what is on its way was recorded for this one.

        Raises:
            AMSError: the saved login cannot be read.
        """
        if self.source != "login" or self.login is None:
            return False
        found = _credentials.find(_config.state_folder(), self.endpoint)
        if found is None or found.email != self.login.email or found.access_token == self.bearer:
            return False
        self.login, self.bearer = found, found.access_token
        return True

    def identity(self) -> str:
        """Whose spans these are, without giving the credential away: an e-mail address, or a digest of a key."""
        if self.source == "login" and self.login is not None:
            return self.login.email
        if self.bearer is None:
            return ""
        return f"key {hashlib.sha256(self.bearer.encode()).hexdigest()[:12]}"

    def refusal(self) -> LoginExpiredError | NotLoggedInError:
        """Return the error that says why there is no usable credential and what to do."""
        if self.login is None:
            return NotLoggedInError(
                f"Not logged in at {self.endpoint}. Run: ams login (no account yet: ams register), or set AMS_API_KEY."
            )
        ended = f"{self.login.expires_at:%Y-%m-%d %H:%M} UTC"
        return LoginExpiredError(
            f"The login at {self.endpoint} ended at {ended}; run: ams login", status=401, code="token_expired"
        )

    def is_loopback(self) -> bool:
        """Whether the endpoint is on this machine (RFC 6761 for ``localhost``)."""
        host = urlsplit(self.endpoint).hostname or ""
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return False


def resolve(
    *, endpoint: str | None = None, api_key: str | None = None, environ: Mapping[str, str] | None = None
) -> Connection:
    """Find the endpoint and the credential by the order that this module's docstring gives.

    Args:
        endpoint: the platform's address.
        api_key: an API key or access token.
        environ: the environment to read; ``os.environ`` if not given.

    Raises:
        ConfigurationError: a value cannot be used.
        StateFolderError: the saved login is needed and cannot be read.
    """
    settings = _config.load(environ, endpoint=endpoint, api_key=api_key)
    address = None if settings.endpoint is None else normalised(settings.endpoint)
    if address is not None and settings.api_key is not None:
        login = None
    else:
        login = _credentials.find(_config.state_folder(environ), address)
    address = address or (login.endpoint if login else _config.DEFAULT_ENDPOINT)
    if settings.api_key is not None:
        return Connection(address, settings.api_key, "environment" if api_key is None else "argument", login)
    if login is None:
        return Connection(address)
    return Connection(address, login.access_token, "login", login)


def normalised(endpoint: str) -> str:
    """Write an address in its one form: lower-case host, no default port, no slash at the end.

    Raises:
        ConfigurationError: no host can have this name.
    """
    try:
        parts = urlsplit(endpoint)
        host = _host(parts.hostname or "")
        port = "" if parts.port in {None, _PORTS.get(parts.scheme)} else f":{parts.port}"
    except ValueError:  # no host, a port that is no number, brackets around no address, a name that IDNA does not know
        raise ConfigurationError("endpoint cannot be used: write an address such as http://127.0.0.1:8787.") from None
    return f"{parts.scheme}://{host}{port}{quote(parts.path, safe=_IN_PATHS)}".rstrip("/")


_PORTS: Final = {"http": 80, "https": 443}
_IN_PATHS: Final = "/%:@!$&'()*+,;=~"  # RFC 3986, 3.3, and what is escaped already


def _host(name: str) -> str:
    if ":" in name:
        return f"[{ip_address(name)}]"
    ascii_name = name.encode("idna").decode("ascii")
    labels = ascii_name.removesuffix(".").split(".")
    # Checked here: the resolver raises UnicodeError, not OSError, for a name that cannot be.
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("no host can have this name")
    return ascii_name
