"""Which libraries are traced: the one list of names; what is not in it is left alone, whatever is installed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LIBRARIES", "Kind", "Library", "select"]


class Kind(StrEnum):
    """What a library is to an agent."""

    MODEL = "model"
    FRAMEWORK = "framework"
    PROTOCOL = "protocol"
    HTTP = "http"
    """An HTTP client: its calls are traced where they happen inside a trace, and begin none."""


@dataclass(frozen=True, slots=True)
class Library:
    """One row of the table.

    Attributes:
        name: what ``auto_trace`` calls it.
        kind: what it is to an agent.
        entry_points: the names by which instrumentors of it register in the group ``opentelemetry_instrumentor``;
            projects spell them differently.
        distributions: what it is installed as; the first one that is found tells the version.
        modules: what is imported of it. When the first one has been, it is time to instrument; the others are waited
            for while they are being imported.
        packages: packages of its surroundings each of whose modules is waited for while it is being imported.
        native_from: the version from which on it traces itself, and needs no instrumentor.
    """

    name: str
    kind: Kind
    entry_points: tuple[str, ...]
    distributions: tuple[str, ...]
    modules: tuple[str, ...]
    packages: tuple[str, ...] = ()
    native_from: str | None = None


def _row(name: str, kind: Kind, *entry_points: str, of: str = "", module: str = "") -> Library:
    return Library(name, kind, entry_points or (name,), (of or name,), (module or name,))


LIBRARIES: Final = (
    _row("openai", Kind.MODEL),
    _row("anthropic", Kind.MODEL),
    _row("google-genai", Kind.MODEL, "google-genai", "google_genai", "google_generativeai", module="google.genai"),
    _row("vertexai", Kind.MODEL, "google_cloud_aiplatform", "vertexai", of="google-cloud-aiplatform"),
    _row("bedrock", Kind.MODEL, "bedrock", "boto3", of="boto3", module="boto3"),
    _row("mistralai", Kind.MODEL),
    _row("cohere", Kind.MODEL),
    _row("groq", Kind.MODEL),
    _row("ollama", Kind.MODEL),
    _row("together", Kind.MODEL),
    _row("litellm", Kind.MODEL),
    Library(
        "langchain",
        Kind.FRAMEWORK,
        entry_points=("langchain",),
        distributions=("langchain", "langchain-core"),
        modules=("langchain_core", "langchain"),
        packages=("langgraph",),  # which the instrumentor looks into, and which imports langchain_core half-way
    ),
    _row("llama-index", Kind.FRAMEWORK, "llama_index", "llama-index", of="llama-index-core", module="llama_index.core"),
    _row("openai-agents", Kind.FRAMEWORK, "openai_agents", module="agents"),
    _row("crewai", Kind.FRAMEWORK),
    _row("autogen", Kind.FRAMEWORK, "autogen_agentchat", of="autogen-agentchat", module="autogen_agentchat"),
    _row("agno", Kind.FRAMEWORK),
    _row("smolagents", Kind.FRAMEWORK),
    _row("dspy", Kind.FRAMEWORK),
    _row("haystack", Kind.FRAMEWORK, "haystack", "haystack-ai", of="haystack-ai"),
    _row("claude-agent-sdk", Kind.FRAMEWORK, "claude_agent_sdk", module="claude_agent_sdk"),
    Library(
        "pydantic-ai",
        Kind.FRAMEWORK,
        entry_points=(),
        distributions=("pydantic-ai-slim",),
        modules=("pydantic_ai",),
        native_from="2",
    ),
    Library(
        "mcp",
        Kind.PROTOCOL,
        entry_points=("mcp",),
        distributions=("mcp",),
        modules=("mcp",),
        native_from="2",
    ),
    _row("httpx", Kind.HTTP),
    _row("httpx2", Kind.HTTP),
    _row("requests", Kind.HTTP),
    _row("urllib3", Kind.HTTP),
    _row("aiohttp", Kind.HTTP, "aiohttp-client"),
)


def select(wanted: bool | Iterable[str]) -> tuple[Library, ...]:  # noqa: FBT001 -- the setting, as it was read
    """Return the libraries that the setting ``auto_trace`` asks for, in the order of the table.

    Args:
        wanted: True for all, False for none, or names; ``_`` and ``-`` are the same in a name.

    Raises:
        ConfigurationError: a name is not in the table.
    """
    if isinstance(wanted, bool):
        return LIBRARIES if wanted else ()
    names = {name.strip().lower().replace("_", "-") for name in wanted}
    if unknown := sorted(names - {library.name for library in LIBRARIES}):
        known = ", ".join(library.name for library in LIBRARIES)
        raise ConfigurationError(f"auto_trace cannot be used: it knows no {', '.join(unknown)}. It knows: {known}.")
    return tuple(library for library in LIBRARIES if library.name in names)
