"""The operations of the contract: what each is called here, and under which method and path it is asked for."""

from __future__ import annotations

import difflib
from typing import Final, Literal, NamedTuple

from ams_sdk._errors import ConfigurationError

__all__ = ["OPERATIONS", "Operation", "OperationName", "Route", "operation_of", "route_of"]

OperationName = Literal[
    "register",
    "login",
    "logout",
    "me",
    "create_key",
    "list_keys",
    "delete_key",
    "register_agent",
    "list_agents",
    "get_agent",
    "export_traces",
    "list_traces",
    "get_trace",
    "health_live",
    "health_ready",
]
"""An operation of the contract, by its name."""


class Operation(NamedTuple):
    """One operation.

    Attributes:
        name: what it is called here.
        method: of HTTP; GET answers HEAD too.
        path: ``{}`` stands for one segment.
        is_open: it needs no credential.
        body: what it reads.
    """

    name: OperationName
    method: str
    path: str
    is_open: bool = False
    body: Literal["none", "json", "otlp"] = "none"


OPERATIONS: Final = (
    Operation("register", "POST", "/api/auth/register", is_open=True, body="json"),
    Operation("login", "POST", "/api/auth/login", is_open=True, body="json"),
    Operation("logout", "POST", "/api/auth/logout"),
    Operation("me", "GET", "/api/users/me"),
    Operation("create_key", "POST", "/api/keys", body="json"),
    Operation("list_keys", "GET", "/api/keys"),
    Operation("delete_key", "DELETE", "/api/keys/{}"),
    Operation("register_agent", "POST", "/api/agents", body="json"),
    Operation("list_agents", "GET", "/api/agents"),
    Operation("get_agent", "GET", "/api/agents/{}"),
    Operation("export_traces", "POST", "/v1/traces", body="otlp"),
    Operation("list_traces", "GET", "/api/traces"),
    Operation("get_trace", "GET", "/api/traces/{}"),
    Operation("health_live", "GET", "/health/live", is_open=True),
    Operation("health_ready", "GET", "/health/ready", is_open=True),
)

_UNSERVED: Final = "/openapi.json"
"""Open on a platform, too: without it a stranger is told that there is nothing, and not that they are one."""

_BY_NAME: Final = {operation.name: operation for operation in OPERATIONS}
_OPEN: Final = frozenset({_UNSERVED, *(operation.path for operation in OPERATIONS if operation.is_open)})
_BY_PATH: Final[dict[str, dict[str, Operation]]] = {}
for _operation in OPERATIONS:
    _BY_PATH.setdefault(_operation.path, {})[_operation.method] = _operation


class Route(NamedTuple):
    """Where a request goes.

    Attributes:
        operation: None for a path or a method that the contract does not know.
        argument: the segment that stands for ``{}``.
        allowed: the methods that the path knows; none for an unknown path.
        is_open: the path needs no credential.
    """

    operation: Operation | None
    argument: str
    allowed: tuple[str, ...]
    is_open: bool


def route_of(method: str, path: str) -> Route:
    """Where a request goes; the path is decoded."""
    methods, argument = _BY_PATH.get(path), ""
    if methods is None:
        folder, _, argument = path.rpartition("/")
        methods = _BY_PATH.get(f"{folder}/{{}}", {}) if argument else {}
    allowed = {name for one in methods for name in ((one, "HEAD") if one == "GET" else (one,))}
    operation = methods.get("GET" if method == "HEAD" else method)
    return Route(operation, argument, tuple(sorted(allowed)), path in _OPEN)


def operation_of(name: str) -> Operation:
    """The operation of a name.

    Raises:
        ConfigurationError: there is none.
    """
    found = _BY_NAME.get(name) if isinstance(name, str) else None  # type: ignore[call-overload]  # whatever is asked for
    if found is not None:
        return found  # type: ignore[no-any-return]  # the same
    near = difflib.get_close_matches(str(name), _BY_NAME, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ConfigurationError(f"There is no operation {name!r}.{hint} There are: {', '.join(_BY_NAME)}.")
