"""An application on a port of this machine: HTTP/1.1 by h11, a thread for each connection.

Only for tests: it binds to loopback, takes as many connections as come, and waits for slow clients.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from typing import TYPE_CHECKING, Final, Literal

import h11

from ams_sdk.testing._http.messages import Request, Response, parts

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from ams_sdk.testing._http.messages import Application

__all__ = ["LoopbackServer"]

_READ_BYTES: Final = 65_536
_LINGER_SECONDS: Final = 2.0
"""So long a client may take to notice that what it still sends is not read."""
_LINGER_BYTES: Final = 16 * 1024 * 1024
"""So much it may send until then; one that would send for ever is cut off."""
_CUT_HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Ty"
_FAILED: Final = Response(500, (("content-type", "text/plain"),), b"The application of a test server failed.")
_NOT_HTTP: Final = Response(400, (("content-type", "text/plain"),), b"This is no HTTP/1.1 request.")


class LoopbackServer:
    """Serve an application on 127.0.0.1 while the ``with`` block runs, or from ``start()`` to ``stop()``.

    Args:
        application: what answers.
        port: which port; 0 takes a free one.

    Attributes:
        failures: what the application has raised; each was answered with 500.
    """

    def __init__(self, application: Application, *, port: int = 0) -> None:
        self._application = application
        self._wanted = port
        self._listener: socket.socket | None = None
        self._wake: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._lock = threading.Lock()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._stopping = threading.Event()
        self.failures: list[Exception] = []

    @property
    def port(self) -> int:
        """The port that it listens on.

        Raises:
            RuntimeError: it was not started.
        """
        if self._listener is None:
            raise RuntimeError("The server listens nowhere: call start(), or use it in a with block.")
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Listen; once this returns, a client can connect.

        Raises:
            OSError: the port is taken.
        """
        self._stopping.clear()
        self._listener = socket.create_server(("127.0.0.1", self._wanted), backlog=128)
        self._listener.settimeout(0)
        heard, self._wake = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, args=(self._listener, heard), daemon=True)
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close every connection and end every thread."""
        if self._listener is None or self._wake is None or self._acceptor is None:
            return
        self._stopping.set()
        self._wake.close()
        self._acceptor.join()
        with self._lock:
            left = dict(self._open)
        for connection in left:
            with contextlib.suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)
        for thread in left.values():
            thread.join()
        self._listener = self._wake = self._acceptor = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        self.stop()

    def _accept(self, listener: socket.socket, heard: socket.socket) -> None:
        with listener, heard, selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(heard, selectors.EVENT_READ)
            while not self._stopping.is_set():
                if any(key.fileobj is listener for key, _ in selector.select()):
                    with contextlib.suppress(OSError):  # the client has left already
                        self._welcome(listener.accept()[0])

    def _welcome(self, connection: socket.socket) -> None:
        connection.settimeout(None)
        # Without it the second of two small writes waits for the client's delayed acknowledgement, some 40 ms.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
        with self._lock:
            self._open[connection] = thread
        thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError):  # the client has left
                exchange = _Connection(connection, self._stopping)
                while not self._stopping.is_set() and exchange.is_reusable():
                    request = exchange.read(self._application)
                    if request is None:
                        return
                    exchange.write(_NOT_HTTP if request == "malformed" else self._answer(request))
                exchange.linger()
        finally:
            with self._lock:
                del self._open[connection]

    def _answer(self, request: Request) -> Response:
        try:
            return self._application.answer(request)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test that stops the server is told
            self.failures.append(error)
            return _FAILED


class _Connection:
    """One connection and the state of HTTP on it."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._socket = connection
        self._stopping = stopping
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_READ_BYTES)
        self._method = b""
        self._ended = False

    def is_reusable(self) -> bool:
        """Whether another request can come on it; h11 is made ready for it."""
        if self._ended:
            return False
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return self._http.our_state is h11.IDLE

    def read(self, application: Application) -> Request | Literal["malformed"] | None:
        """The next request; None when the client has left, ``"malformed"`` for what is no HTTP."""
        try:
            head = self._event()
            if not isinstance(head, h11.Request):
                return None
            self._method = head.method
            request = Request(
                head.method.decode("latin-1"),
                head.target.decode("latin-1"),
                tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers),
            )
            body, is_cut = self._body(request, application.body_limit(request))
        except h11.RemoteProtocolError:
            return "malformed"
        return Request(request.method, request.target, request.headers, body, is_cut)

    def write(self, response: Response) -> None:
        """Answer, in the way in which the response ends."""
        if response.delay:
            self._stopping.wait(response.delay)
        self._ended = response.ending != "complete"
        if response.ending == "hang":
            while self._socket.recv(_READ_BYTES):
                pass  # until the client gives up, or the server stops
        elif response.ending == "mid_headers":
            self._socket.sendall(_CUT_HEAD)
        elif response.ending != "no_answer":
            self._write_body(response)

    def linger(self) -> None:
        """Let the client read its answer: a socket that closes with bytes unread resets the connection."""
        self._socket.shutdown(socket.SHUT_WR)
        self._socket.settimeout(_LINGER_SECONDS)
        left = _LINGER_BYTES
        while left > 0 and (data := self._socket.recv(_READ_BYTES)):
            left -= len(data)

    def _body(self, head: Request, limit: int) -> tuple[bytes, bool]:
        announced = head.header("content-length")
        if announced is not None and int(announced) > limit:
            return b"", True
        body = bytearray()
        while isinstance(event := self._event(), h11.Data):
            body += event.data
            if len(body) > limit:
                return bytes(body[:limit]), True
        return bytes(body), False

    def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(self._socket.recv(_READ_BYTES))
        return event

    def _write_body(self, response: Response) -> None:
        headers = list(response.headers)
        if isinstance(response.body, bytes):
            if response.body or response.status not in {204, 304}:
                headers.append(("content-length", str(len(response.body))))
        elif response.ending == "complete":
            headers.append(("transfer-encoding", "chunked"))
        self._send(h11.Response(status_code=response.status, headers=headers))
        if self._method == b"HEAD":
            self._send(h11.EndOfMessage())
            return
        for data, after in parts(response):
            if after and self._stopping.wait(after):
                return
            if data:
                self._send(h11.Data(data=data))
        if response.ending == "complete":
            self._send(h11.EndOfMessage())

    def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._socket.sendall(data)
