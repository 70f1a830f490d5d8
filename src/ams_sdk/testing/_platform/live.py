"""A real platform in the mock's place: the same tests against a server, by ``--ams-target=URL``."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NoReturn
from unittest import SkipTest

from ams_sdk._client import Client
from ams_sdk.testing._platform.assertions import misregistered, registered_anyway
from ams_sdk.testing._platform.failures import failure
from ams_sdk.testing._platform.seeding import Account
from ams_sdk.testing._trace.wire_span import from_wire

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from ams_sdk.testing._trace.captured_span import CapturedSpan
    from ams_sdk.wire import Agent, Span

__all__ = ["LivePlatform"]


class LivePlatform:
    """What a test can say of any platform; whatever only the mock can do skips the test.

    Everything happens on an account of its own, which is made for the whole run: what one test registers, the next one
    finds.

    Args:
        url: its address.

    Raises:
        AMSError: it cannot be reached, or lets nobody register.
    """

    strict = False
    holds_up_the_sdk = False
    transport = None

    def __init__(self, url: str) -> None:
        self.url: str = url.rstrip("/")
        email, password = f"ams-test-{secrets.token_hex(8)}@example.org", f"Aa1!{secrets.token_urlsafe(24)}"
        with Client(endpoint=self.url, api_key=None) as client:
            user = client.auth.register(email=email, password=password)
            self.token: str = client.auth.login(email=email, password=password).access_token
        self.account: Account = Account(email, password, user)
        self._client = Client(endpoint=self.url, api_key=self.token)
        self.api_key: str = self._client.keys.create("pytest").key
        self.settle: Callable[[], object] = _settled

    def close(self) -> None:
        """Close the connections to it."""
        self._client.close()

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Every agent of the account."""
        self.settle()
        return tuple(self._agents())

    @property
    def spans(self) -> tuple[CapturedSpan, ...]:
        """Every span of the account's traces."""
        self.settle()
        return tuple(map(from_wire, self._spans()))

    def assert_registered(
        self,
        name: str | Callable[..., Any],
        *,
        version: object = None,
        tools: Collection[str | Callable[..., Any]] | None = None,
        **fields: Any,  # noqa: ANN401 -- any value of JSON, or what compares equal to one
    ) -> Agent:
        """As ``MockPlatform.assert_registered``."""
        __tracebackhide__ = True
        found = misregistered(self.agents, name, version, tools, fields)
        if isinstance(found, list):
            raise failure(found, (self.token, self.api_key))
        return found

    def assert_not_registered(self, name: str | Callable[..., Any]) -> None:
        """As ``MockPlatform.assert_not_registered``."""
        __tracebackhide__ = True
        found = registered_anyway(self.agents, name)
        if found:
            raise failure(found, ())

    def verify(self) -> None:
        """A real platform does not tell what it was asked."""

    def __repr__(self) -> str:
        return f"<LivePlatform at {self.url}>"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise SkipTest(f"ams.{name} needs the mock platform, and this run has --ams-target={self.url}")

    def _agents(self) -> Iterator[Agent]:
        cursor: str | None = None
        while True:
            page = self._client.agents.list(limit=200, cursor=cursor)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def _spans(self) -> Iterator[Span]:
        cursor: str | None = None
        while True:
            page = self._client.traces.list(limit=200, cursor=cursor)
            for summary in page.items:
                yield from self._client.traces.get(summary.trace_id).spans
            cursor = page.next_cursor
            if cursor is None:
                return


def _settled() -> None:
    """Nobody is under way."""
