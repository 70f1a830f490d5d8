"""Which fields the JSON body of a request can have, so that a test does not ask for one that never comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._platform.failures import nearest
from ams_sdk.wire import AgentRegistration, ApiKeyRequest, LoginRequest, RegisterRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

    from ams_sdk.testing._platform.routes import Operation

__all__ = ["check_fields"]

_BODIES: Final[dict[str, type[BaseModel]]] = {
    "register": RegisterRequest,
    "login": LoginRequest,
    "create_key": ApiKeyRequest,
    "register_agent": AgentRegistration,
}


def check_fields(operation: Operation, fields: Iterable[str], asked_by: str) -> None:
    """Check that a request for an operation can have these.

    Raises:
        ConfigurationError: it cannot; the text names what it can have.
    """
    for field in fields:
        if operation.name not in _BODIES:
            instead = " What spans it brings is in ams.spans and ams_trace." if operation.body == "otlp" else ""
            raise ConfigurationError(
                f"{asked_by}({operation.name!r}, {field}=…): it has no JSON body, and so no fields: "
                f"leave out {field}=.{instead}"
            )
        known = _BODIES[operation.name].model_fields
        if field not in known:
            near = nearest(field, known)
            hint = f" Did you mean {near!r}?" if near else ""
            raise ConfigurationError(
                f"{asked_by}({operation.name!r}, {field}=…): its body has no such field.{hint} "
                f"There are: {', '.join(known)}."
            )
