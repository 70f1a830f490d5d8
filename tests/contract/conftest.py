"""The platforms under the contract, each started once: the mock on a port, the server over SQLite and PostgreSQL."""

from __future__ import annotations

import json
import re
import ssl
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import uuid4

import httpx
import jsonschema_rs
import pytest
from tests.reference_server import UNLIMITED, started, started_over_postgresql

from ams_sdk.testing import MockPlatform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

PASSWORD = "Correct-horse-7"
# Nothing here is encrypted, but every client would load the machine's certificates, which takes longer than most tests.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_bytes())


def resolved(part):
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    return DOCUMENT["components"][kind][name]


def documented(method, path):
    """The responses that the document has for a request, by status."""
    for template, methods in DOCUMENT["paths"].items():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path):
            method = "get" if method == "HEAD" else method.lower()
            if method in methods:
                return methods[method]["responses"]
    place = "" if path.startswith("/api/") else "Otlp" if path.startswith("/v1/") else "Other"
    names = {"401": "Unauthenticated", "404": "NotFound", "405": "MethodNotAllowed"}
    return {status: {"$ref": f"#/components/responses/{place}{name}"} for status, name in names.items()}


@cache
def validator(schema):
    return jsonschema_rs.Draft202012Validator(json.loads(schema) | {"components": DOCUMENT["components"]})


def is_as_documented(response):
    """Every answer that a test of the contract gets has a status, headers and a body that the document describes."""
    request = response.request
    responses = documented(request.method, unquote(request.url.path))
    assert str(response.status_code) in responses, f"{response.status_code} to {request.method} {request.url.path}"
    said = resolved(responses[str(response.status_code)])
    assert {name.lower() for name in said["headers"]} <= response.headers.keys()
    body = response.read()
    if "content" not in said or request.method == "HEAD":
        assert body == b""
        return
    schema = said["content"][response.headers["content-type"]].get("schema")
    if schema is not None:
        validator(json.dumps(schema)).validate(json.loads(body))


CHECKED = {"response": [is_as_documented]}


def client_of(url, **options):
    """A client of a platform; each answer that it gets must be as the document has it."""
    return httpx.Client(base_url=url, timeout=30, verify=TLS, event_hooks=CHECKED, **options)


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of the reference server over SQLite."""
    with started(tmp_path_factory.mktemp("sqlite")) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of the reference server over PostgreSQL, in a schema of its own that is gone afterwards."""
    with started_over_postgresql(tmp_path_factory.mktemp("postgresql")) as url:
        yield url


@pytest.fixture(scope="session")
def mock_on_port() -> Iterator[str]:
    """The base URL of the mock, on a port."""
    with MockPlatform().serve() as mock:
        yield mock.url


@pytest.fixture(scope="session", params=["server", "mock"])
def platform(request: pytest.FixtureRequest) -> str:
    """The base URL of a platform: what stands here without being a rule of the contract holds on the mock too."""
    url: str = request.getfixturevalue({"server": "sqlite_server", "mock": "mock_on_port"}[request.param])
    return url


@pytest.fixture(scope="session")
def unlimited_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a reference server that lets anybody try as often as they like."""
    with started(tmp_path_factory.mktemp("unlimited"), **UNLIMITED) as url:
        yield url


@pytest.fixture
def client(platform: str) -> Iterator[httpx.Client]:
    """Somebody without a credential."""
    with client_of(platform) as opened:
        yield opened


@pytest.fixture
def account(platform: str) -> Iterator[httpx.Client]:
    """Somebody who is logged in to an account of their own."""
    body = {"email": f"{uuid4().hex}@example.org", "password": PASSWORD}
    with client_of(platform) as opened:
        opened.post("/api/auth/register", json=body).raise_for_status()
        token = opened.post("/api/auth/login", json=body).raise_for_status().json()["access_token"]
        opened.headers["Authorization"] = f"Bearer {token}"
        yield opened


@pytest.fixture(scope="session")
def checked() -> Iterator[Callable[..., httpx.Client]]:
    """Gives the client of a platform, the same each time; each answer that it gets must be as the document has it."""
    known: dict[str, httpx.Client] = {}
    with ExitStack() as opened:

        def find(url: str, **options: Any) -> httpx.Client:
            if url not in known:
                known[url] = opened.enter_context(client_of(url, **options))
            return known[url]

        yield find


@pytest.fixture(scope="session")
def mock_in_process() -> MockPlatform:
    """The mock, which is on no port."""
    return MockPlatform()


@pytest.fixture(scope="session")
def run_server() -> Callable[..., AbstractContextManager[str]]:
    """Starts a reference server, for as long as a block runs."""
    return started
