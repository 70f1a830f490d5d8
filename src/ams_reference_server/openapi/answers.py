"""Every answer of a call, with the headers that it carries; refusals follow from what kind of call it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ams_reference_server import errors
from ams_reference_server.openapi.otlp_messages import STATUS
from ams_reference_server.problems import OTLP_PREFIX
from ams_reference_server.telemetry.otlp import JSON, PROTOBUF

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic import JsonValue

    from ams_reference_server.errors import RequestError
    from ams_reference_server.openapi.calls import Answer, Call, Link
    from ams_reference_server.openapi.shapes import Shapes

__all__ = ["HEADERS", "Answers"]

_API_PREFIX: Final = "/api/"

HEADERS: Final[dict[str, JsonValue]] = {
    "X-Request-ID": {
        "description": "Names the request in the server's log: the caller's own id, where one was sent that is sound.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
    },
    "X-Content-Type-Options": {
        "description": "Forbids guessing another content type.",
        "required": True,
        "schema": {"type": "string", "const": "nosniff"},
    },
    "Cache-Control": {
        "description": "Forbids storing.",
        "required": True,
        "schema": {"type": "string", "const": "no-store"},
    },
    "Retry-After": {
        "description": "When to try again, in seconds.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "The challenge (RFC 6750, section 3).",
        "required": True,
        "schema": {"type": "string", "pattern": '^Bearer realm="ams"'},
    },
    "Allow": {
        "description": "The methods that the path knows, separated by commas.",
        "required": True,
        "schema": {"type": "string", "minLength": 1},
    },
}
"""The ``components.headers`` of the document."""

_ALWAYS: Final = ("X-Request-ID", "X-Content-Type-Options")
_WITH_STATUS: Final = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After", 503: "Retry-After"}

_NO_CREDENTIAL: Final = (errors.UnauthenticatedError, errors.InvalidTokenError, errors.TokenExpiredError)
_BAD_BODY: Final = (errors.BodyTooLargeError, errors.UnsupportedMediaTypeError)
_BAD_CONNECTION: Final = (
    errors.MalformedError,
    errors.RequestTimeoutError,
    errors.HeadersTooLargeError,
    errors.UnavailableError,
)
"""Whatever the call: these can come before its path is known."""


class Answers:
    """Makes the ``responses`` of calls; ``shared`` collects those that many have, for ``components.responses``."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self.shared: dict[str, JsonValue] = {}
        for place in (_API_PREFIX, OTLP_PREFIX, "/"):
            # What belongs to no call: these answer to every path and method that there is not.
            for group in (_NO_CREDENTIAL, (errors.NotFoundError,), (errors.MethodNotAllowedError,)):
                self._refusal(place, group)

    def of(self, call: Call) -> dict[str, JsonValue]:
        """The ``responses`` of this call, by status."""
        refused: dict[int, list[type[RequestError]]] = {}
        for refusal in _refusals(call):
            refused.setdefault(refusal.status, []).append(refusal)
        answers: dict[int, JsonValue] = {status: self._refusal(call.path, group) for status, group in refused.items()}
        answers |= {answer.status: self._answer(call, answer) for answer in call.answers}
        return {str(status): answers[status] for status in sorted(answers)}

    def _answer(self, call: Call, answer: Answer) -> dict[str, JsonValue]:
        content = self._shapes.content(answer.content, "serialization")
        more = []
        if answer.status == errors.UnavailableError.status:
            content |= _problems([errors.UnavailableError])
            more = ["Retry-After"]
        made: dict[str, JsonValue] = {"description": answer.doc, "headers": _headers(call.path, more)}
        if content:
            made["content"] = content
        if answer.links:
            made["links"] = {link.to: _link(link) for link in answer.links}
        return made

    def _refusal(self, path: str, group: Sequence[type[RequestError]]) -> dict[str, JsonValue]:
        status = group[0].status
        is_otlp = path.startswith(OTLP_PREFIX)
        place = "Otlp" if is_otlp else "" if path.startswith(_API_PREFIX) else "Other"
        name = place + group[0].__name__.removesuffix("Error")
        codes = "; ".join(f"{refusal.title} (`{refusal.code}`)" for refusal in group)
        self.shared[name] = {
            "description": f"{'; '.join(refusal.title for refusal in group)}." if is_otlp else f"{codes}.",
            "headers": _headers(path, [_WITH_STATUS[status]] if status in _WITH_STATUS else []),
            "content": _statuses(group) if is_otlp else _problems(group),
        }
        return {"$ref": f"#/components/responses/{name}"}


def _refusals(call: Call) -> Iterator[type[RequestError]]:
    yield from _BAD_CONNECTION
    if not call.is_open:
        yield from _NO_CREDENTIAL
    if "{" in call.path:
        yield errors.NotFoundError
    if call.body:
        yield from _BAD_BODY
    if call.query is not None or (call.body and not call.path.startswith(OTLP_PREFIX)):
        yield errors.InvalidRequestError
    yield from call.refusals
    yield errors.InternalError


def _headers(path: str, more: Iterable[str]) -> dict[str, JsonValue]:
    names = [*_ALWAYS, *(["Cache-Control"] if path.startswith(_API_PREFIX) else []), *more]
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _problems(group: Sequence[type[RequestError]]) -> dict[str, JsonValue]:
    required: list[JsonValue] = ["type", "request_id"]
    if errors.InvalidRequestError in group:
        required.append("errors")
    narrower: dict[str, JsonValue] = {
        "properties": {
            "status": {"const": group[0].status},
            "code": {"enum": [refusal.code for refusal in group]},
        },
        "required": required,
    }
    return {"application/problem+json": {"schema": {"allOf": [{"$ref": "#/components/schemas/Problem"}, narrower]}}}


def _statuses(group: Sequence[type[RequestError]]) -> dict[str, JsonValue]:
    content: dict[str, JsonValue] = {JSON: {"schema": {"$ref": f"#/components/schemas/{STATUS}"}}, PROTOBUF: {}}
    bad_connection = [refusal for refusal in group if refusal in _BAD_CONNECTION]
    return content | _problems(bad_connection) if bad_connection else content


def _link(link: Link) -> dict[str, JsonValue]:
    made: dict[str, JsonValue] = {"operationId": link.to, "description": link.doc}
    if link.parameters:
        made["parameters"] = dict(link.parameters)
    if link.body:
        made["requestBody"] = dict(link.body)
    return made
