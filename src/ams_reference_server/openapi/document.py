"""The OpenAPI 3.1 document of this server: built from the table of calls, and committed as ``docs/openapi.json``."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from ams_reference_server.openapi.answers import HEADERS, Answers
from ams_reference_server.openapi.calls import CALLS
from ams_reference_server.openapi.shapes import SchemasWithoutTitles, Shapes
from ams_sdk.wire import AGENT_NAME_PATTERN

if TYPE_CHECKING:
    from pydantic import JsonValue

    from ams_reference_server.openapi.calls import Call
    from ams_reference_server.paging import PageQuery

__all__ = ["document", "encoded"]

_VERSION: Final = "1.0.0"  # of what is documented, and not of the program
_DESCRIPTION: Final = """\
What the SDK and a platform say to each other, as the reference server answers it.

Every path needs a credential, also one that does not exist, but for the calls that are marked as open: without one \
the answer is `Unauthenticated` of `components.responses`. With one, an unknown path is answered as `NotFound` and an \
unknown method of a known path as `MethodNotAllowed`. Under `/v1/` their names begin with `Otlp`, and elsewhere \
outside `/api/` with `Other`. `HEAD` is answered wherever `GET` is.

An error is `application/problem+json` (RFC 9457); its `code` is stable and meant for programs. Under `/v1/` it is a \
`google.rpc.Status` in the content type of the request, as OTLP wants it, unless the connection itself is refused: \
400, 408, 431 and 503 can come before the path is known, and are then `application/problem+json` everywhere. \
Times are RFC 3339 in UTC."""

_TAGS: Final = {
    "accounts": "Accounts and logins.",
    "keys": "API keys: credentials for programs.",
    "agents": "The registry of agents.",
    "telemetry": "Spans come in as OTLP and are read out as traces.",
    "server": "Health, and this document.",
}

_PATH_PARAMETERS: Final[dict[str, dict[str, JsonValue]]] = {
    "id_or_name": {
        "description": "The agent's id or its name.",
        "schema": {"type": "string", "pattern": AGENT_NAME_PATTERN},
    },
    "key_id": {"description": "The key's id.", "schema": {"type": "string", "format": "uuid"}},
    "trace_id": {"description": "The trace's id.", "schema": {"type": "string", "pattern": "^[0-9A-Fa-f]{32}$"}},
}

_BEARER: Final[dict[str, JsonValue]] = {
    "type": "http",
    "scheme": "bearer",
    "description": "An access token from a login, or an API key (RFC 6750).",
}


@cache
def encoded() -> bytes:
    """The document as indented JSON in UTF-8, byte for byte what is committed."""
    return json.dumps(document(), indent=2, ensure_ascii=False).encode() + b"\n"


def document() -> dict[str, JsonValue]:
    """The document as data, made anew at every call."""
    shapes = Shapes()
    answers = Answers(shapes)
    paths: dict[str, dict[str, JsonValue]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, shapes, answers)
    return {
        "openapi": "3.1.0",
        "info": {"title": "AMS platform", "version": _VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "/", "description": "Where this document comes from."}],
        "tags": [{"name": name, "description": doc} for name, doc in _TAGS.items()],
        "security": [{"bearer": []}],
        "paths": {**paths},
        "components": {
            "securitySchemes": {"bearer": _BEARER},
            "headers": HEADERS,
            "responses": dict(sorted(answers.shared.items())),
            "schemas": shapes.schemas,
        },
    }


def _operation(call: Call, shapes: Shapes, answers: Answers) -> dict[str, JsonValue]:
    made: dict[str, JsonValue] = {"operationId": call.name, "tags": [call.tag], "summary": call.summary}
    if call.doc:
        made["description"] = call.doc
    if call.is_open:
        made["security"] = []
    if parameters := [*_path_parameters(call.path), *_query_parameters(call.query)]:
        made["parameters"] = parameters
    if call.body:
        made["requestBody"] = {"required": True, "content": shapes.content(call.body, "validation")}
    made["responses"] = answers.of(call)
    return made


def _path_parameters(path: str) -> list[JsonValue]:
    return [
        {"name": name, "in": "path", "required": True, **_PATH_PARAMETERS[name]}
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _query_parameters(query: type[PageQuery] | None) -> list[JsonValue]:
    if query is None:
        return []
    fields = query.model_json_schema(schema_generator=SchemasWithoutTitles)["properties"]
    return [{"name": name, "in": "query", "schema": _without_null(schema)} for name, schema in fields.items()]


def _without_null(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """A query says that there is no value by not having the parameter."""
    kinds = schema.pop("anyOf", None)
    if isinstance(kinds, list):
        del schema["default"]
        (kind,) = [kind for kind in kinds if kind != {"type": "null"}]
        assert isinstance(kind, dict)  # noqa: S101 -- pydantic's schema of one kind
        schema |= kind
    return schema
