"""What comes with a request, checked: a body or a query becomes a model of the wire."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from ams_sdk.testing._platform.refusals import JSON, Refusal
from ams_sdk.wire import FieldError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import JsonValue

    from ams_sdk.testing._http import Request

__all__ = ["API_LIMIT", "media_type_of", "query_of", "read_json", "read_query", "too_large"]

API_LIMIT: Final = 65_536
"""Bytes of a JSON body."""

_DEEPEST: Final = 64
_LONGEST_FIELD: Final = 200
_FIRST_SURROGATE, _LAST_SURROGATE = "\ud800", "\udfff"

M = TypeVar("M", bound=BaseModel)


def media_type_of(request: Request) -> tuple[str, dict[str, str]]:
    """The media type in lower case, and its parameters (RFC 9110, section 8.3.1)."""
    media_type, *rest = (request.header("content-type") or "").lower().split(";")
    parameters = (part.partition("=") for part in rest)
    return media_type.strip(), {name.strip(): value.strip().strip('"') for name, _, value in parameters}


def too_large(limit: int, what: str = "body") -> Refusal:
    """The refusal of a body over the limit; what is left of it is not read, so the connection ends."""
    return Refusal("body_too_large", f"The {what} is larger than {limit} bytes.", headers=[("connection", "close")])


def read_json(request: Request, model: type[M]) -> M:
    """The JSON body as a model.

    Raises:
        Refusal: 415, 413, 400 or 422, in the order in which they are found.
    """
    media_type, parameters = media_type_of(request)
    if media_type != JSON or parameters.get("charset", "utf-8") not in {"utf-8", "utf8"}:
        raise Refusal("unsupported_media_type")
    if (request.header("content-encoding") or "identity").strip().lower() != "identity":
        raise Refusal("unsupported_media_type", "Send the body as it is, without a Content-Encoding.")
    if request.is_cut:
        raise too_large(API_LIMIT)
    try:
        value: JsonValue = json.loads(request.body.decode(), parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise Refusal("malformed") from None
    return _validated(model, value)


def query_of(request: Request) -> dict[str, str]:
    """The query's parameters, decoded; of one that is repeated, the last."""
    return dict(parse_qsl(request.query, keep_blank_values=True))


def read_query(request: Request, model: type[M]) -> M:
    """The query as a model; parameters that the model does not know are ignored.

    Raises:
        Refusal: 422, a value breaks a rule.
    """
    return _validated(model, dict(query_of(request)))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is larger than any number that can be kept")
    return number


def _validated(model: type[M], value: JsonValue | dict[str, str]) -> M:
    if errors := list(_unstorable(value)):  # type: ignore[arg-type]  # texts are JSON
        raise Refusal("validation", errors=errors)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        broken = error.errors(include_url=False, include_input=False, include_context=False)
        errors = [FieldError(field=_dotted(entry["loc"]), code=entry["type"], message=entry["msg"]) for entry in broken]
        raise Refusal("validation", errors=errors) from None


def _dotted(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in path)[:_LONGEST_FIELD]


def _unstorable(value: JsonValue) -> Iterator[FieldError]:
    """Strings that no database keeps: NUL (PostgreSQL) and lone surrogates (UTF-8), in keys and in values."""
    waiting: list[tuple[tuple[int | str, ...], JsonValue]] = [((), value)]
    while waiting:
        path, item = waiting.pop()
        if len(path) > _DEEPEST:
            raise Refusal("malformed", f"The body is nested deeper than {_DEEPEST} levels.")
        if isinstance(item, str):
            if _is_unstorable(item):
                yield _not_text(path, "NUL and unpaired surrogates are not text.")
        elif isinstance(item, dict):
            yield from _unstorable_keys(path, item)
            waiting += [((*path, key), inner) for key, inner in item.items() if not _is_unstorable(key)]
        elif isinstance(item, list):
            waiting += [((*path, index), inner) for index, inner in enumerate(item)]


def _unstorable_keys(path: tuple[int | str, ...], item: Mapping[str, JsonValue]) -> Iterator[FieldError]:
    if any(map(_is_unstorable, item)):
        yield _not_text(path, "A field's name holds NUL or an unpaired surrogate.")


def _not_text(path: tuple[int | str, ...], message: str) -> FieldError:
    return FieldError(field=_dotted(path), code="invalid_text", message=message)


def _is_unstorable(text: str) -> bool:
    return "\0" in text or any(_FIRST_SURROGATE <= character <= _LAST_SURROGATE for character in text)
