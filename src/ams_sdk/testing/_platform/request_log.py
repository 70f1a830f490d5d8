"""What the platform was asked, and what it answered: for assertions, and for a person whose test failed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from ams_sdk.testing._platform import otlp
from ams_sdk.testing._platform.captured import as_captured
from ams_sdk.testing._platform.failures import plain, printable
from ams_sdk.testing._platform.refusals import Refusal
from ams_sdk.testing._platform.routes import OperationName, operation_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = ["AnsweredBy", "PlatformRequest", "RequestHeaders", "RequestLog"]

AnsweredBy = Literal["platform", "stub", "fault"]
"""Who gave an answer."""

_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
_MOST_KEPT: Final = 10_000
_MOST_ROWS: Final = 20


class RequestHeaders(Mapping[str, str]):
    """Headers by their names, whose case does not matter; what was sent twice is joined with a comma."""

    def __init__(self, headers: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in headers:
            known = self._values.get(name.lower())
            self._values[name.lower()] = value if known is None else f"{known}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        shown = {name: "[redacted]" if name in _SECRET_HEADERS else value for name, value in self._values.items()}
        return f"RequestHeaders({shown})"


@dataclass(frozen=True, slots=True, repr=False)
class PlatformRequest:
    """A request that the platform got, and what became of it.

    Attributes:
        number: counted from 1.
        operation: what was asked for; None if the contract does not know it.
        method: of HTTP.
        path: decoded.
        query: its parameters, decoded.
        headers: as they came.
        body: as it came; empty where it was not read, as of a stranger.
        status: of the answer; None if none was given.
        account: the e-mail address of whose it is, or who logged in or registered with it.
        at: when it came, by the platform's clock.
        answered_by: the platform itself, a stub or a fault.
        note: why it was refused, or which fault it met.
        host: whom it was meant for, as the header Host says.
        is_elsewhere: it was meant for another host than this platform.
    """

    number: int
    operation: OperationName | None
    method: str
    path: str
    query: Mapping[str, str]
    headers: RequestHeaders
    body: bytes
    status: int | None
    account: str | None
    at: datetime
    answered_by: AnsweredBy = "platform"
    note: str = ""
    host: str = ""
    is_elsewhere: bool = False

    @property
    def json(self) -> Any:  # noqa: ANN401 -- any JSON value
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @property
    def spans(self) -> tuple[CapturedSpan, ...]:
        """The spans that it brought, whatever became of them."""
        if self.operation != "export_traces":
            return ()
        try:
            body = otlp.unpack(self.body, self.headers.get("content-encoding", "").strip().lower())
            batch = otlp.decode(body, self.headers.get("content-type", "").partition(";")[0].strip().lower())
        except Refusal:
            return ()
        return tuple(map(as_captured, batch.spans))

    def __repr__(self) -> str:
        by = f" by {self.account}" if self.account else ""
        note = f" ({printable(self.note)})" if self.note else ""
        asked = f"{self.method} {plain(self.path)}"
        return f"<#{self.number} {asked} -> {self.status or 'no answer'} {self.operation or 'unknown'}{by}{note}>"


class RequestLog(Sequence[PlatformRequest]):
    """The requests in the order in which they were answered; of very many, the last ten thousand."""

    def __init__(self, requests: Sequence[PlatformRequest] = ()) -> None:
        self._kept = list(requests)
        self._count = len(self._kept)
        self._lock = threading.Lock()
        self._watchers: list[Callable[[PlatformRequest], None]] = []

    @overload
    def __getitem__(self, index: int) -> PlatformRequest: ...
    @overload
    def __getitem__(self, index: slice) -> RequestLog: ...
    def __getitem__(self, index: int | slice) -> PlatformRequest | RequestLog:
        with self._lock:
            if isinstance(index, slice):
                return RequestLog(self._kept[index])
            return self._kept[index]

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[PlatformRequest]:
        with self._lock:
            return iter(list(self._kept))

    def of(self, operation: OperationName) -> RequestLog:
        """The requests for one operation.

        Raises:
            ConfigurationError: there is no such operation.
        """
        name = operation_of(operation).name
        return RequestLog([request for request in self if request.operation == name])

    def last(self, operation: OperationName | None = None) -> PlatformRequest:
        """The last request, or the last for one operation.

        Raises:
            LookupError: there was none.
        """
        found = self if operation is None else self.of(operation)
        if not found:
            what = f"was asked for {operation!r}" if operation else "got any request"
            raise LookupError(f"The platform never {what}. It got:\n{self}")
        return found[-1]

    def watch(self, watcher: Callable[[PlatformRequest], None]) -> None:
        """Call this with every request from now on."""
        self._watchers.append(watcher)

    def add(self, make: Callable[[int], PlatformRequest]) -> None:
        """Keep a request, which is told its number."""
        with self._lock:
            self._count += 1
            request = make(self._count)
            self._kept.append(request)
            del self._kept[:-_MOST_KEPT]
        for watcher in self._watchers:
            watcher(request)

    def clear(self) -> None:
        """Forget them all; the next is number 1 again."""
        with self._lock:
            self._kept.clear()
            self._count = 0

    def rows(self) -> list[str]:
        """A line for each of the last requests, with a heading."""
        requests = list(self)
        if not requests:
            return ["(no request)"]
        cells = [("#", "status", "operation", "request", "account", "note")]
        cells += [_cells(request) for request in requests[-_MOST_ROWS:]]
        widths = [max(len(row[column]) for row in cells) for column in range(6)]
        lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells]
        if len(requests) > _MOST_ROWS:
            lines.insert(1, f"({len(requests) - _MOST_ROWS} earlier ones)")
        return [line.rstrip() for line in lines]

    def __str__(self) -> str:
        return "\n".join(self.rows())

    def __repr__(self) -> str:
        return f"<RequestLog of {len(self)}>\n{self}"


def _cells(request: PlatformRequest) -> tuple[str, str, str, str, str, str]:
    note = request.note if len(request.note) <= 100 else f"{request.note[:99]}…"  # noqa: PLR2004 -- a line's length
    path = plain(request.path)
    path = path if len(path) <= 60 else f"{path[:59]}…"  # noqa: PLR2004 -- the same
    return (
        str(request.number),
        "-" if request.status is None else str(request.status),
        request.operation or "-",
        f"{request.method} {path}",
        request.account or "-",
        printable(note),
    )
