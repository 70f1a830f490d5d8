"""A decorated agent becomes a record on the platform, at its first run and in the background."""

from __future__ import annotations

import hashlib
import inspect
import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from pydantic import JsonValue, TypeAdapter

from ams_sdk._decorators import AgentDefinition, ToolDefinition, definition_of
from ams_sdk._guard import guard
from ams_sdk._version import __version__
from ams_sdk.wire import AgentRegistration, AgentTool

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk._client import Client
    from ams_sdk._decorators import Definition

__all__ = ["Registrar", "registration_of"]

logger = logging.getLogger("ams_sdk")

_PAUSE: Final = 30.0
"""Seconds after a failed registration before a run tries again."""
_UNTYPED: Final = {"self", "cls"}


class Registrar:
    """Registers each agent once, and knows the ids that the platform gave.

    Args:
        client: the platform, with a credential.
        submit: runs a job in the background.
    """

    def __init__(self, client: Client, submit: Callable[[Callable[[], None]], None]) -> None:
        self._client = client
        self._submit = submit
        self._ids: dict[AgentDefinition, str] = {}
        self._next_try: dict[AgentDefinition, float] = {}
        self._lock = threading.Lock()

    def agent_started(self, agent: AgentDefinition) -> str | None:
        """The agent's id, or None while the platform has not answered; the first run of an agent asks it."""
        known = self._ids.get(agent)
        if known is None:
            with self._lock:
                due = time.monotonic() >= self._next_try.get(agent, 0.0)
                if due:
                    self._next_try[agent] = float("inf")  # asked; nobody else asks until this has failed
            if due:
                self._submit(lambda: self._register(agent))
        return known

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def registered(self) -> dict[str, str]:
        """The ids by the agents' names."""
        return {agent.name: agent_id for agent, agent_id in self._ids.copy().items()}

    def _register(self, agent: AgentDefinition) -> None:
        try:
            self._ids[agent] = str(self._client.agents.register(registration_of(agent)).id)
        except BaseException:
            self._next_try[agent] = time.monotonic() + _PAUSE
            raise


def registration_of(agent: AgentDefinition) -> AgentRegistration:
    """What the platform is told about an agent: its interface, its tools, and a fingerprint of their code."""
    tools = sorted(_tools_of(agent), key=lambda tool: tool.name)
    input_schema, output_schema = _schemas(agent)
    return AgentRegistration(
        name=agent.name,
        version=agent.version,
        description=agent.description,
        fingerprint=_fingerprint(agent, tools),
        input_schema=input_schema,
        output_schema=output_schema,
        tools=[
            AgentTool(name=tool.name, description=tool.description, input_schema=_schemas(tool)[0]) for tool in tools
        ],
        sdk=f"ams-sdk/{__version__}",
    )


def _tools_of(agent: AgentDefinition) -> tuple[ToolDefinition, ...]:
    if agent.tools is not None:
        return agent.tools
    module = sys.modules.get(agent.function.__module__)
    found = (definition_of(value) for value in list(vars(module).values())) if module else ()
    # A dictionary: a tool that has two names in its module is one tool, and two tools of one name would be ambiguous.
    return tuple({tool.name: tool for tool in found if isinstance(tool, ToolDefinition)}.values())


def _schemas(definition: Definition) -> tuple[dict[str, JsonValue] | None, dict[str, JsonValue] | None]:
    """JSON Schema of the arguments and of the result, None where the annotations do not say."""
    annotations = _annotations(definition.function)
    takes = None
    with guard(f"{definition.name}: describing its arguments"):
        takes = _input_schema(definition, annotations)
    return takes, _describable(annotations["return"]) if "return" in annotations else None


def _annotations(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations that can be evaluated: some name types that only a type checker imports."""
    found: dict[str, Any] = {}
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    for name, annotation in inspect.get_annotations(function).items():
        try:
            found[name] = eval(annotation, scope) if isinstance(annotation, str) else annotation  # noqa: S307 -- the user's own code
        except Exception:
            logger.debug("ams_sdk: the annotation %r of %s cannot be evaluated", annotation, function, exc_info=True)
    return found


def _input_schema(definition: Definition, annotations: dict[str, Any]) -> dict[str, JsonValue]:
    signature = inspect.signature(definition.function)
    properties: dict[str, JsonValue] = {}
    required: list[JsonValue] = []
    for position, (name, parameter) in enumerate(signature.parameters.items()):
        variadic = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        if variadic or (position == 0 and name in _UNTYPED):
            continue
        schema = _describable(annotations.get(name, Any))
        properties[name] = {} if schema is None else schema
        if parameter.default is parameter.empty:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required}


def _describable(annotation: Any) -> dict[str, JsonValue] | None:  # noqa: ANN401 -- whatever stands in an annotation
    try:
        return TypeAdapter(annotation).json_schema()
    except Exception:  # noqa: BLE001 -- many types have no JSON form, and pydantic says so in many ways
        return None


def _fingerprint(agent: AgentDefinition, tools: list[ToolDefinition]) -> str:
    """SHA-256 over the source of the agent and its tools; it changes when their code does, and only then."""
    digest = hashlib.sha256()
    for definition in (agent, *tools):
        digest.update(_code_of(definition.function))
        digest.update(b"\0")
    return f"sha256:{digest.hexdigest()}"


def _code_of(function: Callable[..., Any]) -> bytes:
    try:
        return inspect.getsource(function).encode("utf-8", "surrogateescape")
    except (OSError, TypeError):  # typed at a prompt, or shipped without sources
        return bytes(inspect.unwrap(function).__code__.co_code)
