"""The two platforms that judge what strategies give: the mock, and for a sample the reference server."""

from __future__ import annotations

import ssl
from uuid import uuid4

import httpx
import pytest
from tests.reference_server import UNLIMITED, started

from ams_sdk.testing import MockPlatform

# Nothing here is encrypted, but a client would load the machine's certificates, which takes longer than a test.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
PASSWORD = "Correct-horse-7"


class Platform:
    """A client of a platform, and accounts on it that nobody else has."""

    def __init__(self, client):
        self.client = client

    def address(self, email="ada@example.org"):
        """The address, made one that is new to the platform."""
        local, _, domain = email.partition("@")
        return f"{local}-{uuid4().hex[:12]}@{domain}"

    def new_account(self):
        body = {"email": f"{uuid4().hex}@example.org", "password": PASSWORD}
        self.client.post("/api/auth/register", json=body).raise_for_status()
        token = self.client.post("/api/auth/login", json=body).raise_for_status().json()["access_token"]
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def mock():
    platform = MockPlatform()
    with httpx.Client(base_url=platform.url, transport=platform.transport) as client:
        yield Platform(client)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with (
        started(tmp_path_factory.mktemp("server"), **UNLIMITED) as url,
        httpx.Client(base_url=url, verify=TLS, timeout=30) as client,
    ):
        yield Platform(client)


@pytest.fixture(params=[pytest.param(("mock", 60), id="mock"), pytest.param(("server", 15), id="server")])
def judge(request):
    """A platform, and how many examples it is asked about."""
    name, examples = request.param
    platform = request.getfixturevalue(name)
    platform.examples = examples
    return platform
