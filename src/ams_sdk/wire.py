"""The shapes on the wire: what the SDK and a platform say to each other in JSON.

Requests refuse unknown fields, so that a misspelt one is an error and not a silent loss; answers ignore them, so that
an older SDK works with a newer platform. Times are RFC 3339 in UTC, ids are UUID strings.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, ClassVar, Generic, Literal, TypeVar
from uuid import UUID  # noqa: TC003 -- pydantic needs it at run time

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

__all__ = [
    "AGENT_NAME_PATTERN",
    "Agent",
    "AgentName",
    "AgentRegistration",
    "AgentRevision",
    "AgentStatus",
    "AgentTool",
    "ApiKey",
    "ApiKeyRequest",
    "FieldError",
    "Health",
    "LoginRequest",
    "NewApiKey",
    "Page",
    "Problem",
    "RegisterRequest",
    "Skill",
    "Span",
    "SpanEvent",
    "SpanKind",
    "SpanLink",
    "SpanStatus",
    "Timestamp",
    "Token",
    "Trace",
    "TraceStatus",
    "TraceSummary",
    "User",
]

AGENT_NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"
"""What an agent may be called: it stands in URLs and in span names, so 1 to 128 of these characters."""

AgentName = Annotated[str, Field(pattern=AGENT_NAME_PATTERN)]
AgentStatus = Literal["active", "deprecated"]
SpanKind = Literal["internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]
TraceStatus = Literal["ok", "error"]

T = TypeVar("T")


def _no_number(value: object) -> object:
    # pydantic would take a number for seconds since 1970, or milliseconds, by its size.
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError("write a time as RFC 3339 has it, for example 2027-01-31T12:00:00Z")


_DATE = re.compile(r"\d{4}-\d\d-\d\d")
Timestamp = Annotated[AwareDatetime, BeforeValidator(_no_number)]
"""A time that somebody sends: RFC 3339 with a zone, and never a number."""


class _Request(BaseModel):
    """What is sent to a platform: an unknown field is an error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class _Answer(BaseModel):
    """What a platform answers: an unknown field is ignored."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore", frozen=True)


# --- everywhere -------------------------------------------------------------------------------------------------------


class FieldError(_Answer):
    """One broken rule of a request body; ``field`` is a dotted path, empty for the body as a whole."""

    field: str
    code: str
    message: str


class Problem(_Answer):
    """An error as ``application/problem+json`` (RFC 9457); ``code`` is stable and meant for programs."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None = None
    errors: list[FieldError] | None = None


class Page(_Answer, Generic[T]):
    """One page of a list; ``next_cursor`` is opaque and None on the last page."""

    items: list[T]
    next_cursor: str | None = None


class Health(_Answer):
    """Whether the platform serves; ``checks`` names each part that was asked."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str] = Field(default_factory=dict)


# --- accounts ---------------------------------------------------------------------------------------------------------


class RegisterRequest(_Request):
    """Body of ``POST /api/auth/register``; the platform checks the address and the password."""

    email: str
    password: str
    name: str | None = Field(default=None, max_length=200)


class LoginRequest(_Request):
    """Body of ``POST /api/auth/login``."""

    email: str
    password: str


class Token(_Answer):
    """A login: send ``access_token`` as a bearer (RFC 6750) for the next ``expires_in`` seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 -- RFC 6750's name of the scheme
    expires_in: int


class User(_Answer):
    """An account."""

    id: UUID
    email: str
    name: str | None = None
    created_at: AwareDatetime
    updated_at: AwareDatetime


class ApiKeyRequest(_Request):
    """Body of ``POST /api/keys``; without ``expires_at`` the key lasts until it is deleted."""

    name: str = Field(min_length=1, max_length=200)
    expires_at: Timestamp | None = None


class ApiKey(_Answer):
    """A key of an account, without its secret; ``prefix`` is how it begins, so that people know it again."""

    id: UUID
    name: str
    prefix: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    last_used_at: AwareDatetime | None = None


class NewApiKey(ApiKey):
    """A key that was just made; ``key`` is shown this once, and used as a bearer (RFC 6750) like an access token."""

    key: str


# --- agents -----------------------------------------------------------------------------------------------------------


class AgentTool(_Request):
    """A tool that an agent may call; ``input_schema`` is JSON Schema."""

    name: str = Field(min_length=1, max_length=128)
    description: str | None = Field(default=None, max_length=4096)
    input_schema: dict[str, JsonValue] | None = None


class Skill(_Request):
    """What an agent is good at, as an A2A agent card (spec 1.0) says it."""

    id: str = Field(min_length=1, max_length=128)
    name: str = Field(min_length=1, max_length=128)
    description: str = Field(max_length=4096)
    tags: list[str] = Field(default_factory=list)


class AgentRegistration(_Request):
    """Body of ``POST /api/agents``; saying the same twice changes nothing."""

    name: AgentName
    version: str = Field(min_length=1, max_length=128)
    description: str | None = Field(default=None, max_length=4096)
    fingerprint: str | None = Field(default=None, max_length=128)
    input_schema: dict[str, JsonValue] | None = None
    output_schema: dict[str, JsonValue] | None = None
    tools: list[AgentTool] = Field(default_factory=list[AgentTool], max_length=256)
    skills: list[Skill] = Field(default_factory=list[Skill], max_length=256)
    model: str | None = Field(default=None, max_length=256)
    framework: str | None = Field(default=None, max_length=128)
    sdk: str | None = Field(default=None, max_length=128)
    labels: dict[str, str] = Field(default_factory=dict)


class AgentRevision(_Answer):
    """One immutable state of an agent's code and interface, numbered from 1."""

    number: int
    version: str
    fingerprint: str | None = None
    input_schema: dict[str, JsonValue] | None = None
    output_schema: dict[str, JsonValue] | None = None
    tools: list[AgentTool] = Field(default_factory=list[AgentTool])
    skills: list[Skill] = Field(default_factory=list[Skill])
    model: str | None = None
    framework: str | None = None
    sdk: str | None = None
    created_at: AwareDatetime


class Agent(_Answer):
    """An agent: its identity, and the newest revision of its code."""

    id: UUID
    name: str
    description: str | None = None
    status: AgentStatus
    labels: dict[str, str] = Field(default_factory=dict)
    created_at: AwareDatetime
    updated_at: AwareDatetime
    revision: AgentRevision


# --- telemetry --------------------------------------------------------------------------------------------------------


class SpanEvent(_Answer):
    """Something that happened during a span."""

    name: str
    at: AwareDatetime
    attributes: dict[str, JsonValue] = Field(default_factory=dict)


class SpanLink(_Answer):
    """A span that this one is related to without being its child."""

    trace_id: str
    span_id: str
    attributes: dict[str, JsonValue] = Field(default_factory=dict)


class Span(_Answer):
    """One finished operation; ids are lower-case hex as in W3C Trace Context, ``duration_ns`` is exact."""

    trace_id: str
    span_id: str
    parent_span_id: str | None = None
    name: str
    kind: SpanKind
    status: SpanStatus
    status_message: str | None = None
    started_at: AwareDatetime
    duration_ns: int
    attributes: dict[str, JsonValue] = Field(default_factory=dict)
    events: list[SpanEvent] = Field(default_factory=list[SpanEvent])
    links: list[SpanLink] = Field(default_factory=list[SpanLink])
    scope_name: str | None = None
    scope_version: str | None = None
    resource: dict[str, JsonValue] = Field(default_factory=dict)


class TraceSummary(_Answer):
    """One trace in a list; ``error`` is the error type of the root, or of the first failed span without one."""

    trace_id: str
    root_name: str | None = None
    agent: str | None = None
    agent_id: UUID | None = None
    session: str | None = None
    status: TraceStatus
    started_at: AwareDatetime
    duration_ns: int
    span_count: int
    error_count: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    error: str | None = None


class Trace(TraceSummary):
    """A trace with all its spans, oldest start first."""

    spans: list[Span]
