"""The platform under the contract: a real server on a real port, started once."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from uuid import uuid4

import httpx
import jsonschema_rs
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


@contextmanager
def started(folder, **settings):
    """The base URL of a platform of its own; whatever answers the contract can stand here."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AMS_")}
    environ = inherited | {"AMS_STATE_DIR": str(folder), "AMS_BCRYPT_COST": "4"} | settings
    command = [sys.executable, "-m", "ams_reference_server", "serve", "--port", "0", "--parent-pid", str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("AMS reference server listening on http://"), line
        yield line.split()[-1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of the platform, started once."""
    with started(tmp_path_factory.mktemp("platform")) as url:
        yield url


@pytest.fixture(scope="session")
def unlimited_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a platform that lets anybody try as often as they like."""
    limits = ("LOGIN_LIMIT_PER_ADDRESS", "LOGIN_LIMIT_PER_CLIENT", "REGISTRATION_LIMIT_PER_CLIENT")
    with started(tmp_path_factory.mktemp("unlimited"), **{f"AMS_{limit}": "off" for limit in limits}) as url:
        yield url


@pytest.fixture
def client(platform: str) -> Iterator[httpx.Client]:
    """Somebody without a credential."""
    with httpx.Client(base_url=platform, timeout=30, verify=TLS, event_hooks=CHECKED) as opened:
        yield opened


@pytest.fixture
def new_account(platform: str) -> Iterator[Callable[[], httpx.Client]]:
    """Makes an account of its own and gives a client that is logged in to it."""
    opened: list[httpx.Client] = []

    def make() -> httpx.Client:
        client = httpx.Client(base_url=platform, timeout=30, verify=TLS, event_hooks=CHECKED)
        opened.append(client)
        body = {"email": f"{uuid4().hex}@example.org", "password": PASSWORD}
        client.post("/api/auth/register", json=body).raise_for_status()
        token = client.post("/api/auth/login", json=body).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def account(new_account: Callable[[], httpx.Client]) -> httpx.Client:
    """Somebody who is logged in to an account of their own."""
    return new_account()
