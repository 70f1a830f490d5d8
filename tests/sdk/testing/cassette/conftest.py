from __future__ import annotations

from itertools import islice

import anyio
import httpx
import httpx2
import pytest
from tests.sdk.testing.cassette.model_server import ModelServer

from ams_sdk.testing._cassette import Cassette
from ams_sdk.testing._http import LoopbackServer


@pytest.fixture
def model():
    return ModelServer()


@pytest.fixture
def server(model):
    with LoopbackServer(model) as running:
        yield running


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cassettes" / "one.json"


class Asker:
    """Asks the same with each kind of client."""

    def __init__(self, kind) -> None:
        self.library = httpx2 if "httpx2" in kind else httpx
        self.is_async = "async" in kind

    def __call__(self, method, url, **sent):
        if not self.is_async:
            with self.library.Client() as client:
                return client.request(method, url, **sent)

        async def ask():
            async with self.library.AsyncClient() as client:
                return await client.request(method, url, **sent)

        return anyio.run(ask)

    def pieces(self, url, most=None):
        """The body in the pieces in which it comes."""
        if not self.is_async:
            with self.library.Client() as client, client.stream("GET", url) as answer:
                return list(islice(answer.iter_raw(), most))

        async def ask():
            async with self.library.AsyncClient() as client, client.stream("GET", url) as answer:
                found = []
                async for piece in answer.aiter_raw():
                    found.append(piece)
                    if len(found) == most:
                        break
                return found

        return anyio.run(ask)


@pytest.fixture(params=["httpx", "async httpx", "httpx2", "async httpx2"])
def ask(request):
    return Asker(request.param)


@pytest.fixture
def recorded(path):
    """Runs something with a cassette that records, and gives a cassette that replays it."""

    def record(run):
        with Cassette(path, "all") as cassette:
            run()
        cassette.verify()
        return Cassette(path)

    return record
