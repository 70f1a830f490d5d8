"""An answer that is no success: ``application/problem+json`` (RFC 9457), for OTLP a ``google.rpc.Status`` in kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]  # has stubs, no py.typed

from ams_sdk.wire import FieldError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["JSON", "PROTOBUF", "Refusal", "body_of", "broken_rule", "refusal_with"]

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
_BEARER: Final = 'Bearer realm="ams"'


class _Kind(NamedTuple):
    status: int
    title: str
    detail: str
    challenge: str = ""


_KINDS: Final = {
    "malformed": _Kind(400, "Malformed body", "The body is not well-formed JSON in UTF-8."),
    "unauthenticated": _Kind(
        401, "Not authenticated", "Log in or make an API key, and send it as 'Authorization: Bearer …'.", _BEARER
    ),
    "invalid_token": _Kind(
        401,
        "Invalid token",
        "The credential is not valid. Log in again, or use another API key.",
        f'{_BEARER}, error="invalid_token"',
    ),
    "token_expired": _Kind(
        401,
        "Token expired",
        "The credential has expired. Log in again, or make another API key.",
        f'{_BEARER}, error="invalid_token", error_description="The credential has expired"',
    ),
    "invalid_credentials": _Kind(401, "Invalid credentials", "The e-mail address or the password is wrong.", _BEARER),
    "not_found": _Kind(404, "Not found", "There is nothing here under this address."),
    "method_not_allowed": _Kind(
        405,
        "Method not allowed",
        "This path does not know this method; the Allow header lists those that it knows.",
    ),
    "email_taken": _Kind(409, "Address taken", "This e-mail address is registered already. Log in instead."),
    "body_too_large": _Kind(413, "Body too large", "The body is too large."),
    "body_excessive": _Kind(
        413, "Body too large", "The body takes more memory than there is. Send its spans in several requests."
    ),
    "misdirected": _Kind(421, "Misdirected request", "This platform does not answer for this host."),
    "unsupported_media_type": _Kind(415, "Unsupported media type", "Send the body as application/json in UTF-8."),
    "validation": _Kind(422, "Invalid request", "The request breaks a rule; see 'errors'."),
    "too_many_requests": _Kind(429, "Too many requests", "There were too many attempts."),
    "internal": _Kind(500, "Internal error", "The server failed. Its log has the details under the request id."),
    "unavailable": _Kind(503, "Unavailable", "The store does not answer now. Try again in a moment."),
}

_CODES: Final = {
    400: "malformed",
    401: "invalid_token",
    404: "not_found",
    405: "method_not_allowed",
    409: "email_taken",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "validation",
    429: "too_many_requests",
    500: "internal",
    503: "unavailable",
}

_RPC_CODES: Final = {
    400: code_pb2.INVALID_ARGUMENT,
    401: code_pb2.UNAUTHENTICATED,
    403: code_pb2.PERMISSION_DENIED,
    404: code_pb2.NOT_FOUND,
    405: code_pb2.UNIMPLEMENTED,
    408: code_pb2.DEADLINE_EXCEEDED,
    409: code_pb2.ALREADY_EXISTS,
    429: code_pb2.RESOURCE_EXHAUSTED,
    502: code_pb2.UNAVAILABLE,
    503: code_pb2.UNAVAILABLE,
    504: code_pb2.DEADLINE_EXCEEDED,
}


class Refusal(Exception):  # noqa: N818 -- it is an answer, which travels up as an exception does
    """A request that is refused.

    Args:
        code: the contract's stable name for it.
        detail: what was wrong; the name's own words if not given.
        status: for a code that the contract does not know.
        errors: one entry for each broken rule.
        headers: what the answer must carry besides the body.
    """

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        status: int = 500,
        errors: Sequence[FieldError] = (),
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        kind = _KINDS.get(code) or _Kind(status, "Refused", "The platform refuses this request.")
        self.code = code
        self.status = kind.status
        self.title = kind.title
        self.detail = detail or kind.detail
        self.errors = tuple(errors)
        challenge = (("www-authenticate", kind.challenge),) if kind.challenge else ()
        self.headers = (*challenge, *headers)
        super().__init__(self.detail)

    def __str__(self) -> str:
        broken = "; ".join(f"{error.field or 'the body'}: {error.message}" for error in self.errors)
        return f"{self.code}: {broken or self.detail}"


def refusal_with(status: int, headers: Sequence[tuple[str, str]] = ()) -> Refusal:
    """The refusal that the contract has for a status, or one of no name."""
    return Refusal(_CODES.get(status, f"status_{status}"), status=status, headers=headers)


def broken_rule(field: str, code: str, message: str) -> Refusal:
    """The refusal of a request that breaks one rule."""
    return Refusal("validation", errors=[FieldError(field=field, code=code, message=message)])


def body_of(refusal: Refusal, path: str, media_type: str, request_id: str) -> tuple[str, bytes]:
    """The content type and the body that tell the client about it, in what its path speaks.

    Args:
        refusal: what is told.
        path: of the request.
        media_type: of the request; an exporter is answered in kind.
        request_id: what the request is called.
    """
    if path.startswith("/v1/"):
        return _status(refusal, media_type)
    problem = Problem(
        title=refusal.title,
        status=refusal.status,
        detail=refusal.detail,
        code=refusal.code,
        request_id=request_id,
        errors=list(refusal.errors) or None,
    )
    return "application/problem+json", problem.model_dump_json(exclude_none=True).encode()


def _status(refusal: Refusal, media_type: str) -> tuple[str, bytes]:
    default = code_pb2.INTERNAL if refusal.status >= 500 else code_pb2.INVALID_ARGUMENT  # noqa: PLR2004 -- HTTP's classes
    status = status_pb2.Status(code=_RPC_CODES.get(refusal.status, default), message=refusal.detail)
    if refusal.status == 400:  # noqa: PLR2004 -- OTLP asks for the details of bad data only
        violation = error_details_pb2.BadRequest.FieldViolation(field="body", description=refusal.detail)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    if media_type == PROTOBUF:
        return PROTOBUF, status.SerializeToString()
    return JSON, json_format.MessageToJson(status, indent=None).encode()
