"""``python -m ams_reference_server``."""

from __future__ import annotations

import sys
from typing import Final

__all__: list[str] = []

_EXTRA: Final = frozenset(
    {
        "alembic",
        "anyio",
        "bcrypt",
        "httptools",
        "jose",
        "limits",
        "passlib",
        "sqlalchemy",
        "sqlmodel",
        "starlette",
        "uvicorn",
        "uvloop",
    }
)
_MISSING_EXTRA: Final = 3

try:
    from ams_reference_server.command_line import main
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] not in _EXTRA:
        raise
    sys.stderr.write(
        "python -m ams_reference_server needs the extra 'server', which is not installed. "
        "In the ams-sdk checkout run: python -m pip install '.[server]'\n"
    )
    sys.exit(_MISSING_EXTRA)

if __name__ == "__main__":
    sys.exit(main())
