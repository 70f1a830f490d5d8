"""What a scripted model says: each step is one answer, and these are the words for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, cast

from ams_sdk._errors import ConfigurationError

__all__ = [
    "Failure",
    "FinishReason",
    "ModelToolCall",
    "ModelUsage",
    "Piece",
    "Refusal",
    "Step",
    "StepLike",
    "Text",
    "Thinking",
    "Turn",
    "UsageLike",
    "as_step",
]

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
"""Why a model stopped, in OpenAI's words; Anthropic's endpoint says the same in its own."""
Ending = Literal["hang", "no_answer", "mid_headers", "mid_body"]

FINISH_REASONS: Final = ("stop", "length", "tool_calls", "content_filter")
_DELTA_CHARACTERS: Final = 8
_words = re.compile(r"\s*\S+\s*|\s+").findall


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """Tokens of a call, or of many.

    Attributes:
        input_tokens: all of what was sent, with what came from a cache.
        output_tokens: all of what was answered, with what was only thought.
        cached_tokens: so many of the input came from a cache.
        reasoning_tokens: so many of the output were only thought.

    Raises:
        ConfigurationError: a number is negative, or a part is more than its whole.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __post_init__(self) -> None:
        if min(self.input_tokens, self.output_tokens, self.cached_tokens, self.reasoning_tokens) < 0:
            raise ConfigurationError(f"Tokens are counted from 0 on, not as in {self}.")
        if self.cached_tokens > self.input_tokens or self.reasoning_tokens > self.output_tokens:
            raise ConfigurationError(
                f"cached_tokens are part of input_tokens, and reasoning_tokens of output_tokens; not so in {self}."
            )

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: ModelUsage) -> ModelUsage:
        return ModelUsage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class Text:
    """Something said; ``deltas`` is how a stream cuts it."""

    text: str
    deltas: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Text:
        """A text that a stream sends word by word."""
        return cls(text, tuple(cast("list[str]", _words(text))))


@dataclass(frozen=True, slots=True)
class Thinking(Text):
    """Something thought; Anthropic signs it. Of chat completions, which do not show it, only its tokens are seen."""

    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal(Text):
    """The model does not want to."""


@dataclass(frozen=True, slots=True)
class ModelToolCall:
    """A tool that the model wants to have called.

    Attributes:
        name: the tool.
        arguments_json: its arguments as the model writes them, which need not be JSON.
        call_id: what the result will refer to; None in a script means that one is made.
    """

    name: str
    arguments_json: str
    call_id: str | None = None
    delta_characters: int = field(default=_DELTA_CHARACTERS, repr=False)

    @property
    def arguments(self) -> dict[str, object]:
        """The arguments, decoded.

        Raises:
            ValueError: they are no JSON object.
        """
        decoded: object = json.loads(self.arguments_json or "{}")
        if not isinstance(decoded, dict):
            raise ValueError(f"The arguments of {self.name} are no JSON object: {self.arguments_json}")  # noqa: TRY004 -- JSON of another kind, not an object of another type
        return cast("dict[str, object]", decoded)

    @property
    def deltas(self) -> tuple[str, ...]:
        """The arguments as a stream cuts them: anywhere, in the middle of an escape too."""
        whole, size = self.arguments_json, self.delta_characters
        return tuple(whole[start : start + size] for start in range(0, len(whole), size))


Piece = Text | Thinking | Refusal | ModelToolCall
UsageLike = ModelUsage | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is none: an error status, or a connection that breaks off (``ending``)."""

    status: int = 500
    message: str = ""
    code: str | None = None
    retry_after: float | None = None
    ending: Ending | None = None

    def __repr__(self) -> str:
        if self.ending is not None:
            return "error.timeout()" if self.ending == "hang" else f"error.disconnect({self.ending!r})"
        given = f", {self.message!r}" if self.message else ""
        code = f", code={self.code!r}" if self.code else ""
        after = f", retry_after={self.retry_after:g}" if self.retry_after is not None else ""
        return f"error({self.status}{given}{code}{after})"


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of the model: what it says, in turn.

    Attributes:
        delay: seconds before each delta of a stream; a whole answer waits for all of them.
        is_cut: the connection breaks off after the last delta, without an end.
        failure: what a stream ends with instead of its end.
        opens: a thought that belongs to the step after it.
    """

    pieces: tuple[Piece, ...]
    usage: ModelUsage | None = None
    finish_reason: FinishReason | None = None
    delay: float = 0.0
    is_cut: bool = False
    failure: Failure | None = None
    is_stream: bool = False
    opens: bool = False

    def __repr__(self) -> str:
        """As the script would write it."""
        if self.is_stream:
            parts = [part for piece in self.pieces for part in _stream_parts(piece)]
            parts += [repr(self.failure)] if self.failure else []
            inner = f"[{', '.join(parts)}]"
            inner += f", delay={self.delay:g}" if self.delay else ""
            return f"stream({inner}{', cut=True' if self.is_cut else ''})"
        shown = [_shown(piece) for piece in self.pieces]
        if self.finish_reason is None:
            is_alone = len(shown) == 1 and (self.opens or not isinstance(self.pieces[0], Thinking))
            return shown[0] if is_alone else f"[{', '.join(shown)}]"
        reason = f"finish_reason={self.finish_reason!r}"
        if len(shown) == 1 and type(self.pieces[0]) is Text:
            return f"{shown[0][:-1]}, {reason})"
        return f"turn({', '.join([*shown, reason])})"

    def after(self, thought: Turn) -> Turn:
        """The same turn with a thought before it."""
        return replace(self, pieces=(*thought.pieces, *self.pieces))


Step = Turn | Failure
StepLike = Step | str | Iterable["Turn | str"]
"""A step as a script may have it: a text stands for ``text(…)``, a list for one turn with several parts."""


def as_usage(usage: UsageLike | None) -> ModelUsage | None:
    """Usage as it may be written: ``(input, output)`` too."""
    if usage is None or isinstance(usage, ModelUsage):
        return usage
    if not isinstance(usage, tuple) or len(usage) != 2 or not all(type(one) is int for one in usage):  # noqa: PLR2004 -- input and output
        raise ConfigurationError(f"usage is ModelUsage(…) or (input tokens, output tokens), not {usage!r}.")
    return ModelUsage(*usage)


def joined(parts: Iterable[Turn | str]) -> Turn:
    """Several parts as one turn."""
    turns = [_as_turn(part) for part in parts]
    if not turns:
        raise ConfigurationError("A turn without anything in it: write text('') for a model that says nothing.")
    usages = [one.usage for one in turns if one.usage is not None]
    reasons: list[FinishReason] = [one.finish_reason for one in turns if one.finish_reason is not None]
    for name, given in (("usage", len(usages)), ("finish_reason", len(reasons))):
        if given > 1:
            raise ConfigurationError(f"One turn has one {name}: give it to turn(…, {name}=…), not to its parts.")
    pieces = tuple(piece for one in turns for piece in one.pieces)
    return Turn(pieces, usages[0] if usages else None, reasons[0] if reasons else None)


def as_step(value: object) -> Step:
    """What a script has, as a step.

    Raises:
        ConfigurationError: it is none.
    """
    shown = f"{type(value).__name__}: {value!r:.80}"
    if isinstance(value, Turn | Failure):
        return value
    if isinstance(value, str):
        return Turn((Text.of(value),))
    if isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        return joined(cast("Iterable[Turn | str]", value))
    raise ConfigurationError(
        "A step is text(…), tool_call(…), tool_calls(…), stream([…]), thinking(…), refusal(…), error(…), a string or a "
        f"list of those, not {shown}"
    )


def _as_turn(part: object) -> Turn:
    if isinstance(part, str):
        return Turn((Text.of(part),))
    if isinstance(part, Turn):
        if part.is_stream:
            raise ConfigurationError("stream([…]) is a whole turn: put the other parts into its list.")
        return part
    if isinstance(part, Failure):
        raise ConfigurationError("error(…) is a step of its own, or the last part of stream([…]).")
    raise ConfigurationError(
        f"A turn consists of text(…), tool_call(…), thinking(…) and refusal(…), not {type(part).__name__}: {part!r:.80}"
    )


def _shown(piece: Piece) -> str:
    if isinstance(piece, ModelToolCall):
        return _shown_call(piece)
    word = "thinking" if isinstance(piece, Thinking) else "refusal" if isinstance(piece, Refusal) else "text"
    return f"{word}({piece.text!r})"


def _shown_call(call: ModelToolCall) -> str:
    try:
        arguments = call.arguments
    except ValueError:
        return f"tool_call({call.name!r}, {call.arguments_json!r})"
    call_id = f", call_id={call.call_id!r}" if call.call_id else ""
    if all(name.isidentifier() and name != "call_id" for name in arguments):
        given = "".join(f", {name}={value!r}" for name, value in arguments.items())
    else:
        given = f", {arguments!r}"
    return f"tool_call({call.name!r}{given}{call_id})"


def _stream_parts(piece: Piece) -> list[str]:
    if type(piece) is Text:
        return [repr(delta) for delta in piece.deltas or ("",)]
    return [_shown(piece)]
