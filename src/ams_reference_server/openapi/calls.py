"""The table of calls that the OpenAPI document is built from: what each takes, and what it answers when all is well.

What every call of its kind can be refused with follows from its row: ``answers`` adds that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from pydantic import BaseModel

from ams_reference_server.agents.service import AgentQuery
from ams_reference_server.errors import (
    EmailTakenError,
    ExcessiveBodyError,
    InvalidCredentialsError,
    TooManyRequestsError,
)
from ams_reference_server.openapi.otlp_messages import REQUEST, RESPONSE
from ams_reference_server.paging import PageQuery
from ams_reference_server.telemetry.otlp import JSON, PROTOBUF
from ams_reference_server.telemetry.service import TraceQuery
from ams_sdk.wire import (
    Agent,
    AgentRegistration,
    ApiKey,
    ApiKeyRequest,
    Health,
    LoginRequest,
    NewApiKey,
    Page,
    RegisterRequest,
    Token,
    Trace,
    TraceSummary,
    User,
)

if TYPE_CHECKING:
    from ams_reference_server.errors import RequestError

__all__ = ["CALLS", "Answer", "Call", "Content", "Link"]

Content: TypeAlias = Mapping[str, type[BaseModel] | str | None]
"""By content type, the shape: a model, the name of a schema of OTLP, or None for what JSON Schema cannot describe."""


@dataclass(frozen=True, slots=True)
class Link:
    """What can be called with an answer; parameters and body are run-time expressions of OpenAPI."""

    to: str
    doc: str
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Answer:
    """A status that says that the call did its work."""

    status: int
    doc: str
    content: Content = field(default_factory=dict[str, None])
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One method of one path; ``refusals`` are those that not every call of its kind has."""

    name: str
    method: str
    path: str
    tag: str
    summary: str
    answers: tuple[Answer, ...]
    doc: str = ""
    body: Content = field(default_factory=dict[str, None])
    query: type[PageQuery] | None = None
    is_open: bool = False
    refusals: tuple[type[RequestError], ...] = ()


_ACCOUNTS: Final = (
    Call(
        "register",
        "POST",
        "/api/auth/register",
        "accounts",
        "Open an account",
        (
            Answer(
                201,
                "The account.",
                {JSON: User},
                (
                    Link(
                        "logIn",
                        "The address and the password log in.",
                        body={"email": "$request.body#/email", "password": "$request.body#/password"},
                    ),
                ),
            ),
        ),
        "Two spellings of one address are one account. Every rule that a password breaks is named in `errors`.",
        body={JSON: RegisterRequest},
        is_open=True,
        refusals=(EmailTakenError, TooManyRequestsError),
    ),
    Call(
        "logIn",
        "POST",
        "/api/auth/login",
        "accounts",
        "Log in",
        (
            Answer(
                200,
                "An access token.",
                {JSON: Token},
                (
                    Link("me", "With the access token as bearer."),
                    Link("logOut", "With the access token as bearer, which ends it."),
                ),
            ),
        ),
        "An unknown address and a wrong password are answered alike, in the same time.",
        body={JSON: LoginRequest},
        is_open=True,
        refusals=(InvalidCredentialsError, TooManyRequestsError),
    ),
    Call(
        "logOut",
        "POST",
        "/api/auth/logout",
        "accounts",
        "End the access token of this request",
        (Answer(204, "From now on this token is refused, by every process and after a restart."),),
    ),
    Call("me", "GET", "/api/users/me", "accounts", "Who am I", (Answer(200, "The account.", {JSON: User}),)),
    Call(
        "makeKey",
        "POST",
        "/api/keys",
        "keys",
        "Make an API key",
        (
            Answer(
                201,
                "The key, which is shown this once.",
                {JSON: NewApiKey},
                (
                    Link("listKeys", "The list has it, without its secret."),
                    Link("deleteKey", "Its id ends it.", {"key_id": "$response.body#/id"}),
                ),
            ),
        ),
        "For programs that run longer than a login.",
        body={JSON: ApiKeyRequest},
    ),
    Call(
        "listKeys",
        "GET",
        "/api/keys",
        "keys",
        "List API keys",
        (Answer(200, "A page of the account's keys, without their secrets.", {JSON: Page[ApiKey]}),),
        query=PageQuery,
    ),
    Call(
        "deleteKey",
        "DELETE",
        "/api/keys/{key_id}",
        "keys",
        "Delete an API key",
        (Answer(204, "From now on this key is refused."),),
    ),
)

_AGENT_LINKS: Final = (
    Link("getAgent", "By its id.", {"id_or_name": "$response.body#/id"}),
    Link("listAgents", "The list has it."),
)

_AGENTS: Final = (
    Call(
        "registerAgent",
        "POST",
        "/api/agents",
        "agents",
        "Register an agent",
        (
            Answer(200, "Nothing is new but, perhaps, labels.", {JSON: Agent}, _AGENT_LINKS),
            Answer(201, "The agent, or this revision of its code, is new.", {JSON: Agent}, _AGENT_LINKS),
        ),
        "Saying the same twice changes nothing. Labels change in place; whatever else changes makes a new revision.",
        body={JSON: AgentRegistration},
    ),
    Call(
        "listAgents",
        "GET",
        "/api/agents",
        "agents",
        "List agents",
        (Answer(200, "A page of the account's agents, by name.", {JSON: Page[Agent]}),),
        query=AgentQuery,
    ),
    Call(
        "getAgent",
        "GET",
        "/api/agents/{id_or_name}",
        "agents",
        "Read an agent",
        (Answer(200, "The agent with its newest revision.", {JSON: Agent}),),
    ),
)

_TELEMETRY: Final = (
    Call(
        "exportTraces",
        "POST",
        "/v1/traces",
        "telemetry",
        "Take in spans (OTLP/HTTP)",
        (
            Answer(
                200,
                "The spans are on disk; `partialSuccess` says what could not be kept. In the request's content type.",
                {JSON: RESPONSE, PROTOBUF: None},
                (
                    Link("listTraces", "The list has their traces."),
                    Link(
                        "getTrace",
                        "By the trace id of a span.",
                        {"trace_id": "$request.body#/resourceSpans/0/scopeSpans/0/spans/0/traceId"},
                    ),
                ),
            ),
        ),
        "An `ExportTraceServiceRequest`, as it is or packed with gzip or deflate (`Content-Encoding`). "
        "The same trace id and span id twice is one span.",
        body={JSON: REQUEST, PROTOBUF: None},
        refusals=(ExcessiveBodyError,),
    ),
    Call(
        "listTraces",
        "GET",
        "/api/traces",
        "telemetry",
        "List traces",
        (
            Answer(
                200,
                "A page of the account's traces, newest first.",
                {JSON: Page[TraceSummary]},
                (Link("getTrace", "By its id.", {"trace_id": "$response.body#/items/0/trace_id"}),),
            ),
        ),
        query=TraceQuery,
    ),
    Call(
        "getTrace",
        "GET",
        "/api/traces/{trace_id}",
        "telemetry",
        "Read a trace",
        (Answer(200, "The trace with all its spans, oldest start first.", {JSON: Trace}),),
    ),
)

_SERVER: Final = (
    Call(
        "live",
        "GET",
        "/health/live",
        "server",
        "Does the process serve",
        (Answer(200, "It does.", {JSON: Health}),),
        is_open=True,
    ),
    Call(
        "ready",
        "GET",
        "/health/ready",
        "server",
        "Can it do its work",
        (
            Answer(200, "It can.", {JSON: Health}),
            Answer(503, "A part that it needs does not answer; `checks` says which.", {JSON: Health}),
        ),
        is_open=True,
    ),
    Call(
        "openapi",
        "GET",
        "/openapi.json",
        "server",
        "Read this document",
        (Answer(200, "OpenAPI 3.1.", {JSON: None}),),
        is_open=True,
    ),
)

CALLS: Final = (*_ACCOUNTS, *_AGENTS, *_TELEMETRY, *_SERVER)
"""Every call that the server has."""
