"""What a model answered, as the step of a script that says the same."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk import _semconv
from ams_sdk.testing._replay.completeness import flaw
from ams_sdk.testing._replay.python_code import Bracketed, Named, Text, call, is_name, literal, quoted
from ams_sdk.testing._replay.refusal import refused

if TYPE_CHECKING:
    from ams_sdk.testing._replay.imports import Imports
    from ams_sdk.testing._replay.python_code import Code
    from ams_sdk.testing._trace.calls import ModelCallRecord
    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = ["answer_code", "unspoken"]

_CHAT: Final = frozenset({"chat", "generate_content"})
_OTHER_PROTOCOLS: Final = ("aws.", "gcp.", "cohere", "ibm.", "azure.ai.inference", "ollama")
"""Beginnings of ``gen_ai.provider.name`` of those who speak neither as OpenAI nor as Anthropic."""
_LENGTH: Final = frozenset({"length", "max_tokens", "max_output_tokens", "MAX_TOKENS"})
_FILTER: Final = frozenset({"content_filter", "SAFETY"})
_STATUS: Final = re.compile(r"(?:Error code: |Client error '|Server error '|status(?: code)?:? )([45]\d\d)\b")
_STATUSES: Final = {
    "badrequest": 400,
    "invalid_request": 400,
    "authentication": 401,
    "invalid_api_key": 401,
    "permission": 403,
    "notfound": 404,
    "not_found": 404,
    "conflict": 409,
    "unprocessable": 422,
    "ratelimit": 429,
    "rate_limit": 429,
    "insufficient_quota": 429,
    "overloaded": 529,
    "internalserver": 500,
    "server_error": 500,
    "api_error": 500,
}
_PARTS: Final = {"text": "text", "reasoning": "thinking", "refusal": "refusal", "tool_call": "tool_call"}
"""The kit's words for the parts of an answer."""
_HIDDEN_THOUGHT: Final = ", encrypted]"
_HTTP_STATUS: Final = "http.response.status_code"


def unspoken(record: ModelCallRecord) -> str | None:
    """Why the scripted model cannot give this answer, as it talks over HTTP in the words of OpenAI and Anthropic."""
    if record.operation not in _CHAT:
        return f"it is {record.operation!r}, and a scripted model only chats"
    provider = record.provider or ""
    if provider.startswith(_OTHER_PROTOCOLS):
        return f"{provider} has a protocol of its own, and a scripted model speaks OpenAI's and Anthropic's"
    return None


def answer_code(record: ModelCallRecord, spans: Sequence[CapturedSpan], number: int, imports: Imports) -> Code:
    """The step.

    Args:
        record: the call.
        spans: all that were recorded of it, and what is below them.
        number: which call of the run it is.
        imports: where the words for it are noted.

    Raises:
        ConfigurationError: nobody can tell what the answer was, or a scripted model cannot give it.
    """
    name = f"model call {number} ({record.model or record.operation})"
    if (reason := unspoken(record)) is not None:
        raise refused(
            f"of {name}, {reason}", "Put @tool on the function that asks this model: then its result is replayed."
        )
    if record.error is not None and record.output is None:
        return _error(record, spans, name, imports)
    if record.output is None:
        raise refused(f"the answer of {name} was not recorded", _CAPTURE)
    parts = _parts(record.output, name)
    parts = [part for part in parts if not str(part.get("content", "")).endswith(_HIDDEN_THOUGHT)]
    for part in parts:
        said = part.get("arguments") if part.get("type") == "tool_call" else part.get("content")
        if part.get("type") in _PARTS and (missing := flaw(said, f"the answer of {name}")) is not None:
            raise refused(missing, _NOT_WHOLE)
    return _turn(parts, _reason(spans), name, imports)


_CAPTURE: Final = (
    "Record content: capture_content=True, and for instrumentation of others "
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY."
)
_NOT_WHOLE: Final = "A run without it would be another one: trace a run with smaller or other data."


def _parts(output: object, name: str) -> list[Mapping[str, Any]]:
    if isinstance(output, str):
        return [{"type": "text", "content": output}]
    messages = _objects(output)
    if len(messages) > 1:
        raise refused(f"{name} has {len(messages)} answers", "A scripted model gives one answer to each request.")
    return _objects(messages[0].get("parts")) if messages else []


def _objects(value: object) -> list[Mapping[str, Any]]:
    items = cast("Sequence[object]", value) if isinstance(value, list) else ()
    return [cast("Mapping[str, Any]", item) for item in items if isinstance(item, Mapping)]


def _turn(parts: Sequence[Mapping[str, Any]], reason: str, name: str, imports: Imports) -> Code:
    codes = [_part(part, reason, name, imports) for part in parts]
    finish = "length" if reason in _LENGTH else "content_filter" if reason in _FILTER else None
    if not codes:
        codes = [call(imports.ours("text"), Text(""))]
    kinds = {part.get("type") for part in parts}
    if finish is not None:
        return call(imports.ours("turn"), *codes, named={"finish_reason": quoted(finish)})
    if len(codes) == 1 and kinds != {"reasoning"}:
        return codes[0]
    if kinds == {"tool_call"}:
        return call(imports.ours("tool_calls"), *codes)
    return Bracketed("[", tuple(Named("", code) for code in codes), "]")


def _part(part: Mapping[str, Any], reason: str, name: str, imports: Imports) -> Code:
    kind, content = part.get("type"), part.get("content")
    if kind == "tool_call":
        return _tool_call(part, imports)
    word = _PARTS.get(str(kind))
    if word is None or not isinstance(content, str):
        raise refused(
            f"the answer of {name} has a part {kind!r}", "A scripted model gives texts, thoughts and tool calls."
        )
    if word == "text" and reason == "refusal":  # Anthropic's way
        word = "refusal"
    return call(imports.ours(word), Text(content))


def _tool_call(part: Mapping[str, Any], imports: Imports) -> Code:
    word, name, arguments = imports.ours("tool_call"), quoted(str(part.get("name"))), part.get("arguments")
    if arguments is None:
        return call(word, name)
    if isinstance(arguments, dict):
        named = cast("dict[str, Any]", arguments)
        if all(is_name(one) and one != "call_id" for one in named):
            return call(word, name, named={one: literal(value) for one, value in named.items()})
        return call(word, name, literal(named))
    return call(word, name, literal(arguments if isinstance(arguments, str) else json.dumps(arguments)))


def _reason(spans: Sequence[CapturedSpan]) -> str:
    for span in spans:
        reasons = span.attributes.get(_semconv.RESPONSE_FINISH_REASONS)
        if isinstance(reasons, Sequence) and not isinstance(reasons, str) and reasons:
            return str(reasons[0])
    return ""


def _error(record: ModelCallRecord, spans: Sequence[CapturedSpan], name: str, imports: Imports) -> Code:
    kinds = [record.error.type] if record.error else []
    kinds += [str(event.attributes.get(_semconv.EXCEPTION_TYPE, "")) for span in spans for event in span.events]
    message = (record.error.message if record.error else None) or ""
    if (missing := flaw(message, f"the error of {name}")) is not None:
        raise refused(missing, _NOT_WHOLE)
    word = imports.ours("error")
    if any("timeout" in kind.lower() for kind in kinds):
        return call(f"{word}.timeout")
    status = _status(kinds, message, spans)
    if status is not None:
        said = _said(message)
        return call(word, str(status), *([Text(said)] if said else []))
    if any(mark in kind.lower() for kind in kinds for mark in ("connect", "protocolerror", "readerror")):
        return call(f"{word}.disconnect")
    raise refused(
        f"{name} failed with {kinds[0]}, and nothing tells what the provider answered",
        "Trace a run in which the model answers, and write error(…) into its script.",
    )


def _status(kinds: Sequence[str], message: str, spans: Sequence[CapturedSpan]) -> int | None:
    codes = [span.attributes.get(_HTTP_STATUS) for span in spans] + [int(kind) for kind in kinds if kind.isdecimal()]
    if (found := _STATUS.search(message)) is not None:
        codes.append(int(found[1]))
    for code in codes:
        if type(code) is int and 400 <= code <= 599:  # noqa: PLR2004 -- errors of HTTP
            return code
    plain = " ".join(kinds).lower()
    return next((status for mark, status in _STATUSES.items() if mark in plain), None)


def _said(message: str) -> str:
    """The provider's own text, in what OpenAI's and Anthropic's clients make of an error."""
    _, sign, body = message.partition(" - ")
    try:
        held = ast.literal_eval(body) if sign else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ""
    inner = cast("dict[str, Any]", held).get("error", held) if isinstance(held, dict) else None
    said = cast("dict[str, Any]", inner).get("message") if isinstance(inner, dict) else None
    return said if isinstance(said, str) else ""
