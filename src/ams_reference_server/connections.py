"""One connection of a client: HTTP/1.1 by uvicorn and httptools, made safe against clients that are slow or hostile.

Uvicorn waits without end for a client that sends slowly or does not read its answer, httptools keeps headers of any
size, and both report a client's mistake in plain text and in the log. Here each of these has a limit, and every refusal
is a problem document.
"""

from __future__ import annotations

import logging
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ams_reference_server import request_head
from ams_reference_server.answer_transports import JoiningTransport, PatientTransport
from ams_reference_server.errors import (
    HeadersTooLargeError,
    MalformedError,
    RequestError,
    RequestTimeoutError,
    UnavailableError,
)
from ams_reference_server.refusals import refusal

if TYPE_CHECKING:
    import asyncio
    from typing import Any

    from uvicorn import Config
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState

__all__ = ["Connection", "ConnectionLimits", "connections_within"]

_HEAD_BYTES: Final = 64 * 1024
_HEADERS: Final = 200
_MOST_WAITING: Final = 32  # requests that a client may send before their turn
_LINGER_SECONDS: Final = 1.0
_MOST_THROWN_AWAY: Final = 8 * 1024**2  # bytes that a client may go on sending after its answer
_MOST_TURNED_AWAY: Final = 32  # at once; they hold descriptors that the limit of connections does not count
_OFFER: Final = frozenset({b"connection", b"upgrade", b"http2-settings"})

logger = logging.getLogger(__name__)


class ConnectionLimits(NamedTuple):
    """How many connections there may be, and for how many seconds one waits for its client."""

    connections: int
    header_timeout: float
    body_timeout: float
    send_timeout: float


class _Stage(Enum):
    IDLE = auto()  # nothing of a request has come
    HEAD = auto()
    BODY = auto()


class _TooManyWaitingError(Exception):
    """The client sends one request after the other and does not wait for answers."""


class Connection(HttpToolsProtocol):
    """One connection; ``check`` has to be called every now and then."""

    limits: ClassVar[ConnectionLimits]
    turned_away: ClassVar[set[Connection]]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._stage = _Stage.HEAD  # whoever connects means to send a request
        self._has_begun = False  # whether some of this request has come
        self._since = self.loop.time()
        self._head_size = 0
        self._pending = 0  # bytes that the parser may hold without having told of them
        self._before: RequestResponseCycle | None = None  # the request before that of ``cycle``
        self._is_deaf = False  # what still comes is thrown away
        self._thrown_away = 0
        self._method: bytes | None = None  # the one that was sent, where the parser does not know it
        self._lingers = False
        self._unsent = 0
        self._unsent_since = self._since

    # --- the transport's calls ---

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take the connection, or turn it away when there are too many."""
        if len(self.connections) < self.limits.connections:
            super().connection_made(transport)
            return
        self.transport = transport
        self.flow = FlowControl(transport)
        if len(self.turned_away) >= _MOST_TURNED_AWAY:
            transport.abort()
            return
        self.turned_away.add(self)
        self._answer(UnavailableError("There are too many connections. Try again in a moment."))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.turned_away.discard(self)
        self._is_deaf = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; the callbacks below do the rest."""
        if self._is_deaf:
            self._thrown_away += len(data)
            if self._thrown_away > _MOST_THROWN_AWAY:
                self._end_linger()
            return
        self._unset_keepalive_if_required()
        if self._stage is _Stage.IDLE:
            self._stage, self._since = _Stage.HEAD, self.loop.time()
        if not self._has_begun:
            self._pending = 0
            data, self._method = request_head.with_known_method(data)
        self._pending += len(data)
        before = self._pending
        try:
            self._feed(data)
        except httptools.HttpParserCallbackError as error:
            self._stop(error.__context__)
        except httptools.HttpParserError as error:
            self._stop(error)
        else:
            # A callback that took bytes out of the parser has set the count back; what it took is limited there.
            if self._has_begun and self._pending == before > _HEAD_BYTES:
                self._refuse(HeadersTooLargeError())

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # The parser takes the rest for another protocol. No other is spoken here, and a server may ignore the offer
            # (RFC 9110, section 7.8): the request is parsed once more, without it.
            head = [b"%s %s HTTP/1.1\r\n" % (self.parser.get_method(), self.url), b"connection: close\r\n"]
            head += [b"%s: %s\r\n" % entry for entry in self.headers if entry[0] not in _OFFER]
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(b"".join([*head, b"\r\n", data[upgrade.args[0] :]]))

    # --- the parser's calls ---

    def on_message_begin(self) -> None:
        """Begin a request."""
        if len(self.pipeline) >= _MOST_WAITING:
            raise _TooManyWaitingError
        if self._stage is _Stage.IDLE:
            self._stage, self._since = _Stage.HEAD, self.loop.time()
            self._pending = 0
        self._has_begun = True
        self._head_size = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one that follows the body is left out, as nobody here asks for it (RFC 9110, 6.5.1)."""
        self._count(len(name) + len(value) + 4)
        if self._stage is not _Stage.BODY:
            super().on_header(name, value)

    def _count(self, size: int) -> None:
        self._head_size += size
        if self._head_size > _HEAD_BYTES or len(self.headers) >= _HEADERS:
            raise HeadersTooLargeError

    def on_headers_complete(self) -> None:
        """Check the head as a whole, and start to serve the request."""
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            return
        version = self.parser.get_http_version()
        self.url, authority = request_head.origin_form(self.parser.get_method(), self.url)
        has_body = request_head.check(version, self.headers)
        if authority is not None:  # it counts instead of the header (RFC 9112, section 3.2.2)
            self.headers[:] = [(b"host", authority), *(entry for entry in self.headers if entry[0] != b"host")]
        earlier = self._newest
        super().on_headers_complete()
        if self._method is not None:
            self.scope["method"] = self._method.decode("ascii")
        self.cycle.keep_alive = version == "1.1" and self.parser.should_keep_alive()
        self._before = earlier
        self._stage, self._since, self._pending = _Stage.BODY, self.loop.time(), 0
        self.cycle.transport = (
            PatientTransport(self.transport, self.linger) if has_body else JoiningTransport(self.transport, self.loop)
        )

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._pending = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request; another may follow."""
        if self._stage is _Stage.BODY:
            self._stage, self._has_begun = _Stage.IDLE, False
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, unless this was the last one."""
        if not self._lingers:
            super().on_response_complete()

    @property
    def _newest(self) -> RequestResponseCycle | None:
        return self.cycle  # uvicorn's type leaves out that there is none before the first request

    # --- clients that take too long ---

    def check(self, now: float) -> None:
        """End what takes the client too long.

        Args:
            now: the event loop's time.
        """
        if self._is_stalled(now):
            self.transport.abort()
        elif self._is_deaf or self._stage is _Stage.IDLE or self.transport.is_closing():
            return
        elif self.flow.read_paused or (self._stage is _Stage.BODY and self.cycle.waiting_for_100_continue):
            self._since = now  # it is the server that is slow
        elif now - self._since > (
            self.limits.header_timeout if self._stage is _Stage.HEAD else self.limits.body_timeout
        ):
            if self._has_begun:
                self._refuse(RequestTimeoutError())
            else:
                self.transport.close()

    def _is_stalled(self, now: float) -> bool:
        unsent = self.transport.get_write_buffer_size()
        is_final = self.flow.write_paused or self._lingers or self.transport.is_closing()
        # While an answer is written and not held back, the buffer can grow though the client reads.
        may_grow = not is_final and self._newest is not None and not self._newest.response_complete
        if unsent == 0 or unsent < self._unsent or may_grow:
            self._unsent_since = now
        self._unsent = unsent
        return now - self._unsent_since > self.limits.send_timeout

    def resume_writing(self) -> None:
        """Note that the client has read."""
        self._unsent_since = self.loop.time()
        super().resume_writing()

    # --- refusals ---

    def _stop(self, reason: BaseException | None) -> None:
        if isinstance(reason, _TooManyWaitingError):
            self._close_after(self.cycle)
        elif isinstance(reason, RequestError):
            self._refuse(reason)
        else:
            if not isinstance(reason, (httptools.HttpParserError, UnicodeError)):
                logger.error("A request could not be taken.", exc_info=reason)
            self._refuse(MalformedError("The request is not well-formed HTTP/1.1 (RFC 9112)."))

    def _refuse(self, error: RequestError) -> None:
        """Answer instead of the application, when all that was asked before is answered, and close."""
        broken = self.cycle if self._stage is _Stage.BODY else None
        earlier = self._before if broken else self._newest
        if earlier is not None and not earlier.response_complete:
            self._close_after(earlier)
        elif broken is not None and broken.response_started:
            self.linger()
        else:
            if broken is not None:
                broken.disconnected = True
                broken.message_event.set()
            self._answer(error, broken)

    def _close_after(self, cycle: RequestResponseCycle) -> None:
        self._is_deaf = True
        if cycle.response_complete:
            self.linger()
        else:
            cycle.keep_alive = False
            if isinstance(cycle.transport, JoiningTransport):
                cycle.transport.flush()
            cycle.transport = PatientTransport(self.transport, self.linger)

    def _answer(self, error: RequestError, broken: RequestResponseCycle | None = None) -> None:
        scope = broken.scope if broken else None
        name, answer = refusal(error, scope, self.headers or [], self.server_state.default_headers)
        self.transport.write(answer)
        logger.debug("Refused: %s %s", error.status, error.code, extra={"request_id": name})
        self.linger()

    def linger(self) -> None:
        """Close, but not before the client has had time to read what was written.

        The kernel answers data that nobody reads with a reset, which makes the client lose the answer (RFC 9112,
        section 9.6).
        """
        if self._lingers or self.transport.is_closing():
            return
        self._is_deaf = self._lingers = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.loop.call_later(_LINGER_SECONDS, self._end_linger)

    def _end_linger(self) -> None:
        if self in self.turned_away:
            self.transport.abort()
        else:
            self.transport.close()


def connections_within(limits: ConnectionLimits) -> type[Connection]:
    """The class of the connections of one server."""
    return type("LimitedConnection", (Connection,), {"limits": limits, "turned_away": set()})
