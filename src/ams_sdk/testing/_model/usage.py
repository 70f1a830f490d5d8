"""How many tokens a call is said to have cost: exactly what the script says, or else a plausible count of the text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._model.step import ModelToolCall, Thinking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ams_sdk.testing._model.model_request import ModelRequest
    from ams_sdk.testing._model.step import Piece

__all__ = ["count_tokens", "input_tokens", "output_tokens"]

_BYTES_A_TOKEN: Final = 4
_OF_A_MESSAGE: Final = 4
"""What a provider adds for who speaks."""


def count_tokens(text: str) -> int:
    """A token for each four bytes of UTF-8: not what a tokenizer finds, but the same everywhere and about as much."""
    return -(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_A_TOKEN)


def input_tokens(request: ModelRequest) -> int:
    """What the system prompt, the messages and the offered tools of a request count."""
    total = _OF_A_MESSAGE + count_tokens(request.system) if request.system else 0
    for message in request.messages:
        total += _OF_A_MESSAGE + count_tokens(message.text)
        total += sum(_of_call(call) for call in message.tool_calls)
        total += sum(count_tokens(result.text) for result in message.tool_results)
    return total + sum(count_tokens(json.dumps(tool.definition, default=str)) for tool in request.tools)


def output_tokens(pieces: Iterable[Piece]) -> tuple[int, int]:
    """What an answer counts, at least one, and how much of that was thought."""
    spoken = thought = 0
    for piece in pieces:
        if isinstance(piece, ModelToolCall):
            spoken += _of_call(piece)
        elif isinstance(piece, Thinking):
            thought += count_tokens(piece.text)
        else:
            spoken += count_tokens(piece.text)
    return max(spoken + thought, 1), thought


def _of_call(call: ModelToolCall) -> int:
    return count_tokens(call.name) + count_tokens(call.arguments_json)
