"""A real HTTP server on loopback that takes spans, as badly as a test wants."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Sink(ThreadingHTTPServer):
    """``answers`` are given in turn, the last for ever: a status, or a status with headers and body, or a callable.

    Paths that are in ``by_path`` have an answer of their own.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[object] = [200]
        self.by_path: dict[str, object] = {}
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.arrived = threading.Condition()
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def spans(self):
        found = []
        for headers, body in self.requests:
            if headers["path"] != "/v1/traces":
                continue
            plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
            request = ExportTraceServiceRequest.FromString(plain)
            found += [span for rs in request.resource_spans for ss in rs.scope_spans for span in ss.spans]
        return found

    def wait_for(self, requests: int) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.requests) >= requests, 10)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        sink = self.server
        body = self.rfile.read(int(self.headers["content-length"]))
        with sink.arrived:
            answer = sink.by_path.get(self.path)
            if answer is None:
                answer = sink.answers[0] if len(sink.answers) == 1 else sink.answers.pop(0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            sink.requests.append((headers | {"path": self.path}, body))
            sink.arrived.notify_all()
        if callable(answer):
            answer(self)
            return
        status, headers, content = answer if isinstance(answer, tuple) else (answer, {}, b"")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_) -> None:
        pass


def hang(handler) -> None:
    handler.server.released.wait(30)
    handler.close_connection = True


def disconnect(handler) -> None:
    handler.close_connection = True


def cut_short(handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"abc")
    handler.close_connection = True


def partial(rejected: int) -> tuple[int, dict[str, str], bytes]:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = "not these"
    return 200, {"Content-Type": "application/x-protobuf"}, response.SerializeToString()
