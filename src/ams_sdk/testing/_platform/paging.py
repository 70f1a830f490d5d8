"""Lists in pages: ``limit`` and an opaque ``cursor``."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, Field

from ams_sdk.testing._platform.refusals import broken_rule

if TYPE_CHECKING:
    from ams_sdk.testing._platform.refusals import Refusal

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
        Refusal: 422, the text is no cursor.
    """
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_cursor() from None


def invalid_cursor() -> Refusal:
    """The refusal of a cursor that no answer of this list contained."""
    message = "Send a next_cursor of this list as it was received, or leave it out."
    return broken_rule("cursor", "invalid_cursor", message)
