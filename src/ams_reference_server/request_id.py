"""The id that names a request, in its answer and in every line that is logged while it is served."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar
from typing import Final

__all__ = ["chosen", "current"]

_ACCEPTED: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")

current: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The id of the request that is being served here; the threads of ``readers`` serve many at once and have none."""


def chosen(sent: str) -> str:
    """The id that the client sent as ``X-Request-ID`` if it is fit to be repeated, else a new one."""
    return sent if _ACCEPTED.fullmatch(sent) else secrets.token_hex(16)
