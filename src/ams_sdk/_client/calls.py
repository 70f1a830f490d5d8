"""The platform's calls as data: each is written here once, and both clients send it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, Literal, TypeVar
from urllib.parse import quote

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from ams_sdk._errors import ConfigurationError
from ams_sdk.wire import (
    Agent,
    AgentRegistration,
    ApiKey,
    ApiKeyRequest,
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
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from ams_sdk.wire import AgentStatus, TraceStatus

__all__ = [
    "Call",
    "create_key",
    "delete_key",
    "get_agent",
    "get_trace",
    "list_agents",
    "list_keys",
    "list_traces",
    "login",
    "logout",
    "me",
    "register",
    "register_agent",
]

T = TypeVar("T")
B = TypeVar("B", bound="BaseModel")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call of the platform's HTTP contract.

    Args:
        method: the HTTP method.
        path: the path below the endpoint, percent-encoded (RFC 3986).
        parse: turns the body of a successful answer into what the caller gets; raises ValueError (pydantic's is one).
        params: the query.
        body: the JSON body; not in the repr, since it may hold a password.
        needs_credential: whether the bearer is sent.
    """

    method: Literal["DELETE", "GET", "POST"]
    path: str
    parse: Callable[[bytes], T]
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = field(default=None, repr=False)
    needs_credential: bool = True


def register(email: str, password: str, name: str | None = None) -> Call[User]:
    """Create an account."""
    body = _body(RegisterRequest, email=email, password=password, name=name)
    return Call("POST", "/api/auth/register", User.model_validate_json, body=body, needs_credential=False)


def login(email: str, password: str) -> Call[Token]:
    """Get a token for an account."""
    body = _body(LoginRequest, email=email, password=password)
    return Call("POST", "/api/auth/login", _token, body=body, needs_credential=False)


def logout() -> Call[None]:
    """Revoke the credential that is sent."""
    return Call("POST", "/api/auth/logout", _nothing)


def me() -> Call[User]:
    """Read one's own profile."""
    return Call("GET", "/api/users/me", User.model_validate_json)


def create_key(name: str, expires_at: datetime | None = None) -> Call[NewApiKey]:
    """Make an API key."""
    body = _body(ApiKeyRequest, name=name, expires_at=expires_at)
    return Call("POST", "/api/keys", NewApiKey.model_validate_json, body=body)


def list_keys(*, limit: int | None = None, cursor: str | None = None) -> Call[Page[ApiKey]]:
    """List one's API keys, newest first, a page at a time."""
    return Call("GET", "/api/keys", Page[ApiKey].model_validate_json, _params(limit=limit, cursor=cursor))


def delete_key(key_id: object) -> Call[None]:
    """Delete an API key."""
    return Call("DELETE", f"/api/keys/{_segment(key_id, 'an API key')}", _nothing)


def register_agent(registration: AgentRegistration) -> Call[Agent]:
    """Register an agent, or a new revision of it."""
    return Call("POST", "/api/agents", Agent.model_validate_json, body=_json(registration))


def list_agents(
    *, status: AgentStatus | None = None, q: str | None = None, limit: int | None = None, cursor: str | None = None
) -> Call[Page[Agent]]:
    """List one's agents, a page at a time."""
    params = _params(status=status, q=q, limit=limit, cursor=cursor)
    return Call("GET", "/api/agents", Page[Agent].model_validate_json, params)


def get_agent(id_or_name: object) -> Call[Agent]:
    """Read one agent."""
    return Call("GET", f"/api/agents/{_segment(id_or_name, 'an agent')}", Agent.model_validate_json)


def list_traces(  # noqa: PLR0913 -- the filters of the contract, keyword-only
    *,
    agent: str | None = None,
    status: TraceStatus | None = None,
    session: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    min_duration: float | None = None,
    q: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[TraceSummary]]:
    """List one's traces, newest first, a page at a time."""
    params = _params(
        agent=agent,
        status=status,
        session=session,
        since=_time(since, "since"),
        until=_time(until, "until"),
        min_duration=min_duration,
        q=q,
        limit=limit,
        cursor=cursor,
    )
    return Call("GET", "/api/traces", Page[TraceSummary].model_validate_json, params)


def get_trace(trace_id: str) -> Call[Trace]:
    """Read one trace with all its spans."""
    return Call("GET", f"/api/traces/{_segment(trace_id, 'a trace')}", Trace.model_validate_json)


def _token(content: bytes) -> Token:
    token = Token.model_validate_json(content)
    # What is no header value would be quoted by the error of the next call (RFC 6750, section 2.1, allows less still).
    if not (token.access_token.isascii() and token.access_token.isprintable() and " " not in token.access_token):
        raise ValueError("the token cannot be sent as a bearer")
    return token


def _nothing(content: bytes) -> None:
    # A proxy's friendly page with status 200 must not pass for "revoked".
    if content:
        raise ValueError("no content was due")


def _body(shape: type[B], **values: object) -> bytes:
    try:
        return _json(shape.model_validate(values))
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in problem["loc"])
        # Without its cause: pydantic's own message would show the password.
        raise ConfigurationError(f"{where} cannot be used: {problem['msg']}.") from None


def _json(body: BaseModel) -> bytes:
    try:
        return body.model_dump_json().encode()
    except PydanticSerializationError:
        # Without its cause, which quotes the value.
        raise ConfigurationError("The call cannot be sent: it holds a text that is not valid Unicode.") from None


def _params(**values: object) -> dict[str, str]:
    params = {name: str(value) for name, value in values.items() if value is not None}
    for name, text in params.items():
        _encodable(text, name)
    return params


def _encodable(text: str, name: str) -> None:
    # A command line can hold bytes that are not UTF-8; Python keeps them as lone surrogates, which no URL can carry.
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"{name} cannot be used: it is not valid Unicode.") from None


def _segment(value: object, what: str) -> str:
    text = str(value)
    _encodable(text, f"The name of {what}")
    # RFC 3986, section 5.2.4: "." and ".." are removed on the way, and the call would mean another resource.
    if text in {"", ".", ".."}:
        raise ConfigurationError(f"{text!r} is not the id of {what}.")
    return quote(text, safe="")


def _time(value: datetime | None, name: str) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ConfigurationError(f"{name} needs a time zone, for example datetime.now(UTC).")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
