"""The words in which a script is written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._model.step import (
    FINISH_REASONS,
    Failure,
    ModelToolCall,
    Refusal,
    Text,
    Thinking,
    Turn,
    as_usage,
    joined,
)

if TYPE_CHECKING:
    from ams_sdk.testing._model.step import FinishReason, Piece, UsageLike

__all__ = ["ErrorStep", "error", "refusal", "stream", "text", "thinking", "tool_call", "tool_calls", "turn"]

_LOWEST_ERROR: Final = 400
_HIGHEST_ERROR: Final = 599


def text(said: str, *, usage: UsageLike | None = None, finish_reason: FinishReason | None = None) -> Turn:
    """The model says something and is done.

    Args:
        said: the text; a request that asks for a stream gets it word by word.
        usage: the tokens that it cost; counted from the text if left out.
        finish_reason: ``"length"`` for an answer that was too long; ``"stop"`` if left out.

    Raises:
        ConfigurationError: an argument is none of those.
    """
    _check_text(said, "text('…')")
    return turn(Turn((Text.of(said),)), usage=usage, finish_reason=finish_reason)


def tool_call(
    name: str, arguments: Mapping[str, object] | str | None = None, /, *, call_id: str | None = None, **more: object
) -> Turn:
    """The model wants to have a tool called: ``tool_call("search", query="otters")``.

    Args:
        name: the tool; the request must have offered it.
        arguments: arguments whose names are no keywords here, such as ``{"call_id": 7}``; or a text, which is sent as
            it is, for a model that writes no valid JSON.
        call_id: what the tool's result will refer to; made if left out.
        more: the arguments.

    Raises:
        ConfigurationError: a name is empty, or an argument has no JSON.
    """
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"tool_call('search', query='…') begins with the name of the tool, not {name!r}.")
    if isinstance(arguments, str):
        if more:
            raise ConfigurationError(f"tool_call({name!r}, …): arguments are given as a text or by name, not both.")
        return Turn((ModelToolCall(name, arguments, call_id),))
    if arguments is not None and not isinstance(arguments, Mapping):
        raise ConfigurationError(f"tool_call({name!r}, …): arguments are given by name, not as {arguments!r:.80}.")
    try:
        written = json.dumps({**(arguments or {}), **more}, allow_nan=False)
    except (TypeError, ValueError) as problem:
        raise ConfigurationError(f"tool_call({name!r}, …): a model writes arguments as JSON, and {problem}.") from None
    return Turn((ModelToolCall(name, written, call_id),))


def tool_calls(*calls: Turn, usage: UsageLike | None = None) -> Turn:
    """Several tools in one turn, as models call them in parallel.

    Raises:
        ConfigurationError: something else than ``tool_call(…)`` is among them.
    """
    for call in calls:
        if not isinstance(call, Turn) or not all(isinstance(piece, ModelToolCall) for piece in call.pieces):
            raise ConfigurationError(f"tool_calls(…) takes tool_call(…), not {call!r:.80}; turn(…) takes all.")
    return turn(*calls, usage=usage)


def thinking(thought: str, *, signature: str | None = None) -> Turn:
    """What the model thinks before the step that follows, or in a list before what it says.

    Args:
        thought: the text.
        signature: Anthropic's; made if left out.

    Raises:
        ConfigurationError: the thought is no text.
    """
    _check_text(thought, "thinking('…')")
    plain = Text.of(thought)
    return Turn((Thinking(plain.text, plain.deltas, signature),), opens=True)


def refusal(said: str, *, usage: UsageLike | None = None) -> Turn:
    """The model refuses, in the way of each provider (Anthropic: a text, and the stop reason ``refusal``).

    Raises:
        ConfigurationError: it is no text.
    """
    _check_text(said, "refusal('…')")
    plain = Text.of(said)
    return turn(Turn((Refusal(plain.text, plain.deltas),)), usage=usage)


def turn(*parts: Turn | str, usage: UsageLike | None = None, finish_reason: FinishReason | None = None) -> Turn:
    """One turn with several parts: a thought, a text and tool calls, say. A list in a script is the same.

    Raises:
        ConfigurationError: there is no part, or one that is a turn of its own.
    """
    if finish_reason is not None and finish_reason not in FINISH_REASONS:
        raise ConfigurationError(f"finish_reason is one of {', '.join(FINISH_REASONS)}, not {finish_reason!r}.")
    made = joined(parts)
    given = as_usage(usage)
    if (given and made.usage) or (finish_reason and made.finish_reason):
        raise ConfigurationError(
            "usage and finish_reason of a turn are given once, to the turn or to one of its parts."
        )
    return replace(made, usage=given or made.usage, finish_reason=finish_reason or made.finish_reason)


def stream(  # noqa: PLR0913 -- how a stream can be; all are keyword-only
    parts: Iterable[str | Turn | Failure],
    *,
    delay: float = 0.0,
    cut: bool = False,
    argument_characters: int = 8,
    usage: UsageLike | None = None,
    finish_reason: FinishReason | None = None,
) -> Turn:
    """A turn that is cut as it says, for requests that ask for a stream; the others get it whole, or its error.

    Args:
        parts: a text is one delta; ``tool_call(…)``, ``thinking(…)`` and ``refusal(…)`` are cut as ever. The last may
            be ``error(…)``, an error within the stream.
        delay: seconds before each delta.
        cut: the connection breaks off after the last part.
        argument_characters: how much of a tool call's arguments is in one delta.
        usage: the tokens that it cost; counted if left out.
        finish_reason: why the model stopped.

    Raises:
        ConfigurationError: there is no part, or one that cannot be in a stream.
    """
    if not isinstance(parts, Iterable):
        raise ConfigurationError(f"stream(['They hold ', 'hands.']) takes a list of parts, not {parts!r:.80}.")
    given: list[str | Turn | Failure] = [parts] if isinstance(parts, str) else list(parts)
    if not isinstance(delay, int | float) or not 0 <= delay < math.inf:
        raise ConfigurationError(f"delay is in seconds, from 0 on, not {delay!r}.")
    if not isinstance(argument_characters, int) or argument_characters < 1:
        raise ConfigurationError(f"argument_characters is 1 or more, not {argument_characters!r}.")
    last = given[-1] if given else None
    failure = last if isinstance(last, Failure) else None
    if failure is not None and (failure.ending is not None or cut):
        raise ConfigurationError("A stream that breaks off is stream([…], cut=True), without error(…) at its end.")
    said = given[:-1] if failure is not None else given
    pieces = _pieces(said, argument_characters)
    whole = turn(*(part for part in said if isinstance(part, Turn)), "", usage=usage, finish_reason=finish_reason)
    return Turn(pieces, whole.usage, whole.finish_reason, float(delay), cut, failure, is_stream=True)


class ErrorStep:
    """``error(429)``, ``error.timeout()`` and ``error.disconnect()``: the provider fails."""

    def __call__(
        self, status: int, message: str = "", *, code: str | None = None, retry_after: float | None = None
    ) -> Failure:
        """An error in the shape of the provider that is asked.

        Args:
            status: the HTTP status, 400 to 599. Clients retry 408, 409, 429 and 5xx; each attempt takes a step.
            message: what it says; the usual for the status if left out.
            code: the error's code at OpenAI, its type at Anthropic; the usual for the status if left out.
            retry_after: seconds, for the header ``Retry-After``.

        Raises:
            ConfigurationError: the status is none of an error.
        """
        if type(status) is not int or not _LOWEST_ERROR <= status <= _HIGHEST_ERROR:
            raise ConfigurationError(f"error(429, '…') begins with an HTTP status from 400 to 599, not {status!r}.")
        if retry_after is not None and not 0 <= retry_after < math.inf:
            raise ConfigurationError(f"retry_after is in seconds, from 0 on, not {retry_after!r}.")
        return Failure(status, message, code, retry_after)

    def timeout(self) -> Failure:
        """Nothing is ever answered: the client waits until it gives up."""
        return Failure(ending="hang")

    def disconnect(self, when: Literal["no_answer", "mid_headers", "mid_body"] = "no_answer") -> Failure:
        """The connection breaks off before the answer, in its head or in its body.

        Raises:
            ConfigurationError: it does not say when.
        """
        if when not in {"no_answer", "mid_headers", "mid_body"}:
            raise ConfigurationError(f"error.disconnect(…) takes no_answer, mid_headers or mid_body, not {when!r}.")
        return Failure(ending=when)


error: Final = ErrorStep()


def _pieces(parts: list[str | Turn | Failure], argument_characters: int) -> tuple[Piece, ...]:
    """The parts of a stream, texts that stand together as one."""
    pieces: list[Piece] = []
    for part in parts:
        for piece in (Text(part, (part,)),) if isinstance(part, str) else _joined(part).pieces:
            last = pieces[-1] if pieces else None
            if type(piece) is Text and type(last) is Text:
                pieces[-1] = Text(last.text + piece.text, last.deltas + piece.deltas)
            elif isinstance(piece, ModelToolCall):
                pieces.append(replace(piece, delta_characters=argument_characters))
            else:
                pieces.append(piece)
    if not pieces:
        raise ConfigurationError("stream([]) says nothing: write stream(['']) for an answer without text.")
    return tuple(pieces)


def _joined(part: Turn | Failure) -> Turn:
    if isinstance(part, Failure):
        raise ConfigurationError("error(…) is a step of its own, or the last part of stream([…]).")
    return joined([part])


def _check_text(value: object, example: str) -> None:
    if not isinstance(value, str):
        raise ConfigurationError(f"{example} takes a text, not {type(value).__name__}: {value!r:.80}")
