import os
import socket
import threading

import pytest

import ams_sdk
from ams_sdk._client import blocking
from ams_sdk._client.blocking import BlockingHTTP
from ams_sdk._connection import Connection


@pytest.fixture
def trickle():
    """Answers one request with a body that comes byte by byte and never ends."""
    ended = threading.Event()

    def serve(listener):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while not ended.wait(0.01):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        thread.join()


def test_an_answer_that_trickles_is_given_up(trickle, monkeypatch):
    monkeypatch.setattr(blocking, "_LONGEST_ANSWER", 0.2)
    http = BlockingHTTP(Connection(trickle), 10, None)
    with pytest.raises(ams_sdk.PlatformTimeoutError, match=r"did not finish its answer within 0\.2 s"):
        http.request("GET", "/", headers={})
    http.close()


def test_another_process_opens_connections_of_its_own(monkeypatch):
    http = BlockingHTTP(Connection("http://127.0.0.1:9"), 1, None)
    before = http._http
    with pytest.raises(ams_sdk.PlatformUnreachableError):
        http.request("GET", "/", headers={})
    assert http._http is before
    monkeypatch.setattr(os, "getpid", lambda: 1)
    with pytest.raises(ams_sdk.PlatformUnreachableError):
        http.request("GET", "/", headers={})
    assert http._http is not before
    before.close()
    http.close()
