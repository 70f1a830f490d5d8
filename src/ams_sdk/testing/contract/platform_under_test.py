"""A platform that is held to the contract: how it is reached, and who asks it."""

from __future__ import annotations

import socket
import ssl
from contextlib import closing
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from ams_sdk._errors import (
    ConfigurationError,
    InvalidCredentialsError,
    PlatformTimeoutError,
    PlatformUnreachableError,
)
from ams_sdk.testing.contract.caller import ACCOUNT_PASSWORD, LOGIN, ME, Caller, log_in
from ams_sdk.testing.contract.exchange import Answer, Asked
from ams_sdk.testing.contract.failure import ContractAssertionError
from ams_sdk.testing.contract.rule import NotApplicableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Self

__all__ = ["PlatformUnderTest"]

_SECONDS: Final = 30.0
_LONGEST_SILENCE: Final = 10.0
"""Seconds that a connection may stay open with nothing on it, where it is to be closed."""
_TOO_MANY: Final = 429
_NOWHERE: Final = "http://platform.localhost"


class PlatformUnderTest:
    """A platform that is held to the contract.

    Args:
        where: its URL; or an ``httpx.Client`` with a ``base_url``, whose transport and hooks are used; or a
            transport of httpx, for one in this process.
        email: of an account to use; without it the rules register accounts of their own.
        password: of that account.
        timeout: seconds that an answer may take.

    Raises:
        ConfigurationError: ``where`` is none of that, or only one of address and password is given.
    """

    def __init__(
        self,
        where: str | httpx.Client | httpx.BaseTransport,
        *,
        email: str | None = None,
        password: str | None = None,
        timeout: float = _SECONDS,
    ) -> None:
        if (email is None) != (password is None):
            raise ConfigurationError("An account has an address and a password: give both, or neither.")
        self._patience = min(timeout, _LONGEST_SILENCE)
        self._is_ours = not isinstance(where, httpx.Client)
        self._http = _client(where, timeout)
        self._given = None if email is None or password is None else (email, password)
        self._member: Caller | None = None
        self._secrets: list[str] = [] if password is None else [password]
        self._answers: list[Answer] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that were opened for it."""
        if self._is_ours:
            self._http.close()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return str(self._http.base_url).rstrip("/")

    def reach(self) -> None:
        """Make sure that something answers, and that the account that was given is good.

        Raises:
            PlatformUnreachableError: nothing answers.
            PlatformTimeoutError: it does not in time.
            InvalidCredentialsError: it does not know this account.
        """
        try:
            self._http.get("/health/live", auth=None)
        except httpx.TimeoutException:
            raise PlatformTimeoutError(f"The platform at {self.url} did not answer in time.") from None
        except httpx.HTTPError as error:
            raise PlatformUnreachableError(f"Nothing answered at {self.url} ({error}).") from None
        if self._given is not None:
            email, password = self._given
            answer = self.stranger.post(LOGIN, json={"email": email, "password": password})
            if answer.status == 401:  # noqa: PLR2004 -- HTTP's
                raise InvalidCredentialsError(
                    "The e-mail address or the password is wrong.", status=401, code="invalid_credentials"
                )

    @property
    def stranger(self) -> Caller:
        """Somebody without a credential."""
        return Caller(self)

    def member(self) -> Caller:
        """Somebody with an account, which other rules use too."""
        if self._member is None or self._member.get(ME).status != 200:  # noqa: PLR2004 -- HTTP's
            self._member = self.newcomer() if self._given is None else log_in(self, *self._given)
        return self._member

    def newcomer(self) -> Caller:
        """Somebody with an account that nobody else uses.

        Raises:
            NotApplicableError: an account was given, so none is to be made; or the platform limits registrations.
        """
        email = self.new_address()
        answer = self.stranger.post("/api/auth/register", json={"email": email, "password": ACCOUNT_PASSWORD})
        if answer.status == _TOO_MANY:
            raise NotApplicableError("the platform limits registrations (429): lift the limit while this runs")
        answer.must_be(201)
        return log_in(self, email, ACCOUNT_PASSWORD)

    def new_address(self) -> str:
        """An e-mail address that has no account.

        Raises:
            NotApplicableError: an account was given, so none is to be made.
        """
        if self._given is not None:
            raise NotApplicableError("it needs an account of its own, and only the given one is to be used")
        return f"contract-{uuid4().hex}@example.org"

    def keep_secret(self, *texts: str) -> None:
        """Never show these in a failure."""
        self._secrets += [text for text in texts if text]

    def latest(self) -> list[str]:
        """The last answer, for people."""
        return [answer.text() for answer in self._answers[-1:]]

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Iterable[tuple[str, str | bytes]] = (),
        content: bytes | Iterable[bytes] | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> Answer:
        """The answer to a request, which is sent as it is: no redirect is followed, nothing is tried again.

        Raises:
            ContractAssertionError: no answer came.
        """
        pairs = [(name.encode(), value.encode() if isinstance(value, str) else value) for name, value in headers]
        if method == "HEAD":
            # A body that must not be there would be taken for the beginning of the next answer.
            pairs.append((b"Connection", b"close"))
        request = self._http.build_request(method, path, headers=pairs, content=content, params=params)
        asked = Asked(
            method,
            request.url.raw_path.decode("ascii"),
            tuple((name.decode().lower(), value.decode("latin-1")) for name, value in pairs),
            content if isinstance(content, bytes) else b"",
            tuple(self._secrets),
        )
        try:
            response = self._http.send(request, auth=None, follow_redirects=False)
        except httpx.HTTPError as error:
            came = f"no answer ({type(error).__name__}: {error})"
            raise ContractAssertionError("every request has an answer, and none came.", [asked.text(came)]) from None
        # Who asks is said by the credential alone: a platform's cookie would make the next stranger somebody.
        self._http.cookies.clear()
        came_headers = tuple((name.lower(), value) for name, value in response.headers.multi_items())
        answer = Answer(asked, response.status_code, came_headers, response.content)
        self._answers[:] = [answer]
        return answer

    def send_head(self, method: str, path: str, *headers: str) -> bytes:
        """What comes when only the head of a request is sent, until the platform closes the connection.

        Raises:
            NotApplicableError: the platform is in this process, so there is no connection.
            ContractAssertionError: nothing came in time, or the connection was left open.
        """
        address = urlsplit(self.url)
        if self._is_in_process():
            raise NotApplicableError("it needs a connection, and the platform is in this process")
        port = address.port or (443 if address.scheme == "https" else 80)
        target = address.path + path
        head = (f"{method} {target} HTTP/1.1", f"Host: {address.netloc}", *headers)
        asked = Asked(method, target)
        received = b""
        try:
            with closing(self._connected(address.hostname or "", port, is_tls=address.scheme == "https")) as connection:
                connection.sendall("\r\n".join((*head, "", "")).encode())
                while chunk := connection.recv(65_536):
                    received += chunk
        except OSError as error:
            came = received[:200].decode(errors="backslashreplace") or f"nothing ({error})"
            wrong = "the answer was to come without the body being read, and the connection to be closed."
            raise ContractAssertionError(wrong, [asked.text(came)]) from None
        return received

    def _connected(self, host: str, port: int, *, is_tls: bool) -> socket.socket:
        connection = socket.create_connection((host, port), timeout=self._patience)
        if not is_tls:
            return connection
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)

    def _is_in_process(self) -> bool:
        transport: Any = getattr(self._http, "_transport", None)  # httpx has no public name for it
        return not isinstance(transport, httpx.HTTPTransport)


def _client(where: object, timeout: float) -> httpx.Client:
    if isinstance(where, httpx.Client):
        if not where.base_url.host:
            raise ConfigurationError("The httpx.Client has no base_url: httpx.Client(base_url='http://…').")
        if "authorization" in where.headers:
            raise ConfigurationError(
                "The httpx.Client has an Authorization header: leave it out, or no rule has a stranger."
            )
        return where
    if isinstance(where, httpx.BaseTransport):
        return httpx.Client(base_url=_NOWHERE, transport=where, timeout=timeout)
    if isinstance(where, str) and urlsplit(where).scheme in {"http", "https"} and urlsplit(where).netloc:
        # To load the machine's certificates takes longer than most rules, and http has no use for them.
        verify = ssl.create_default_context() if where.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # As the SDK does it: no proxy for an address on this machine.
        is_here = _is_loopback(urlsplit(where).hostname or "")
        return httpx.Client(base_url=where, timeout=timeout, verify=verify, trust_env=not is_here)
    raise ConfigurationError(
        f"A platform is a URL such as 'http://127.0.0.1:8787', an httpx.Client with a base_url, or a synchronous "
        f"transport of httpx, and not {where!r}. An ASGI application has to be served on a port."
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
