"""A piece of a message, as any provider writes it, becomes a part as the GenAI conventions name it.

Translated only: the values in a part are those of the program, to be rendered by ``messages``. Data in base64 is an
exception, for nobody reads it in a trace: its size is all that is kept.

Sources of the shapes: the public API references of OpenAI (Chat Completions, Responses), Anthropic (Messages), Google
(Gemini), AWS (Bedrock Converse), Mistral, Cohere and Ollama, and the conventions' schema of messages.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ams_sdk._capture.rendering import MAX_KEPT, MAX_TOTAL
from ams_sdk._model_calls.shape import field, is_list, items, text, within

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "AsText",
    "Later",
    "Part",
    "blob",
    "joined",
    "part_of",
    "parts_of",
    "reasoning",
    "text_part",
    "tool_call",
    "tool_response",
]


class Part(dict[str, object]):
    """A part by the names of the conventions, its values not rendered yet."""


class AsText:
    """A value that stands where only a text may stand."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


class Later:
    """A value that is read when it is rendered, if there is room for it then."""

    __slots__ = ("read",)

    def __init__(self, read: Callable[[], object]) -> None:
        self.read = read


def parts_of(content: object) -> list[Part]:
    """What a message holds: a text, one piece, or a list of them."""
    if content is None:
        return []
    if is_list(content):
        return [part_of(piece) for piece in items(content) if piece is not None]
    return [part_of(content)]


def part_of(piece: object) -> Part:
    """One piece; what nobody knows is a text part with the value's JSON."""
    if (plain := text(piece)) is not None:
        return text_part(plain)
    kind = text(field(piece, "type"))
    if kind is not None:
        if read := _BY_TYPE.get(kind):
            return read(piece)
        if kind.endswith("_tool_result"):
            return _server_result(piece)
        if kind.endswith("_call"):
            return _server_call(piece, kind)
    for name, read_inner in _BY_FIELD.items():
        if (inner := field(piece, name)) is not None:
            return read_inner(inner, piece)
    return text_part(AsText(piece)) if kind is None else Part(type=kind, content=piece)


def text_part(content: object) -> Part:
    """Text."""
    return Part(type="text", content=content)


def reasoning(content: object) -> Part:
    """What a model thought, if the provider shows it."""
    return Part(type="reasoning", content=content)


def tool_call(identity: object, name: object, arguments: object) -> Part:
    """What a model wants to have called. Arguments that are JSON text are read, so that names in them can be seen."""
    part = Part(type="tool_call", name=text(name) or "")
    _add(part, id=text(identity), arguments=_later_decoded(arguments))
    return part


def blob(modality: str, data: object, mime_type: object = None) -> Part:
    """Data that was sent along: its size."""
    part = Part(type="blob", modality=modality)
    _add(part, mime_type=text(mime_type))
    part["content"] = f"…[{_size(data)} bytes]"
    return part


def joined(value: object) -> str:
    """One text of a text, or of a list of texts or of objects with one."""
    if (plain := text(value)) is not None:
        return plain
    texts = [text(item) or text(field(item, "text", "content")) or "" for item in items(value)]
    return "".join(found[:MAX_KEPT] for found in texts)


def _later_decoded(arguments: object) -> object:
    plain = text(arguments)
    if plain is None or plain == "":
        return _decoded(arguments)
    return Later(lambda: _decoded(plain))


def _decoded(arguments: object) -> object:
    plain = text(arguments)
    if plain is None or len(plain) > MAX_TOTAL or plain.lstrip()[:1] not in {"{", "["}:
        return arguments if plain != "" else None
    try:
        decoded: object = json.loads(plain)
    except (ValueError, RecursionError):  # a model may write anything
        return plain
    return decoded


def _add(part: Part, **values: object) -> None:
    part.update({name: value for name, value in values.items() if value is not None})


def _size(data: object) -> int:
    if (encoded := text(data)) is not None:
        return len(encoded) * 3 // 4 - encoded[-2:].count("=")
    kind = type(data)
    return len(data) if kind is bytes or kind is bytearray else 0  # type: ignore[arg-type]


def _modality(mime_type: object) -> str:
    family = (text(mime_type) or "")[:16].partition("/")[0].lower()
    return family if family in {"image", "audio", "video"} else "document"


def _linked(modality: str, url: object, mime_type: object = None) -> Part:
    address = joined(url)
    if address[:5].lower() == "data:":  # RFC 2397
        head = address[5:133].partition(",")[0]
        return blob(modality, address[len(head) + 6 :], head.partition(";")[0] or mime_type)
    part = Part(type="uri", modality=modality)
    _add(part, mime_type=text(mime_type))
    part["uri"] = address
    return part


def _file(modality: str, file_id: object) -> Part:
    return Part(type="file", modality=modality, file_id=text(file_id) or "")


def _image(piece: object) -> Part:
    if (link := field(piece, "image_url", "video_url", "url")) is not None:
        modality = "video" if field(piece, "video_url") is not None else "image"
        return _linked(modality, link if text(link) is not None else field(link, "url"))
    if (file_id := field(piece, "file_id")) is not None:
        return _file("image", file_id)
    return _sourced("image")(piece)


def _sourced(modality: str) -> Callable[[object], Part]:
    """Anthropic's and Bedrock's: what it is lies in ``source``."""

    def read(piece: object) -> Part:
        source = field(piece, "source")
        kind, mime_type = text(field(source, "type")), field(source, "media_type")
        if (url := field(source, "url")) is not None:
            return _linked(modality, url, mime_type)
        if (file_id := field(source, "file_id")) is not None:
            return _file(modality, file_id)
        if (content := field(source, "content")) is not None or kind == "text":
            return text_part(joined(content if content is not None else field(source, "data")))
        if (link := field(field(source, "s3Location"), "uri")) is not None:
            return _linked(modality, link)
        return blob(modality, field(source, "data", "bytes"), text(mime_type) or _mime_type(modality, piece))

    return read


def _mime_type(modality: str, piece: object) -> str | None:
    kind = text(field(piece, "format"))
    return f"{'application' if modality == 'document' else modality}/{kind}" if kind else None


def _audio(piece: object) -> Part:
    inner = field(piece, "input_audio", "audio")
    if (plain := text(inner)) is not None:
        return blob("audio", plain)
    return blob("audio", field(inner, "data"), _mime_type("audio", inner))


def _document(piece: object) -> Part:
    inner = within(piece, "file")
    if (file_id := field(inner, "file_id")) is not None:
        return _file("document", file_id)
    if (url := field(inner, "file_url", "document_url")) is not None:
        return _linked("document", url)
    return (
        _linked("document", data)
        if joined(data := field(inner, "file_data"))[:5] == "data:"
        else blob("document", data)
    )


def _tool_use(piece: object) -> Part:
    return tool_call(
        field(piece, "id", "call_id", "toolUseId"), field(piece, "name"), field(piece, "input", "arguments")
    )


def _function_call(piece: object) -> Part:
    return tool_call(field(piece, "call_id", "id"), field(piece, "name"), field(piece, "arguments", "args", "input"))


def tool_response(identity: object, response: object) -> Part:
    """What a tool answered: a text or a value as it is, pieces of a message as parts."""
    part = Part(type="tool_call_response")
    _add(part, id=text(identity))
    pieces = items(response)
    is_content = bool(pieces) and all(type(one) is not Part and field(one, "type") is not None for one in pieces)
    part["response"] = Later(lambda: parts_of(response)) if is_content else response
    return part


def _tool_result(piece: object) -> Part:
    return tool_response(
        field(piece, "tool_use_id", "call_id", "tool_call_id", "id"), field(piece, "content", "output")
    )


def _server_use(piece: object) -> Part:
    name = text(field(piece, "name")) or ""
    part = Part(type="server_tool_call", name=name)
    _add(part, id=text(field(piece, "id")))
    part["server_tool_call"] = Part(type=name, arguments=field(piece, "input"))
    return part


def _server_call(piece: object, kind: str) -> Part:
    """OpenAI's items such as ``web_search_call``, with what was asked and answered in one."""
    name = text(field(piece, "name")) or kind.removesuffix("_call")
    part = Part(type="server_tool_call", name=name)
    _add(part, id=text(field(piece, "id")))
    inner = Part(type=kind.removesuffix("_call"))
    for key in ("status", "action", "queries", "code", "arguments", "output", "error"):
        if (value := field(piece, key)) is not None:
            inner[key] = _decoded(value)
    part["server_tool_call"] = inner
    return part


def _server_result(piece: object) -> Part:
    part = Part(type="server_tool_call_response")
    _add(part, id=text(field(piece, "tool_use_id", "id")))
    kind = text(field(piece, "type")) or ""
    part["server_tool_call_response"] = Part(type=kind, content=field(piece, "content"))
    return part


def _thought(piece: object) -> Part:
    return reasoning(joined(field(piece, "thinking", "summary", "text", "content")))


def _hidden_thought(piece: object) -> Part:
    return reasoning(f"…[{_size(field(piece, 'data', 'redactedContent'))} bytes, encrypted]")


def _compaction(piece: object) -> Part:
    part = Part(type="compaction")
    _add(part, id=text(field(piece, "id")), content=text(field(piece, "content")))
    return part


def _text(piece: object) -> Part:
    # Gemini marks its thoughts.
    return (reasoning if field(piece, "thought") is True else text_part)(joined(field(piece, "text", "content")))


_BY_TYPE: Final[dict[str, Callable[[Any], Part]]] = {
    **dict.fromkeys(("text", "input_text", "output_text", "summary_text"), _text),
    "refusal": lambda piece: Part(type="refusal", content=joined(field(piece, "refusal"))),
    **dict.fromkeys(("image_url", "input_image", "image", "video_url"), _image),
    **dict.fromkeys(("input_audio", "audio"), _audio),
    **dict.fromkeys(("file", "input_file", "document_url"), _document),
    "document": _sourced("document"),
    **dict.fromkeys(("thinking", "reasoning", "reasoning_text"), _thought),
    "redacted_thinking": _hidden_thought,
    "tool_use": _tool_use,
    **dict.fromkeys(("function_call", "custom_tool_call"), _function_call),
    **dict.fromkeys(("tool_result", "function_call_output", "custom_tool_call_output"), _tool_result),
    **dict.fromkeys(("server_tool_use", "mcp_tool_use"), _server_use),
    "compaction": _compaction,
}


def _inline(inner: object, _piece: object) -> Part:
    mime_type = field(inner, "mimeType", "mime_type")
    return blob(_modality(mime_type), field(inner, "data"), mime_type)


def _file_data(inner: object, _piece: object) -> Part:
    mime_type = field(inner, "mimeType", "mime_type")
    return _linked(_modality(mime_type), field(inner, "fileUri", "file_uri"), mime_type)


def _executable(inner: object, _piece: object) -> Part:
    code = Part(type="code_execution", language=text(field(inner, "language")), code=field(inner, "code"))
    return Part(type="server_tool_call", name="code_execution", server_tool_call=code)


def _execution(inner: object, _piece: object) -> Part:
    done = Part(type="code_execution", outcome=text(field(inner, "outcome")), output=field(inner, "output"))
    return Part(type="server_tool_call_response", server_tool_call_response=done)


# Gemini's and Bedrock's pieces have no type: the one field that is there says what they are.
_BY_FIELD: Final[dict[str, Callable[[Any, Any], Part]]] = {
    **dict.fromkeys(("inlineData", "inline_data"), _inline),
    **dict.fromkeys(("fileData", "file_data"), _file_data),
    **dict.fromkeys(("functionCall", "function_call"), lambda inner, _piece: _function_call(inner)),
    **dict.fromkeys(
        ("functionResponse", "function_response"),
        lambda inner, _piece: tool_response(field(inner, "id", "name"), field(inner, "response")),
    ),
    **dict.fromkeys(("executableCode", "executable_code"), _executable),
    **dict.fromkeys(("codeExecutionResult", "code_execution_result"), _execution),
    "toolUse": lambda inner, _piece: _tool_use(inner),
    "toolResult": lambda inner, _piece: tool_response(field(inner, "toolUseId"), _bedrock(field(inner, "content"))),
    "reasoningContent": lambda inner, _piece: _bedrock_thought(inner),
    "image": lambda inner, _piece: _sourced("image")(inner),
    "document": lambda inner, _piece: _sourced("document")(inner),
    "video": lambda inner, _piece: _sourced("video")(inner),
    "text": lambda _inner, piece: _text(piece),
}


def _bedrock(content: object) -> object:
    if not is_list(content):
        return content
    # What a tool answered as JSON lies in "json", next to pieces.
    return [json_ if (json_ := field(piece, "json")) is not None else part_of(piece) for piece in items(content)]


def _bedrock_thought(inner: object) -> Part:
    thought = field(inner, "reasoningText")
    return _hidden_thought(inner) if thought is None else reasoning(joined(field(thought, "text")))
