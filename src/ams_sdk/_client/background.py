"""What the SDK does on its own account must not fill the program's log: httpx tells of every request at level INFO."""

from __future__ import annotations

import logging
import threading
from typing import Final

__all__ = ["THREADS", "keep_quiet"]

THREADS: Final = "ams-sdk "
"""How the names of the SDK's own threads begin."""

_LOGGERS: Final = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy")


def keep_quiet() -> None:
    """Drop what the HTTP client logs in the SDK's own threads; the program's own use of it is not touched."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_not_ours)  # adding it again changes nothing


def _not_ours(_record: logging.LogRecord) -> bool:
    return not threading.current_thread().name.startswith(THREADS)
