"""How many files and sockets the operating system lets this process have open."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

if sys.platform != "win32":
    import resource

__all__ = ["affordable_connections", "raise_limit"]

_RESERVED: Final = 64  # for the database, the listening socket, the log and what is being turned away


def raise_limit() -> None:
    """Let the process have as many as its operating system allows at most (POSIX)."""
    if sys.platform != "win32":
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        # macOS names no limit as the most, and then refuses it.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def affordable_connections(wanted: int) -> int:
    """The wanted number of connections, or as many as there are descriptors for."""
    if sys.platform == "win32":
        return wanted
    present, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if present == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, present - _RESERVED))
