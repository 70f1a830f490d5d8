"""The contract: what every request passes, and which operation answers it."""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from dataclasses import dataclass
from email.utils import format_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from ams_sdk.testing._http import Response
from ams_sdk.testing._platform import bodies, otlp
from ams_sdk.testing._platform.accounts import Accounts
from ams_sdk.testing._platform.agents import AgentQuery, AgentRegistry
from ams_sdk.testing._platform.paging import PageQuery
from ams_sdk.testing._platform.refusals import JSON, PROTOBUF, Refusal, body_of
from ams_sdk.testing._platform.routes import route_of
from ams_sdk.testing._platform.traces import TraceQuery, TraceStore
from ams_sdk.wire import AgentRegistration, ApiKeyRequest, Health, LoginRequest, RegisterRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pydantic import BaseModel

    from ams_sdk.testing._http import Request
    from ams_sdk.testing._platform.routes import OperationName, Route
    from ams_sdk.wire import User

__all__ = ["Exchange", "Gateway"]

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(slots=True)
class Exchange:
    """A request on its way through the platform.

    Attributes:
        request: what was asked.
        path: its path, decoded.
        route: where it goes.
        now: the platform's time.
        request_id: what it is called.
        account: whose it is, or who logs in or registers with it.
        refusal: why it was refused.
        rejects: so many of its last spans are refused.
        elsewhere: the host that it is meant for, if that is not this platform.
    """

    request: Request
    path: str
    route: Route
    now: datetime
    request_id: str
    account: User | None = None
    refusal: Refusal | None = None
    rejects: int = 0
    elsewhere: str | None = None

    @property
    def operation(self) -> OperationName | None:
        """What is asked for; None if the contract does not know it."""
        return None if self.route.operation is None else self.route.operation.name

    @property
    def user(self) -> User:
        """Whose request it is, where that was found out."""
        if self.account is None:
            raise Refusal("unauthenticated")
        return self.account


class Gateway:
    """The platform's state, and the answers of the contract."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.accounts = Accounts(self.lock)
        self.agents = AgentRegistry(self.lock)
        self.traces = TraceStore(self.lock, self.agents)
        self._handlers: dict[OperationName, Callable[[Exchange], Response]] = {
            "register": self._register,
            "login": self._login,
            "logout": self._logout,
            "me": lambda exchange: _json(exchange.user),
            "create_key": self._create_key,
            "list_keys": self._list_keys,
            "delete_key": self._delete_key,
            "register_agent": self._register_agent,
            "list_agents": self._list_agents,
            "get_agent": self._get_agent,
            "export_traces": self._export_traces,
            "list_traces": self._list_traces,
            "get_trace": self._get_trace,
            "health_live": lambda _: _json(Health(status="ok")),
            "health_ready": lambda _: _json(
                Health(status="ok", checks={"database": "ok", "migrations": "ok", "blocklist": "ok"})
            ),
        }

    def begin(self, request: Request, now: datetime) -> Exchange:
        """What is asked for, before anybody has looked at who asks."""
        target = request.path
        if not target.startswith("/") and "://" in target:  # a request to a proxy (RFC 9112, section 3.2.2)
            target = urlsplit(target).path or "/"
        path = unquote(target)
        sent = request.header("x-request-id") or ""
        chosen = sent if _REQUEST_ID.fullmatch(sent) else secrets.token_hex(16)
        return Exchange(request, path, route_of(request.method, path), now, chosen)

    def body_limit(self, exchange: Exchange) -> int:
        """How many bytes of its body are worth reading: a stranger's none."""
        try:
            self._authenticate(exchange)
        except Refusal:
            return 0
        operation = exchange.route.operation
        return otlp.OTLP_LIMIT if operation is not None and operation.body == "otlp" else bodies.API_LIMIT

    def answer(self, exchange: Exchange) -> Response:
        """The answer of the contract; why a request is refused is kept with it."""
        exchange.refusal = None
        try:
            self._authenticate(exchange)
            operation = exchange.route.operation
            if operation is not None:
                return self._handlers[operation.name](exchange)
            if exchange.route.allowed:
                raise Refusal("method_not_allowed", headers=[("allow", ", ".join(exchange.route.allowed))])  # noqa: TRY301 -- all refusals go one way
            raise Refusal("not_found")  # noqa: TRY301 -- the same
        except Refusal as refusal:
            return self.refuse(exchange, refusal)

    def refuse(self, exchange: Exchange, refusal: Refusal) -> Response:
        """The answer that tells of a refusal."""
        exchange.refusal = refusal
        media_type, _ = bodies.media_type_of(exchange.request)
        kind, body = body_of(refusal, exchange.path, media_type, exchange.request_id)
        headers = [("content-type", kind), *refusal.headers]
        if exchange.request.is_cut and ("connection", "close") not in headers:
            headers.append(("connection", "close"))  # what is left of the body would be read only to be dropped
        return Response(refusal.status, tuple(headers), body)

    def finished(self, exchange: Exchange, response: Response) -> Response:
        """The answer with the headers that every one carries."""
        carried = {name.lower() for name, _ in response.headers}
        always = [
            ("x-request-id", exchange.request_id),
            ("x-content-type-options", "nosniff"),
            ("date", format_datetime(exchange.now, usegmt=True)),
        ]
        if exchange.path.startswith("/api/"):
            always.append(("cache-control", "no-store"))
        more = tuple(header for header in always if header[0] not in carried)
        return Response(response.status, (*response.headers, *more), response.body, response.delay, response.ending)

    def bearer_of(self, request: Request) -> str:
        """The credential that a request shows.

        Raises:
            Refusal: 401, it shows none, or two.
        """
        sent = request.headers_named("authorization")
        if len(sent) > 1:
            raise Refusal("invalid_token")
        scheme, _, credential = (sent[0] if sent else "").partition(" ")
        if scheme.lower() != "bearer":
            raise Refusal("unauthenticated")
        return credential.strip(" ")

    def identify(self, exchange: Exchange) -> None:
        """Find out whose request it is, if that can be found out, where nothing depends on it."""
        with contextlib.suppress(Refusal):
            self._authenticate(exchange)

    def _authenticate(self, exchange: Exchange) -> None:
        if not exchange.route.is_open:
            exchange.account = self.accounts.authenticate(self.bearer_of(exchange.request), exchange.now)

    def _register(self, exchange: Exchange) -> Response:
        user = self.accounts.register(bodies.read_json(exchange.request, RegisterRequest), exchange.now)
        exchange.account = user
        return _json(user, 201)

    def _login(self, exchange: Exchange) -> Response:
        wanted = bodies.read_json(exchange.request, LoginRequest)
        token, exchange.account = self.accounts.log_in(wanted, exchange.now)
        return _json(token)

    def _logout(self, exchange: Exchange) -> Response:
        self.accounts.log_out(self.bearer_of(exchange.request))
        return Response(204)

    def _create_key(self, exchange: Exchange) -> Response:
        wanted = bodies.read_json(exchange.request, ApiKeyRequest)
        return _json(self.accounts.create_key(exchange.user, wanted, exchange.now), 201)

    def _list_keys(self, exchange: Exchange) -> Response:
        return _json(self.accounts.list_keys(exchange.user, bodies.read_query(exchange.request, PageQuery)))

    def _delete_key(self, exchange: Exchange) -> Response:
        self.accounts.delete_key(exchange.user, exchange.route.argument)
        return Response(204)

    def _register_agent(self, exchange: Exchange) -> Response:
        wanted = bodies.read_json(exchange.request, AgentRegistration)
        agent, is_new = self.agents.register(exchange.user.id, wanted, exchange.now)
        return _json(agent, 201 if is_new else 200)

    def _list_agents(self, exchange: Exchange) -> Response:
        return _json(self.agents.page(exchange.user.id, bodies.read_query(exchange.request, AgentQuery)))

    def _get_agent(self, exchange: Exchange) -> Response:
        return _json(self.agents.find(exchange.user.id, exchange.route.argument))

    def _export_traces(self, exchange: Exchange) -> Response:
        media_type, _ = bodies.media_type_of(exchange.request)
        if media_type not in {PROTOBUF, JSON}:
            raise Refusal("unsupported_media_type", f"Send the body as {PROTOBUF} or {JSON}.")
        if exchange.request.is_cut:
            raise bodies.too_large(otlp.OTLP_LIMIT)
        encoding = (exchange.request.header("content-encoding") or "").strip().lower()
        batch = otlp.decode(otlp.unpack(exchange.request.body, encoding), media_type)
        if exchange.rejects:
            batch.refuse_last(exchange.rejects)
        self.traces.take_in(exchange.user.id, batch.spans)
        return Response(200, (("content-type", media_type),), otlp.answer(batch, media_type))

    def _list_traces(self, exchange: Exchange) -> Response:
        return _json(self.traces.page(exchange.user.id, bodies.read_query(exchange.request, TraceQuery)))

    def _get_trace(self, exchange: Exchange) -> Response:
        return _json(self.traces.find(exchange.user.id, exchange.route.argument))


def _json(document: BaseModel, status: int = 200) -> Response:
    return Response(status, (("content-type", JSON),), document.model_dump_json().encode())
