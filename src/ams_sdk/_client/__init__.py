"""The platform's calls, for programs: ``Client`` and ``AsyncClient``, and the intake of spans."""

from ams_sdk._client.async_client import AsyncClient
from ams_sdk._client.client import Client
from ams_sdk._client.connection import Connection, resolve
from ams_sdk._client.intake import Answer, SpanIntake

__all__ = ["Answer", "AsyncClient", "Client", "Connection", "SpanIntake", "resolve"]
