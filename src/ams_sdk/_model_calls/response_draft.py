"""A response that is being assembled from the chunks of a stream, as far as it will be shown."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Final

from ams_sdk._capture.rendering import MAX_KEPT, MAX_TOTAL
from ams_sdk._model_calls.message_part import Part, tool_call
from ams_sdk._model_calls.messages import Cut, Message
from ams_sdk._model_calls.model_response import ModelResponse, id_of, model_of
from ams_sdk._model_calls.shape import text
from ams_sdk._model_calls.token_usage import usage_of

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["ResponseDraft"]

_MAX_PIECES: Final = 500
_MAX_KEPT: Final = 2 * MAX_TOTAL
_GROWING: Final = frozenset({"text", "reasoning", "refusal"})


class _Piece:
    """A part that grows."""

    __slots__ = ("kept", "part", "size", "text")

    def __init__(self, part: Part) -> None:
        self.part = part
        self.text = StringIO()
        self.kept = 0
        self.size = 0

    def add(self, more: str, room: int) -> int:
        """How much of the text was kept."""
        self.size += len(more)
        kept = more[: max(0, min(room, MAX_KEPT - self.kept))]
        self.kept += len(kept)
        self.text.write(kept)
        return len(kept)

    def done(self) -> Part:
        written = self.text.getvalue()
        kind = self.part["type"]
        if kind == "tool_call" and written:
            if len(written) == self.size:
                return tool_call(self.part.get("id"), self.part.get("name"), written)
            return Part({**self.part, "arguments": Cut(written, self.size)})
        return Part({**self.part, "content": Cut(written, self.size)}) if kind in _GROWING else self.part


class _Choice:
    __slots__ = ("last", "pieces", "reason")

    def __init__(self) -> None:
        self.pieces: dict[Hashable, _Piece] = {}
        self.last: _Piece | None = None
        self.reason: str | None = None


class ResponseDraft:
    """What the chunks so far come to. Bounded, however long the stream is.

    Args:
        keeps: whether the content is kept; if not, only what is said about it.
    """

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self._choices: dict[int, _Choice] = {}
        self._pieces = _MAX_PIECES
        self._room = _MAX_KEPT
        self._about = ModelResponse()
        self._final: ModelResponse | None = None

    def response(self) -> ModelResponse:
        """What it came to."""
        if self._final is not None:
            return self._final
        found, self._about = self._about, ModelResponse()
        for _, choice in sorted(self._choices.items()):
            found.messages.append(Message("assistant", [piece.done() for piece in choice.pieces.values()]))
            found.reasons.append(choice.reason)
        return found

    def learn(self, chunk: object) -> None:
        """Read what a chunk says of the whole response."""
        self._about.id = self._about.id or id_of(chunk)
        self._about.model = self._about.model or model_of(chunk)
        self._about.usage.update(usage_of(chunk))

    def stopped(self, index: int, reason: str | None) -> None:
        """Say why a choice ended."""
        if reason:
            self._choice(index).reason = reason

    def grow(self, index: int, kind: str, more: str) -> None:
        """Let the text or the reasoning of a choice go on; a new part begins if something else came between."""
        if self.keeps and more:
            choice = self._choice(index)
            last = choice.last
            if last is None or last.part["type"] != kind:
                last = self._piece(choice, (kind, len(choice.pieces)), Part(type=kind))
            self._room -= last.add(more, self._room)

    def take(self, index: int, parts: list[Part]) -> None:
        """Add parts to a choice: texts go on, anything else is whole."""
        for part in parts:
            content = part.get("content")
            if type(content) is str and part["type"] in _GROWING:
                self.grow(index, str(part["type"]), content)
            elif self.keeps:
                choice = self._choice(index)
                self._piece(choice, ("whole", len(choice.pieces)), part)

    def begin(self, index: int, key: Hashable, part: Part) -> None:
        """Begin a part that is to be extended."""
        if self.keeps:
            self._piece(self._choice(index), key, part)

    def call(self, index: int, key: Hashable, identity: object, name: object) -> None:
        """Begin a call of a tool, or say more of it."""
        if self.keeps:
            piece = self._piece(self._choice(index), key, Part(type="tool_call", name=""))
            if (known := text(identity)) is not None:
                piece.part["id"] = known
            if known := text(name):
                piece.part["name"] = known

    def extend(self, index: int, key: Hashable, more: str | None) -> None:
        """Let the text of a part go on that was begun under this key."""
        choice = self._choices.get(index)
        if more and choice is not None and (piece := choice.pieces.get(key)) is not None:
            self._room -= piece.add(more, self._room)

    def end(self, response: ModelResponse) -> None:
        """Take a whole response in place of all that was assembled."""
        self._final = response
        self._choices.clear()

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = _Choice()
            if len(self._choices) < _MAX_PIECES:
                self._choices[index] = choice
        return choice

    def _piece(self, choice: _Choice, key: Hashable, part: Part) -> _Piece:
        piece = choice.pieces.get(key)
        if piece is None:
            piece = _Piece(part)
            if self._pieces > 0:
                self._pieces -= 1
                choice.pieces[key] = piece
        choice.last = piece
        return piece
