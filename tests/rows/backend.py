"""A backend on loopback: a real HTTP server that keeps what is sent to it, or takes requests and never answers."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.rows.subject import Subject

__all__ = ["Backend", "hanging"]

# What langsmith asks before it sends, to learn how; the batches are JSON then.
_LIMITS = {
    "use_multipart_endpoint": False,
    "size_limit": 100,
    "size_limit_bytes": 1_000_000,
    "scale_up_nthreads_limit": 4,
    "scale_up_qsize_trigger": 1_000,
    "scale_down_nempty_trigger": 4,
}
_INFO = json.dumps({"version": "0.1.0", "batch_ingest_config": _LIMITS}).encode()


class Backend(ThreadingHTTPServer):
    """Keeps the spans of one SDK.

    Args:
        subject: the SDK.
        address: host and port; a free port if it is not given.
    """

    daemon_threads = True

    def __init__(self, subject: Subject, address: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        super().__init__(address, _Handler)
        self._subject = subject
        self._changed = threading.Condition()
        self._spans: list[tuple[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()

    def take(self, path: str, body: bytes) -> None:
        """Keep what is in a request."""
        found = self._subject.arrived(path, body)
        with self._changed:
            self._spans += found
            self._changed.notify_all()

    def ids(self, word: str) -> list[str]:
        """The ids of the spans that have arrived and say this word, as often as they have."""
        with self._changed:
            return [identity for identity, text in self._spans if word in text]

    def wait_for(self, word: str, seconds: float) -> bool:
        """Whether a span that says this word arrives in time."""
        with self._changed:
            return self._changed.wait_for(lambda: any(word in text for _, text in self._spans), seconds)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer(_INFO)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.take(self.path, body)
        # OTLP in protobuf: an empty message says that all is well.
        self._answer(b"{}" if "json" in (self.headers.get("content-type") or "") else b"")

    do_PATCH = do_POST  # noqa: N815 -- the name that http.server looks for

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json" if body else "application/x-protobuf")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        pass


@contextmanager
def hanging():
    """The address of a backend that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
