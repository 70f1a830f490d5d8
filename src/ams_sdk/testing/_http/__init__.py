"""HTTP as plain values, answered in process or on a port of this machine."""

from ams_sdk.testing._http.loopback_server import LoopbackServer
from ams_sdk.testing._http.messages import Application, Chunk, Request, Response
from ams_sdk.testing._http.transport import InProcessTransport

__all__ = ["Application", "Chunk", "InProcessTransport", "LoopbackServer", "Request", "Response"]
