"""A request and what is to become of it, as values: an application that answers them needs no socket.

A response also says how it ends, so that what goes wrong on a network can be had in process and on a real port alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Application", "Chunk", "Ending", "Request", "Response", "parts"]

Ending = Literal["complete", "no_answer", "mid_headers", "mid_body", "hang"]
"""How an answer ends: whole; cut off before its first byte, within its head, or within its body; or never."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks.

    Attributes:
        method: the HTTP method, as sent.
        target: path and query, percent-encoded as sent (RFC 9112, 3.2.1).
        headers: names in lower case, in the order in which they came; values decoded as Latin-1, so nothing is lost.
        body: what was read of it.
        is_cut: the body is longer than the application wanted to read.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    is_cut: bool = False

    @property
    def path(self) -> str:
        """The target without its query, percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What stands after the first question mark, percent-encoded."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The last value of a header; None if it was not sent."""
        found = self.headers_named(name)
        return found[-1] if found else None

    def headers_named(self, name: str) -> list[str]:
        """Each value of a header."""
        wanted = name.lower()
        return [value for sent, value in self.headers if sent == wanted]


class Chunk(NamedTuple):
    """A part of a body that is sent by itself, so many seconds after the one before."""

    data: bytes
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Response:
    """What a client gets.

    Attributes:
        status: the HTTP status.
        headers: without ``Content-Length`` and ``Transfer-Encoding``, which follow from the body.
        body: bytes, or chunks that are sent as they come; an iterator of them is closed when the client leaves.
        delay: seconds before the first byte.
        ending: how it ends.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Iterable[Chunk] = field(default=b"", repr=False)
    delay: float = 0.0
    ending: Ending = "complete"

    @property
    def is_streamed(self) -> bool:
        """Whether the body comes in chunks of an unknown number."""
        return not isinstance(self.body, bytes)


def parts(response: Response) -> Iterator[Chunk]:
    """What is sent of a body; of one in bytes that breaks off, the first half."""
    if isinstance(response.body, bytes):
        whole = response.ending == "complete"
        yield Chunk(response.body if whole else response.body[: len(response.body) // 2])
    else:
        yield from response.body


class Application(Protocol):
    """What answers; called by several threads at once when it is on a port."""

    def body_limit(self, head: Request, /) -> int:
        """How many bytes of a request's body are read; what is longer comes cut."""
        ...

    def answer(self, request: Request, /) -> Response:
        """The answer to a request."""
        ...
