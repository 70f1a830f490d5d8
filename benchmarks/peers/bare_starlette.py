"""One Starlette route that answers with a fixed JSON object: what a request costs at the least.

python bare_starlette.py PORT ANSWER
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

ANSWER = json.loads(sys.argv[2])


async def me(_request: Request) -> JSONResponse:
    """Answer."""
    return JSONResponse(ANSWER)


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route("/api/users/me", me)]),
        port=int(sys.argv[1]),
        http="httptools",
        loop="uvloop",
        ws="none",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
    )
