"""What comes with a request, read within limits and checked: bodies and query parameters become models."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ValidationError

from ams_reference_server.errors import (
    BodyTooLargeError,
    InvalidRequestError,
    MalformedError,
    UnsupportedMediaTypeError,
)
from ams_sdk.wire import FieldError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import JsonValue
    from starlette.requests import Request

__all__ = ["content_type", "read_body", "read_json", "read_query"]

_DEEPEST: Final = 64
_LONGEST_FIELD: Final = 200
_FIRST_SURROGATE, _LAST_SURROGATE = "\ud800", "\udfff"

M = TypeVar("M", bound=BaseModel)


def content_type(request: Request) -> tuple[str, dict[str, str]]:
    """The media type in lower case, and its parameters (RFC 9110, section 8.3.1)."""
    media_type, *rest = request.headers.get("content-type", "").lower().split(";")
    parameters = (part.partition("=") for part in rest)
    return media_type.strip(), {name.strip(): value.strip().strip('"') for name, _, value in parameters}


async def read_body(request: Request, limit: int) -> bytes:
    """The body's bytes.

    Raises:
        BodyTooLargeError: more than ``limit`` bytes are announced or arrive; reading stops there.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise BodyTooLargeError(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLargeError(limit)
    return bytes(body)


async def read_json(request: Request, model: type[M], limit: int) -> M:
    """The JSON body as a model.

    Raises:
        UnsupportedMediaTypeError: it is not sent as JSON in UTF-8.
        BodyTooLargeError: it has more than ``limit`` bytes.
        MalformedError: it is not JSON, or nested absurdly deep.
        InvalidRequestError: its shape is wrong.
    """
    media_type, parameters = content_type(request)
    if media_type != "application/json" or parameters.get("charset", "utf-8") not in {"utf-8", "utf8"}:
        raise UnsupportedMediaTypeError
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaTypeError("Send the body as it is, without a Content-Encoding.")
    body = await read_body(request, limit)
    try:
        value: JsonValue = json.loads(body.decode(), parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise MalformedError from None
    return _validated(model, value)


def read_query(request: Request, model: type[M]) -> M:
    """The query parameters as a model; those that the model does not know are ignored.

    Raises:
        InvalidRequestError: a value breaks a rule.
    """
    return _validated(model, dict(request.query_params))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is larger than any number that can be kept")
    return number


def _validated(model: type[M], value: JsonValue) -> M:
    if errors := list(_unstorable(value)):
        raise InvalidRequestError(errors=errors)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        broken = error.errors(include_url=False, include_input=False, include_context=False)
        raise InvalidRequestError(
            errors=[
                FieldError(field=_dotted(entry["loc"]), code=entry["type"], message=entry["msg"]) for entry in broken
            ]
        ) from None


def _dotted(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in path)[:_LONGEST_FIELD]


def _unstorable(value: JsonValue) -> Iterator[FieldError]:
    """Strings that no database keeps: NUL (PostgreSQL) and lone surrogates (UTF-8), in keys and in values."""
    waiting: list[tuple[tuple[int | str, ...], JsonValue]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if len(path) > _DEEPEST:
            raise MalformedError(f"The body is nested deeper than {_DEEPEST} levels.")
        if isinstance(item, str):
            if _is_unstorable(item):
                message = "NUL and unpaired surrogates are not text."
                yield FieldError(field=_dotted(path), code="invalid_text", message=message)
        elif isinstance(item, dict):
            yield from _unstorable_keys(path, item)
            waiting += [((*path, key), inner) for key, inner in item.items() if not _is_unstorable(key)]
        elif isinstance(item, list):
            waiting += [((*path, index), inner) for index, inner in enumerate(item)]


def _unstorable_keys(path: tuple[int | str, ...], item: Mapping[str, JsonValue]) -> Iterator[FieldError]:
    if any(map(_is_unstorable, item)):
        message = "A field's name holds NUL or an unpaired surrogate."
        yield FieldError(field=_dotted(path), code="invalid_text", message=message)


def _is_unstorable(text: str) -> bool:
    return "\0" in text or any(_FIRST_SURROGATE <= character <= _LAST_SURROGATE for character in text)
