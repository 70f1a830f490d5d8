"""A platform, and callers of each kind: blocking and asynchronous, in process and by a socket."""

from __future__ import annotations

import threading

import anyio
import httpx
import pytest

import ams_sdk
from ams_sdk.testing._platform import MockPlatform

KINDS = ("sync in process", "async in process", "sync on a port", "async on a port")


class Caller:
    """The same calls, whatever the client and whatever is in between."""

    def __init__(self, kind, platform) -> None:
        self.kind = kind
        self.is_async = "async" in kind
        self.platform = platform
        self.transport = platform.transport if "process" in kind else None

    def __call__(self, method, path, *, timeout=5.0, bearer=None, **sent):
        headers = dict(sent.pop("headers", {}))
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        options = {"base_url": self.platform.url, "transport": self.transport, "timeout": timeout, "headers": headers}
        if not self.is_async:
            with httpx.Client(**options) as client:
                return client.request(method, path, **sent)

        async def call():
            async with httpx.AsyncClient(**options) as client:
                return await client.request(method, path, **sent)

        return anyio.run(call)

    def sdk(self, ask, *, timeout=5.0, api_key=None):
        """What a call of the SDK's own client gives: ``ask`` is told the client, and for both kinds the same."""
        options = {
            "endpoint": self.platform.url,
            "api_key": api_key or self.platform.api_key,
            "timeout": timeout,
            "transport": self.transport,
        }
        if not self.is_async:
            with ams_sdk.Client(**options) as client:
                return ask(client)

        async def call():
            async with ams_sdk.AsyncClient(**options) as client:
                return await ask(client)

        return anyio.run(call)


@pytest.fixture
def platform():
    before = threading.active_count()
    made = MockPlatform()
    yield made
    made.stop()
    assert threading.active_count() <= before


@pytest.fixture(params=KINDS)
def call(request, platform):
    if "port" in request.param:
        platform.start()
    return Caller(request.param, platform)


@pytest.fixture
def here(platform):
    return Caller("sync in process", platform)


@pytest.fixture(params=["in process", "on a port"])
def traced(request, platform):
    """The SDK sends what decorated calls make to the platform."""
    if request.param == "on a port":
        platform.start()
    ams_sdk.configure(
        endpoint=platform.url,
        api_key=platform.api_key,
        spool_dir="none",
        transport=platform.transport if request.param == "in process" else None,
    )
    yield platform
    ams_sdk.shutdown()
