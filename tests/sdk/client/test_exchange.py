from __future__ import annotations

import ssl

import httpx
import pytest

from ams_sdk._client import AsyncClient, Client, exchange
from ams_sdk._connection import Connection
from ams_sdk._errors import ConfigurationError, ProtocolError


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_is_none_is_refused(timeout):
    for client in (Client, AsyncClient):
        with pytest.raises(ConfigurationError, match="timeout cannot be used: write a number of seconds above 0"):
            client(timeout=timeout)


def test_proxies_of_the_environment_are_for_other_machines_only():
    assert exchange.options(Connection("http://127.0.0.1:1"), 1)["trust_env"] is False
    assert exchange.options(Connection("http://ams.example.com"), 1)["trust_env"] is True


def test_certificates_are_always_verified():
    for endpoint in ("http://127.0.0.1:1", "https://127.0.0.1:1", "https://ams.example.com", "http://ams.example.com"):
        verify = exchange.options(Connection(endpoint), 1)["verify"]
        assert (verify.verify_mode, verify.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_a_proxy_variable_that_cannot_work_is_a_configuration_error(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="Check HTTPS_PROXY"):
        Client(endpoint="https://ams.example.com")
    Client(endpoint="http://127.0.0.1:1").close()


def test_a_certificate_file_that_is_not_there_is_a_configuration_error(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent.pem")
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        Client(endpoint="https://ams.example.com")


def test_a_proxys_password_is_not_shown(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://user:s3cr#et@127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="address of a proxy cannot be used") as caught:
        Client(endpoint="https://ams.example.com")
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd", "deflate"])
def test_a_reply_that_is_packed_as_nobody_asked_is_refused(encoding):
    response = httpx.Response(200, headers={"content-encoding": encoding}, stream=httpx.ByteStream(b""))
    with pytest.raises(ProtocolError, match="not asked for"):
        exchange.Reply(response, "http://x")


def test_a_reply_is_refused_at_the_first_byte_too_much(monkeypatch):
    monkeypatch.setattr(exchange, "LARGEST_REPLY", 10)
    reply = exchange.Reply(httpx.Response(200), "http://x")
    reply.add(b"0123456789")
    with pytest.raises(ProtocolError, match="http://x sends more than"):
        reply.add(b"!")
