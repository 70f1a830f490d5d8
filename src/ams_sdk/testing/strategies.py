"""hypothesis strategies for what agents, clients and platforms exchange.

::

    from hypothesis import given
    from ams_sdk.testing import strategies

    @given(strategies.span_trees(errors=False))
    def test_my_dashboard_shows_every_trace(spans): ...

What is accepted and what is refused is the contract's word, with its default settings. Every argument narrows what is
drawn. Needs the extra ``testing``; nothing else of ``ams_sdk`` imports this module.

Raises:
    MissingExtraError: hypothesis is not installed.
"""

from __future__ import annotations

from importlib.util import find_spec

from ams_sdk._errors import MissingExtraError

if find_spec("hypothesis") is None:
    raise MissingExtraError("testing", "ams_sdk.testing.strategies")

from ams_sdk.testing._strategies.accounts import (
    PasswordRule,
    Refused,
    api_key_requests,
    email_spellings,
    emails,
    passwords,
    refused_emails,
    refused_passwords,
    registrations,
)
from ams_sdk.testing._strategies.agents import agent_names, agent_registrations, agent_skills, agent_tools
from ams_sdk.testing._strategies.export_requests import export_documents, export_requests
from ams_sdk.testing._strategies.json_schemas import JsonObject, SchemaType, json_schemas, json_values
from ams_sdk.testing._strategies.messages import MessageRole, conversations, messages
from ams_sdk.testing._strategies.problems import ProblemCode, problems
from ams_sdk.testing._strategies.span_trees import span_trees
from ams_sdk.testing._strategies.texts import texts
from ams_sdk.testing._strategies.trace_context import invalid_traceparents, traceparents

__all__ = [
    "JsonObject",
    "MessageRole",
    "PasswordRule",
    "ProblemCode",
    "Refused",
    "SchemaType",
    "agent_names",
    "agent_registrations",
    "agent_skills",
    "agent_tools",
    "api_key_requests",
    "conversations",
    "email_spellings",
    "emails",
    "export_documents",
    "export_requests",
    "invalid_traceparents",
    "json_schemas",
    "json_values",
    "messages",
    "passwords",
    "problems",
    "refused_emails",
    "refused_passwords",
    "registrations",
    "span_trees",
    "texts",
    "traceparents",
]
