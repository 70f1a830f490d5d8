"""Agents as they register, valid by ``ams_sdk.wire`` and small enough for every platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy  # noqa: TC002 -- the public types stay resolvable at run time

from ams_sdk.testing._strategies.bounds import check_sizes
from ams_sdk.testing._strategies.json_schemas import json_schemas
from ams_sdk.testing._strategies.texts import MODELS, TOOL_NAMES, texts
from ams_sdk.wire import AgentRegistration, AgentTool, Skill

if TYPE_CHECKING:
    from ams_sdk.testing._strategies.json_schemas import JsonObject

__all__ = ["agent_names", "agent_registrations", "agent_skills", "agent_tools"]

_VERSIONS: Final = st.one_of(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)).map(lambda version: "{}.{}.{}".format(*version)),
    texts(min_size=1, max_size=12),
)
_DESCRIPTIONS: Final = st.none() | texts(max_size=30)
_LABELS: Final = st.dictionaries(texts(max_size=8), texts(max_size=8), max_size=3)
_HASHES: Final = st.integers(0, 2**64 - 1).map("sha256:{:016x}".format)


def agent_names() -> SearchStrategy[str]:
    """What an agent may be called: ``ams_sdk.wire.AGENT_NAME_PATTERN``."""
    return st.one_of(
        st.sampled_from(["researcher", "writer", "support-bot"]),
        st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True),
    )


def agent_tools(
    *, names: SearchStrategy[str] | None = None, input_schemas: SearchStrategy[JsonObject | None] | None = None
) -> SearchStrategy[AgentTool]:
    """Tools of an agent, with and without a schema of their arguments.

    Args:
        names: what they are called.
        input_schemas: JSON Schemas of their arguments; ``st.none()`` for tools without.
    """
    return st.builds(
        AgentTool,
        name=TOOL_NAMES if names is None else names,
        description=_DESCRIPTIONS,
        input_schema=st.none() | json_schemas() if input_schemas is None else input_schemas,
    )


def agent_skills() -> SearchStrategy[Skill]:
    """What an agent is good at, as an A2A agent card says it."""
    return st.builds(
        Skill,
        id=TOOL_NAMES,
        name=texts(min_size=1, max_size=12),
        description=texts(max_size=30),
        tags=st.lists(texts(max_size=8), max_size=2),
    )


def agent_registrations(
    *,
    names: SearchStrategy[str] | None = None,
    versions: SearchStrategy[str] | None = None,
    tools: SearchStrategy[AgentTool] | None = None,
    max_tools: int = 3,
) -> SearchStrategy[AgentRegistration]:
    """What agents say of themselves; a platform accepts each of them.

    Args:
        names: what the agents are called; ``st.just("researcher")`` for revisions of one.
        versions: of their code.
        tools: what they may call; no two of one agent have the same name.
        max_tools: at most so many.

    Raises:
        ConfigurationError: a size is none.
    """
    check_sizes("agent_registrations", max_tools=max_tools)
    return st.builds(
        AgentRegistration,
        name=agent_names() if names is None else names,
        version=_VERSIONS if versions is None else versions,
        description=_DESCRIPTIONS,
        fingerprint=st.none() | _HASHES,
        input_schema=st.none() | json_schemas(max_depth=1),
        output_schema=st.none() | json_schemas(type=None, max_depth=1),
        tools=st.lists(agent_tools() if tools is None else tools, max_size=max_tools, unique_by=lambda tool: tool.name),
        skills=st.lists(agent_skills(), max_size=2),
        model=st.none() | MODELS,
        framework=st.none() | st.sampled_from(["langchain", "openai-agents", "pydantic-ai"]),
        sdk=st.none() | st.just("ams-sdk/0.1.0"),
        labels=_LABELS,
    )
