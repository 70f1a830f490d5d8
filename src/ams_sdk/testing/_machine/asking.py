"""Requests to a platform, and what the contract says of every answer; a failure says which rule, request and answer."""

from __future__ import annotations

import inspect
import json
import re
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._platform.failures import PlatformAssertionError, failure, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import httpx

__all__ = ["Answer", "Asking"]

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_PROBLEM: Final = ("type", "title", "status", "detail", "code", "request_id")
_REMEMBERED: Final = 8
_HIDDEN: Final = "[redacted]"
_FAILED, _REFUSED, _LIMITED = 400, 401, 429


class Answer(NamedTuple):
    """What came back.

    Attributes:
        status: of HTTP.
        json: the body; None if it is none of JSON.
        headers: by their names in any case.
        row: the request and the status in one line.
    """

    status: int
    json: Any
    headers: httpx.Headers
    row: str


class Asking:
    """A client of a platform that looks at every answer.

    Args:
        connect: opens a client.

    Raises:
        ConfigurationError: what it gives is none.
    """

    def __init__(self, connect: Callable[[], httpx.Client]) -> None:
        self._client = _checked(connect())
        self._secrets: list[str] = []
        self._rows: deque[str] = deque(maxlen=_REMEMBERED)
        self._shown: list[str] = []

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def keep_secret(self, text: str) -> None:
        """Never show this text, and take it for a fault if the platform does."""
        self._secrets.append(text)

    def __call__(  # noqa: PLR0913 -- what a request has, keyword-only
        self,
        rule: str,
        method: str,
        path: str,
        *,
        expect: int,
        code: str | None = None,
        bearer: str | None = None,
        body: Mapping[str, object] | None = None,
        content: bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask, and see that the answer has the status, and the code of a problem, that the contract says.

        Raises:
            PlatformAssertionError: it has another, or breaks a rule that holds for every answer.
            ConfigurationError: the platform limits how often somebody may try.
        """
        sent = dict(headers or {}) | ({} if bearer is None else {"Authorization": f"Bearer {bearer}"})
        if body is not None:
            content, sent = json.dumps(body).encode(), sent | {"Content-Type": "application/json"}
        response = self._client.request(method, path, content=content, params=query, headers=sent)
        answer = self._remember(response, body, rule)
        if response.status_code == _LIMITED:
            raise ConfigurationError(
                f"{answer.row}: this platform limits how often somebody may try, and the machine tries often. "
                "Start it without limits (the reference server: AMS_LOGIN_LIMIT_PER_ADDRESS=off, "
                "AMS_LOGIN_LIMIT_PER_CLIENT=off, AMS_REGISTRATION_LIMIT_PER_CLIENT=off)."
            )
        if answer.status != expect:
            raise self.broken(f"status {expect}", f"status {answer.status}")
        self._everywhere(answer, method, response.request.url.path, credential=bearer)
        if code is not None and not path.startswith("/v1/") and method != "HEAD":
            self.see("the problem's code", code, cast("Mapping[str, object]", answer.json).get("code"))
        return answer

    def see(self, what: str, wanted: object, got: object) -> None:
        """See that something of the last answer is as the contract says.

        Raises:
            PlatformAssertionError: it is not.
        """
        if wanted != got:
            raise self.broken(f"{what}: {_short(wanted)}", f"{what}: {_short(got)}")

    def broken(self, wanted: str, got: str) -> PlatformAssertionError:
        """The error for the last answer."""
        rule, request, answer = self._shown
        before = [f"  {row}" for row in [*self._rows][:-1]]
        lines = [
            "The platform answers otherwise than the contract says.",
            "",
            f"  rule:      {rule}",
            f"  expected:  {printable(wanted)}",
            f"  got:       {printable(got)}",
            f"  request:   {request}",
            f"  answer:    {answer}",
            *(["", "Before it:", *before] if before else []),
        ]
        return failure(lines, self._secrets)

    def _remember(self, response: httpx.Response, body: Mapping[str, object] | None, rule: str) -> Answer:
        request = response.request
        asked = f"{request.method} {request.url.raw_path.decode('ascii')}"
        row = printable(f"{asked} -> {response.status_code}")
        self._rows.append(row)
        kind = response.headers.get("content-type", "no body")
        shown = (
            "" if body is None else f" {json.dumps(dict(body) | ({'password': _HIDDEN} if 'password' in body else {}))}"
        )
        is_json = "json" in kind and request.method != "HEAD"
        self._shown = [rule, printable(f"{asked}{shown}"), printable(f"{response.status_code} {kind} {response.text}")]
        try:
            document = response.json() if is_json else None
        except ValueError:
            raise self.broken("a body of JSON", "one that cannot be read") from None
        return Answer(response.status_code, document, response.headers, row)

    def _everywhere(self, answer: Answer, method: str, path: str, *, credential: str | None) -> None:
        headers = answer.headers
        if not _REQUEST_ID.fullmatch(headers.get("x-request-id", "")):
            raise self.broken("a header X-Request-ID", _short(headers.get("x-request-id")))
        self.see("X-Content-Type-Options", "nosniff", headers.get("x-content-type-options"))
        if path.startswith("/api/"):
            self.see("Cache-Control", "no-store", headers.get("cache-control"))
        if answer.status == _REFUSED:
            self._challenges(headers.get("www-authenticate", ""), path, credential)
        if answer.status >= _FAILED and method != "HEAD" and not path.startswith("/v1/"):
            self._is_problem(answer)

    def _challenges(self, challenge: str, path: str, credential: str | None) -> None:
        wanted = 'Bearer realm="ams"'
        if not challenge.startswith(wanted):
            raise self.broken(f"WWW-Authenticate: {wanted}", f"WWW-Authenticate: {challenge or 'none'}")
        if credential is not None and path != "/api/auth/login" and 'error="invalid_token"' not in challenge:
            raise self.broken('WWW-Authenticate with error="invalid_token"', f"WWW-Authenticate: {challenge}")

    def _is_problem(self, answer: Answer) -> None:
        self.see("Content-Type", "application/problem+json", answer.headers.get("content-type"))
        missing = [name for name in _PROBLEM if name not in answer.json]
        self.see("fields that the problem lacks", [], missing)
        self.see("the problem's status", answer.status, answer.json["status"])
        self.see("the problem's request_id", answer.headers["x-request-id"], answer.json["request_id"])
        said = [*_texts(answer.json)]
        if any(secret in text for secret in self._secrets for text in said):
            raise self.broken("a problem without passwords and tokens", "one that repeats them")


def _checked(client: object) -> httpx.Client:
    if not hasattr(client, "request") or not hasattr(client, "base_url"):
        raise ConfigurationError(
            f"PlatformMachine: connect() gave a {type(client).__name__}; let it return "
            "httpx.Client(base_url=…), a new one for each call."
        )
    opened = cast("httpx.Client", client)
    if inspect.iscoroutinefunction(opened.request):
        raise ConfigurationError("PlatformMachine: connect() gave an asynchronous client; return httpx.Client(…).")
    if not opened.base_url.host:
        raise ConfigurationError(
            "PlatformMachine: connect() gave a client without base_url; say where the platform is."
        )
    return opened


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts([*cast("Mapping[str, object]", value).values()])
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _texts(inner)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 300 else f"{text[:299]}…"  # noqa: PLR2004 -- some lines of a terminal
