"""The OpenAPI document of this server, built from what the server runs on."""

from ams_reference_server.openapi.document import document, encoded

__all__ = ["document", "encoded"]
