"""The platform's calls, for programs: ``Client`` and ``AsyncClient``, and the intake of spans.

Names only. Each loads when it is asked for: what sends spans needs less than half of what the clients stand on.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ams_sdk._client.async_client import AsyncClient
    from ams_sdk._client.client import Client
    from ams_sdk._client.intake import Answer, Destination, SpanIntake

__all__ = ["Answer", "AsyncClient", "Client", "Destination", "SpanIntake"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = {"AsyncClient": "async_client", "Client": "client"}.get(name, "intake")
    return getattr(import_module(f"ams_sdk._client.{module}"), name)
