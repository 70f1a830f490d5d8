"""Lists in pages: ``limit`` and an opaque ``cursor`` (keyset paging, so a page never shifts while rows arrive)."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from ams_reference_server.errors import InvalidRequestError
from ams_sdk.wire import FieldError

__all__ = ["PageQuery", "decode_cursor", "encode_cursor", "invalid_cursor"]


def _digits(value: object) -> object:
    # int() would take blanks, signs, underscores and a fraction of nothing as well.
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError("write a whole number")
    return value


class PageQuery(BaseModel):
    """The query parameters that every list knows."""

    limit: Annotated[int, BeforeValidator(_digits)] = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=1024)


def encode_cursor(position: str) -> str:
    """A position in a list, as text that callers hand back and do not read."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """The position that ``encode_cursor`` was given.

    Raises:
        InvalidRequestError: the text is no cursor.
    """
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_cursor() from None


def invalid_cursor() -> InvalidRequestError:
    """The error for a cursor that no answer of this list contained."""
    message = "Send a next_cursor of this list as it was received, or leave it out."
    return InvalidRequestError(errors=[FieldError(field="cursor", code="invalid_cursor", message=message)])
