"""What is on the platform before a test begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._platform.captured import as_record
from ams_sdk.testing._platform.refusals import Refusal
from ams_sdk.testing._trace.captured_span import CapturedSpan
from ams_sdk.wire import Agent, AgentRegistration, ApiKeyRequest, NewApiKey, RegisterRequest, User

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from ams_sdk.testing._platform.gateway import Gateway
    from ams_sdk.testing._platform.otlp import SpanRecord

__all__ = ["Account", "Seed", "Seeded", "plant"]

Seed: TypeAlias = RegisterRequest | ApiKeyRequest | AgentRegistration | CapturedSpan
"""An account, an API key, an agent, or a span of a trace."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account that can log in.

    Attributes:
        email: its address.
        password: what it logs in with.
        user: its profile.
    """

    email: str
    password: str = field(repr=False)
    user: User = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was put on the platform, each kind in the order in which it was given."""

    accounts: tuple[Account, ...] = ()
    keys: tuple[NewApiKey, ...] = field(default=(), repr=False)
    agents: tuple[Agent, ...] = ()
    spans: tuple[CapturedSpan, ...] = ()


def plant(gateway: Gateway, owner: User, seeds: Iterable[Seed], now: datetime) -> Seeded:
    """Put things on the platform by its own rules, for this account.

    Raises:
        ConfigurationError: one of them breaks a rule, or is none of the kinds that there are.
    """
    accounts: list[Account] = []
    keys: list[NewApiKey] = []
    agents: list[Agent] = []
    spans: list[CapturedSpan] = []
    for seed in seeds:
        try:
            if isinstance(seed, RegisterRequest):
                accounts.append(Account(seed.email, seed.password, gateway.accounts.register(seed, now)))
            elif isinstance(seed, ApiKeyRequest):
                keys.append(gateway.accounts.create_key(owner, seed, now))
            elif isinstance(seed, AgentRegistration):
                agents.append(gateway.agents.register(owner.id, seed, now)[0])
            elif isinstance(seed, CapturedSpan):
                spans.append(seed)
            else:
                raise _unknown(seed)
        except Refusal as refusal:
            why = str(refusal).rstrip(".")
            raise ConfigurationError(f"seed({type(seed).__name__}) breaks a rule of the platform: {why}.") from None
    # At the end: a span is linked to the agents that are there when it comes.
    gateway.traces.take_in(owner.id, map(_record, spans))
    return Seeded(tuple(accounts), tuple(keys), tuple(agents), tuple(spans))


def _record(span: CapturedSpan) -> SpanRecord:
    is_hex = all(set(text.lower()) <= set("0123456789abcdef") for text in (span.trace_id, span.span_id))
    if not is_hex or (len(span.trace_id), len(span.span_id)) != (32, 16):
        raise ConfigurationError(
            f"seed(CapturedSpan({span.name!r})) needs a trace_id of 32 hexadecimal digits and a span_id of 16."
        )
    return as_record(span)


def _unknown(seed: object) -> ConfigurationError:
    kind = type(seed).__name__
    hint = " Write *things for a list." if kind in {"list", "tuple"} else ""
    return ConfigurationError(
        f"seed() takes RegisterRequest, ApiKeyRequest and AgentRegistration of ams_sdk.wire, and CapturedSpan; "
        f"this is a {kind}.{hint}"
    )
