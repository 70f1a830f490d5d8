"""The registry's calls in HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from ams_reference_server.agents.service import AgentQuery
from ams_reference_server.caller import caller_of
from ams_reference_server.inputs import read_json, read_query
from ams_sdk.wire import AgentRegistration

if TYPE_CHECKING:
    from starlette.requests import Request

    from ams_reference_server.agents.service import Agents

__all__ = ["AgentRoutes"]

_JSON = "application/json"


class AgentRoutes:
    """Translates between HTTP and ``Agents``.

    Args:
        agents: what does the work.
        body_limit: the largest JSON body, in bytes.
    """

    def __init__(self, agents: Agents, body_limit: int) -> None:
        self._agents = agents
        self._body_limit = body_limit

    def routes(self) -> list[Route]:
        """What to mount."""
        return [
            # One route for both methods, so that a 405 lists them both.
            Route("/api/agents", self.collection, methods=["GET", "POST"]),
            Route("/api/agents/{id_or_name}", self.one, methods=["GET"]),
        ]

    async def collection(self, request: Request) -> Response:
        """``POST`` and ``GET /api/agents``."""
        owner_id = caller_of(request).user.id
        if request.method == "POST":
            wanted = await read_json(request, AgentRegistration, self._body_limit)
            agent, is_new = await self._agents.register(owner_id, wanted)
            return Response(agent.model_dump_json(), 201 if is_new else 200, media_type=_JSON)
        page = await self._agents.page(owner_id, read_query(request, AgentQuery))
        return Response(page.model_dump_json(), media_type=_JSON)

    async def one(self, request: Request) -> Response:
        """``GET /api/agents/{id or name}``."""
        agent = await self._agents.find(caller_of(request).user.id, request.path_params["id_or_name"])
        return Response(agent.model_dump_json(), media_type=_JSON)
