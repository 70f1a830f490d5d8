"""Errors as both of OpenAI's interfaces write them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._model.document import Refused

if TYPE_CHECKING:
    from ams_sdk.testing._model.step import Failure

__all__ = ["document", "error_object", "refused"]

_USUAL: Final[dict[int, tuple[str, str | None]]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", None),
    429: ("requests", "rate_limit_exceeded"),
}
_SERVER: Final = 500


def refused(failure: Failure) -> Refused:
    """A scripted error as one that a request meets."""
    message = failure.message or f"{phrase(failure.status)} (scripted)."
    return Refused(message, status=failure.status, code=failure.code)


def phrase(status: int) -> str:
    """What a status is called."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # such as Anthropic's 529
        return "Overloaded" if status == 529 else f"Error {status}"  # noqa: PLR2004 -- that one


def error_object(problem: Refused) -> dict[str, object]:
    """What stands under ``error``."""
    fallback = ("server_error", None) if problem.status >= _SERVER else ("invalid_request_error", None)
    kind, code = _USUAL.get(problem.status, fallback)
    if problem.code == "insufficient_quota":
        kind = problem.code
    return {"message": problem.message, "type": kind, "param": problem.param, "code": problem.code or code}


def document(problem: Refused) -> dict[str, object]:
    """An error as a document."""
    return {"error": error_object(problem)}
