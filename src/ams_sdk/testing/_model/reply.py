"""An answer on its way to a provider's words, and what those words have to be able to say."""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from ams_sdk.testing._model.step import ModelToolCall, ModelUsage
from ams_sdk.testing._model.usage import input_tokens, output_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ams_sdk.testing._model.document import Refused
    from ams_sdk.testing._model.model_request import Api, ModelRequest
    from ams_sdk.testing._model.step import Piece, Turn

__all__ = ["CREATED", "Dialect", "Event", "Identifiers", "Reply", "reply_to", "server_sent"]

CREATED: Final = 1_767_225_600
"""When every answer is said to have been made (2026-01-01): what tests print does not change with the clock."""
_models = itertools.count(1)


class Event(NamedTuple):
    """One event of a stream (WHATWG HTML, 9.2): its name if it has one, its data, and the seconds before it."""

    name: str | None
    data: Mapping[str, object] | str
    after: float = 0.0


class Identifiers:
    """Ids that no other fake model of this process gives, and that are the same in each run.

    An instrumentor may know by an id what it has seen already.
    """

    def __init__(self) -> None:
        self._model = next(_models)
        self._next: dict[str, int] = {}
        self._lock = threading.Lock()

    def new(self, prefix: str) -> str:
        """The next id with a prefix, such as ``call_``."""
        with self._lock:
            number = self._next[prefix] = self._next.get(prefix, 0) + 1
        return f"{prefix}fake{self._model}x{number:04}"


@dataclass(frozen=True, slots=True)
class Reply:
    """A turn of the script as the answer to a request: its tool calls have ids, its tokens are counted."""

    request: ModelRequest
    turn: Turn
    pieces: tuple[Piece, ...]
    usage: ModelUsage
    ids: Identifiers
    request_id: str

    @property
    def calls(self) -> list[ModelToolCall]:
        """The tool calls in it."""
        return [piece for piece in self.pieces if isinstance(piece, ModelToolCall)]

    @property
    def breaks_off(self) -> bool:
        """Whether its stream ends without its end."""
        return self.turn.is_cut or self.turn.failure is not None


class Dialect(Protocol):
    """The words of one provider's interface."""

    @property
    def api(self) -> Api:
        """Its name."""
        ...

    def read(self, document: Mapping[str, object]) -> ModelRequest:
        """What a request asks.

        Raises:
            Refused: the provider would not take it.
        """
        ...

    def whole(self, reply: Reply) -> dict[str, object]:
        """An answer as one document."""
        ...

    def events(self, reply: Reply) -> Iterator[Event]:
        """The same as a stream; one that breaks off or fails leaves out its end."""
        ...

    def refusal(self, refused: Refused, request_id: str, /) -> dict[str, object]:
        """An error as a document."""
        ...


def reply_to(request: ModelRequest, turn: Turn, ids: Identifiers, request_id: str = "") -> Reply:
    """What the script says, made an answer to a request."""
    prefix = "toolu_" if request.api == "anthropic.messages" else "call_"
    pieces = tuple(
        replace(piece, call_id=ids.new(prefix)) if isinstance(piece, ModelToolCall) and not piece.call_id else piece
        for piece in turn.pieces
    )
    spoken, thought = output_tokens(pieces)
    usage = turn.usage or ModelUsage(input_tokens(request), spoken, reasoning_tokens=thought)
    return Reply(request, turn, pieces, usage, ids, request_id)


def server_sent(events: Iterable[Event]) -> Iterator[tuple[bytes, float]]:
    """Events as they stand in a stream (WHATWG HTML, 9.2), each with the seconds before it."""
    for name, data, after in events:
        head = f"event: {name}\n" if name else ""
        # JSON in ASCII has no line break in it, and half of a surrogate pair is no problem.
        line = data if isinstance(data, str) else json.dumps(data)
        yield f"{head}data: {line}\n\n".encode(), after
