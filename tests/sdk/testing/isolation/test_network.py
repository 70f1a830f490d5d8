"""Nothing gets out of a test by a socket of Python's, whoever opens it."""

from __future__ import annotations

import asyncio
import socket
import threading

import httpx
import pytest

import ams_sdk
from ams_sdk.testing._http import LoopbackServer, Response
from ams_sdk.testing._isolation.network import NetworkBlock, NetworkBlockedError
from ams_sdk.testing._isolation.network import _is_here as is_here

ELSEWHERE = "192.0.2.1"  # RFC 5737: leads nowhere
NAMED = "model.example.com"


@pytest.fixture
def block():
    block = NetworkBlock()
    block.close()
    yield block
    block.open()


class Here:
    def body_limit(self, _):
        return 0

    def answer(self, _):
        return Response(200, body=b"here")


def by_connecting():
    with socket.socket() as connection:
        connection.connect((ELSEWHERE, 443))


def by_connecting_over_ipv6():
    with socket.socket(socket.AF_INET6) as connection:
        connection.connect(("2001:db8::1", 443))


def by_connecting_without_an_exception():
    with socket.socket() as connection:
        connection.connect_ex((ELSEWHERE, 443))


def by_a_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.sendto(b"x", (ELSEWHERE, 53))


def by_a_message():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.sendmsg([b"x"], [], 0, (ELSEWHERE, 53))


def by_an_old_look_up():
    socket.gethostbyname(NAMED)


def by_another_old_look_up():
    socket.gethostbyname_ex(NAMED)


def by_a_look_up_of_an_address():
    socket.gethostbyaddr(ELSEWHERE)


def by_a_name():
    socket.create_connection((NAMED, 443), timeout=1)


def by_a_look_up():
    socket.getaddrinfo(NAMED.encode(), 443)


def by_asyncio():
    asyncio.run(asyncio.open_connection(ELSEWHERE, 443))


def by_asyncio_and_a_name():
    asyncio.run(asyncio.open_connection(NAMED, 443))


@pytest.mark.parametrize(
    "way",
    [
        by_connecting,
        by_connecting_over_ipv6,
        by_connecting_without_an_exception,
        by_a_datagram,
        by_a_message,
        by_an_old_look_up,
        by_another_old_look_up,
        by_a_look_up_of_an_address,
        by_a_name,
        by_a_look_up,
        by_asyncio,
        by_asyncio_and_a_name,
    ],
)
def test_no_way_leads_out(block, way):
    with pytest.raises(NetworkBlockedError, match="This test is offline") as refused:
        way()
    assert isinstance(refused.value, ConnectionError)
    assert isinstance(refused.value, ams_sdk.AMSError)
    assert "network=True" in str(refused.value)
    assert len(block.refused) == 1


@pytest.mark.parametrize("url", [f"http://{ELSEWHERE}/", f"https://{NAMED}/"])
def test_a_client_sees_a_network_that_is_down(block, url):
    with httpx.Client() as client, pytest.raises(httpx.ConnectError, match="offline"):
        client.get(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_reached(block, host):
    with LoopbackServer(Here()) as server:
        assert httpx.get(f"http://{host}:{server.port}/").text == "here"
        assert asyncio.run(asked(host, server.port)).endswith(b"here")
    assert block.refused == []


async def asked(host, port):
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    found = await reader.read()
    writer.close()
    await writer.wait_closed()
    return found


def test_unix_sockets_and_pairs_are_none_of_its_business(block, tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(path)
        listener.listen()
        client.connect(path)
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        assert right.recv(1) == b"x"


def test_a_host_that_is_let_out_is_reached_by_name_and_by_address(block):
    block.allow(ELSEWHERE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.connect_ex((ELSEWHERE, 443))  # of a datagram, which is none until something is sent
    assert block.refused == []
    block.allow(NAMED)
    block.resolved(NAMED, [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 443))])
    assert block.lets_out("192.0.2.7")
    block.resolved("other.example.com", [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.8", 443))])
    assert not block.lets_out("192.0.2.8")


def test_what_was_found_is_restored_also_from_within():
    found = socket.getaddrinfo, socket.socket.connect, dict(socket.socket.__dict__)
    outer, inner = NetworkBlock(), NetworkBlock()
    outer.close()
    inner.close()
    outer.open()
    with pytest.raises(NetworkBlockedError):
        by_connecting()
    inner.open()
    assert (socket.getaddrinfo, socket.socket.connect, dict(socket.socket.__dict__)) == found
    assert outer.refused == []
    assert inner.refused == [f"{ELSEWHERE}:443"]


def test_threads_are_held_too(block):
    seen = []

    def go():
        try:
            by_connecting()
        except NetworkBlockedError as error:
            seen.append(error)

    thread = threading.Thread(target=go)
    thread.start()
    thread.join()
    assert len(seen) == 1


def test_a_test_that_replaces_the_class_of_sockets_meanwhile(monkeypatch):
    found = dict(socket.socket.__dict__)
    block = NetworkBlock()
    block.close()
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", object)
        block.open()
    assert dict(socket.socket.__dict__) == found


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        *[(host, True) for host in ("::ffff:127.0.0.1", "ip6-localhost", "", "a.localhost", b"localhost", "::1%lo")],
        *[(host, False) for host in ("::ffff:192.0.2.1", "localhost.example.com", "192.0.2.1", "127.0.0.1.nip.io")],
    ],
)
def test_how_this_machine_is_spelled(host, expected):
    assert is_here(host) is expected  # not by a look-up, which might ask another machine
