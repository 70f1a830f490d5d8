"""The tables. What changes here needs a step in ``migrations/versions``; a test holds the two together.

Times of accounts and agents are instants with a time zone; times of spans are whole nanoseconds since the epoch, since
no database type keeps those. Content of any shape is JSON text.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

__all__ = [
    "METADATA",
    "AgentRevisionRow",
    "AgentRow",
    "ApiKeyRow",
    "AttemptCountRow",
    "Instant",
    "RevokedTokenRow",
    "SpanRow",
    "TraceRow",
    "UserRow",
    "agent_revisions",
    "agents",
    "api_keys",
    "attempt_counts",
    "revoked_tokens",
    "spans",
    "traces",
    "users",
]

# Names that do not depend on the database, so that a later migration can find each constraint again.
METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column of exactly this type.
ROW_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no time zone, so it is put back when a row is read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Python to database."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Database to Python."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class _Row(SQLModel):
    metadata = METADATA


def _now() -> datetime:
    return datetime.now(UTC)


class UserRow(_Row, table=True):
    """An account; ``email_key`` is the address as it is compared. One that is disabled cannot be used in any way."""

    __tablename__: ClassVar[Any] = "users"

    id: UUID = Field(primary_key=True)
    email: str = Field(sa_type=Text)
    email_key: str = Field(sa_type=Text, unique=True)
    name: str | None = Field(default=None, sa_type=Text)
    password_hash: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant, sa_column_kwargs={"onupdate": _now})
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)


class RevokedTokenRow(_Row, table=True):
    """An access token that was logged out, until it would have expired (``expires_at``, seconds since the epoch)."""

    __tablename__: ClassVar[Any] = "revoked_tokens"

    jti: str = Field(primary_key=True, sa_type=Text)
    expires_at: int = Field(sa_type=BigInteger, index=True)


class ApiKeyRow(_Row, table=True):
    """A key of an account: ``key_hash`` is its SHA-256 in hexadecimal, ``prefix`` the part that people are shown."""

    __tablename__: ClassVar[Any] = "api_keys"
    __table_args__ = (
        ForeignKeyConstraint(["owner_id"], ["users.id"], ondelete="CASCADE"),
        Index(None, "owner_id", "created_at", "id"),
    )

    id: UUID = Field(primary_key=True)
    owner_id: UUID
    name: str = Field(sa_type=Text)
    prefix: str = Field(sa_type=Text)
    key_hash: str = Field(sa_type=Text, unique=True)
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    last_used_at: datetime | None = Field(default=None, sa_type=Instant)


class AttemptCountRow(_Row, table=True):
    """How often something was tried in a window of time that ends at ``expires_at``, seconds since the epoch."""

    __tablename__: ClassVar[Any] = "attempt_counts"

    key: str = Field(primary_key=True, sa_type=Text)
    count: int
    expires_at: float = Field(sa_type=Float(53), index=True)


class AgentRow(_Row, table=True):
    """An agent's identity."""

    __tablename__: ClassVar[Any] = "agents"
    __table_args__ = (
        UniqueConstraint("owner_id", "name"),
        ForeignKeyConstraint(["owner_id"], ["users.id"], ondelete="CASCADE"),
    )

    id: UUID = Field(primary_key=True)
    owner_id: UUID
    name: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    status: str = Field(sa_type=Text)
    labels: dict[str, str] = Field(sa_type=JSON)
    created_at: datetime = Field(sa_type=Instant)
    updated_at: datetime = Field(sa_type=Instant)


class AgentRevisionRow(_Row, table=True):
    """One immutable state of an agent's code; ``digest`` is over all that was registered, to see whether it changed."""

    __tablename__: ClassVar[Any] = "agent_revisions"
    __table_args__ = (ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),)

    agent_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    digest: str = Field(sa_type=Text)
    version: str = Field(sa_type=Text)
    description: str | None = Field(default=None, sa_type=Text)
    fingerprint: str | None = Field(default=None, sa_type=Text)
    input_schema: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    output_schema: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    tools: list[dict[str, Any]] = Field(sa_type=JSON)
    skills: list[dict[str, Any]] = Field(sa_type=JSON)
    model: str | None = Field(default=None, sa_type=Text)
    framework: str | None = Field(default=None, sa_type=Text)
    sdk: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=Instant)


class TraceRow(_Row, table=True):
    """A trace as the list shows it, kept in step with its spans.

    ``*_at`` of root, agent, session and error is the age of the span that each was taken from, so that the answer does
    not depend on the order in which spans arrive (see ``telemetry/summary.py``). A trace without ``error`` went well.
    """

    __tablename__: ClassVar[Any] = "traces"
    __table_args__ = (
        UniqueConstraint("owner_id", "trace_id"),
        ForeignKeyConstraint(["owner_id"], ["users.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="SET NULL"),
        Index(None, "owner_id", "started_ns", "trace_id"),
        Index(None, "agent_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=ROW_NUMBER)
    owner_id: UUID
    trace_id: str = Field(sa_type=Text)
    started_ns: int = Field(sa_type=BigInteger)
    ended_ns: int = Field(sa_type=BigInteger)
    duration_ns: int = Field(sa_type=BigInteger)
    span_count: int
    error_count: int
    input_tokens: int = Field(sa_type=BigInteger)
    output_tokens: int = Field(sa_type=BigInteger)
    root_name: str | None = Field(default=None, sa_type=Text)
    root_at: int | None = Field(default=None, sa_type=BigInteger)
    agent: str | None = Field(default=None, sa_type=Text)
    agent_id: UUID | None = None
    agent_at: int | None = Field(default=None, sa_type=BigInteger)
    session: str | None = Field(default=None, sa_type=Text)
    session_at: int | None = Field(default=None, sa_type=BigInteger)
    error: str | None = Field(default=None, sa_type=Text)
    error_at: int | None = Field(default=None, sa_type=BigInteger)


class SpanRow(_Row, table=True):
    """One span; attributes, events, links and resource are JSON text, written once and read as a whole."""

    __tablename__: ClassVar[Any] = "spans"
    __table_args__ = (
        ForeignKeyConstraint(["trace_key"], ["traces.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="SET NULL"),
        Index(None, "agent_id"),
    )

    trace_key: int = Field(primary_key=True, sa_type=ROW_NUMBER, sa_column_kwargs={"autoincrement": False})
    span_id: str = Field(primary_key=True, sa_type=Text)
    parent_span_id: str | None = Field(default=None, sa_type=Text)
    agent_id: UUID | None = None
    name: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    status_message: str | None = Field(default=None, sa_type=Text)
    started_ns: int = Field(sa_type=BigInteger)
    ended_ns: int = Field(sa_type=BigInteger)
    scope_name: str | None = Field(default=None, sa_type=Text)
    scope_version: str | None = Field(default=None, sa_type=Text)
    attributes: str = Field(sa_type=Text)
    events: str = Field(sa_type=Text)
    links: str = Field(sa_type=Text)
    resource: str = Field(sa_type=Text)


users: Final[Table] = METADATA.tables["users"]
revoked_tokens: Final[Table] = METADATA.tables["revoked_tokens"]
api_keys: Final[Table] = METADATA.tables["api_keys"]
attempt_counts: Final[Table] = METADATA.tables["attempt_counts"]
agents: Final[Table] = METADATA.tables["agents"]
agent_revisions: Final[Table] = METADATA.tables["agent_revisions"]
traces: Final[Table] = METADATA.tables["traces"]
spans: Final[Table] = METADATA.tables["spans"]
