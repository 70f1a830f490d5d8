"""What answers instead of other machines while a test runs; nothing does otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

    from ams_sdk._connection import Connection

__all__ = ["StandIn", "stand_in"]


class StandIn:
    """The transports that are used where none is given, for other machines and for one endpoint.

    Attributes:
        endpoint: what is answered here too, whichever machine it names.
    """

    def __init__(self) -> None:
        self.endpoint: str | None = None
        self.blocking: httpx.BaseTransport | None = None
        self.asynchronous: httpx.AsyncBaseTransport | None = None

    def for_blocking(self, connection: Connection) -> httpx.BaseTransport | None:
        """The transport for ``httpx.Client``; None for the network."""
        return self.blocking if self._stands_for(connection) else None

    def for_asynchronous(self, connection: Connection) -> httpx.AsyncBaseTransport | None:
        """The transport for ``httpx.AsyncClient``; None for the network."""
        return self.asynchronous if self._stands_for(connection) else None

    def _stands_for(self, connection: Connection) -> bool:
        return connection.endpoint == self.endpoint or not connection.is_loopback()


stand_in = StandIn()
