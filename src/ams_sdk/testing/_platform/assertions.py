"""What a test says of the agents and the requests of a platform, and what it is told when that is not so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._platform.agent_names import agent_name, tool_names
from ams_sdk.testing._platform.expectations import differences, shown
from ams_sdk.testing._platform.failures import nearest, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from ams_sdk.testing._platform.expectations import Expectation
    from ams_sdk.testing._platform.request_log import RequestLog
    from ams_sdk.wire import Agent

__all__ = ["misregistered", "registered_anyway", "requested_otherwise"]

_OF_AGENT: Final = ("description", "status", "labels")
_OF_REVISION: Final = ("fingerprint", "input_schema", "output_schema", "skills", "model", "framework", "sdk")
_MOST_AGENTS: Final = 15
_MOST_NEAR: Final = 5


def misregistered(
    agents: Sequence[Agent],
    agent: str | Callable[..., Any],
    version: object,
    tools: Collection[str | Callable[..., Any]] | None,
    fields: Mapping[str, Any],
) -> Agent | list[str]:
    """The agent that is as it is said to be, or the lines that say why there is none.

    Raises:
        ConfigurationError: this cannot be asserted of an agent.
    """
    name = agent_name(agent, "assert_registered")
    unknown = [field for field in fields if field not in (*_OF_AGENT, *_OF_REVISION)]
    if unknown:
        known = ", ".join((*_OF_AGENT, *_OF_REVISION))
        raise ConfigurationError(f"An agent has no {unknown[0]!r}; what can be asserted: version, tools, {known}.")
    wanted = None if tools is None else tool_names(tools, "assert_registered")
    named = [one for one in agents if one.name == name]
    lines: list[str] = []
    for one in named:
        differs = _differences(one, version, wanted, fields)
        if not differs:
            return one
        lines += [f"The agent {name!r} is registered otherwise (revision {one.revision.number}):"]
        lines += [f"  {line}" for line in differs]
    if not named:
        near = nearest(name, [one.name for one in agents])
        lines.append(f"No agent {name!r} is registered." + (f" The nearest is {near!r}." if near else ""))
    return [*lines, "", *registered(agents)]


def registered_anyway(agents: Sequence[Agent], agent: str | Callable[..., Any]) -> list[str]:
    """The lines that say that an agent is registered; none if it is not.

    Raises:
        ConfigurationError: this is no agent's name, and not decorated as one.
    """
    name = agent_name(agent, "assert_not_registered")
    if not any(one.name == name for one in agents):
        return []
    return [f"An agent {name!r} is registered.", "", *registered(agents)]


def registered(agents: Sequence[Agent]) -> list[str]:
    """The agents, a line each."""
    if not agents:
        return [
            "No agent is registered. An agent registers at its first run, when the SDK is configured to this platform."
        ]
    lines = ["Registered:"]
    for agent in agents[:_MOST_AGENTS]:
        tools = plain(", ".join(tool.name for tool in agent.revision.tools))
        lines.append(
            f"  {agent.name}  version {plain(agent.revision.version)}" + (f"  tools: {tools}" if tools else "")
        )
    if len(agents) > _MOST_AGENTS:
        lines.append(f"  (and {len(agents) - _MOST_AGENTS} more)")
    return lines


def requested_otherwise(requests: RequestLog, wanted: Expectation) -> list[str]:
    """The lines that say why the requests are not what is wanted; none if they are."""
    of_kind = requests.of(wanted.operation)
    count = wanted.count(of_kind)
    if wanted.is_met(count):
        return []
    number = "once or more" if wanted.times is None else _times(wanted.times)
    which = f" with {', '.join(f'{name}={shown(name, value)}' for name, value in wanted.fields.items())}"
    happened = _times(count)
    lines = [
        f"Expected {wanted.operation!r}{which if wanted.fields else ''} to be requested {number}; it was {happened}."
    ]
    if wanted.fields and count < (wanted.times or 1):
        for request in of_kind[:_MOST_NEAR]:
            differs = differences(request.json, wanted.fields)
            lines += [f"  #{request.number} differs:", *(f"    {line}" for line in differs)] if differs else []
    return [*lines, "", "The platform got:", *requests.rows()]


def _differences(agent: Agent, version: object, tools: Collection[str] | None, fields: Mapping[str, Any]) -> list[str]:
    revision = agent.revision
    said: dict[str, Any] = agent.model_dump(include=set(_OF_AGENT)) | revision.model_dump(include=set(_OF_REVISION))
    wanted = dict(fields) if version is None else {"version": version, **fields}
    lines = differences(said | {"version": revision.version}, wanted)
    has = [tool.name for tool in revision.tools]
    if tools is not None and set(tools) != set(has):
        missing, more = (sorted(map(plain, one)) for one in (set(tools) - set(has), set(has) - set(tools)))
        parts = [f"without {', '.join(missing)}"] if missing else []
        parts += [f"and also {', '.join(more)}"] if more else []
        lines.append(f"tools: expected {shown('', sorted(tools))}, registered {' '.join(parts)}")
    return lines


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")
