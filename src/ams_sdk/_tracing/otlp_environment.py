"""Where ``OTEL_EXPORTER_OTLP_*`` says that spans go, beside the platform or without one.

Source of the names and of their meaning: OpenTelemetry's "OTLP Exporter Configuration", 1.x. A variable for traces
wins over the one for all signals. The address for all signals gets ``/v1/traces`` appended, the one for traces is taken
as it stands. A timeout is in seconds, as OpenTelemetry's Python packages have it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from ams_sdk._background import importing, keep_quiet
from ams_sdk._connection import Connection, normalised
from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

    from ams_sdk._client import Destination

__all__ = ["GrpcExporter", "OtlpEnvironment"]

_TIMEOUT: Final = 10.0
_PATH: Final = "/v1/traces"


@dataclass(frozen=True, slots=True)
class OtlpEnvironment:
    """What the environment says of OTLP.

    Args:
        environ: the environment to read; ``os.environ`` if not given.
    """

    environ: Mapping[str, str] | None = None

    @property
    def protocol(self) -> str | None:
        """``http/protobuf`` or ``grpc`` if spans are to go to a collector, else None.

        Raises:
            ConfigurationError: another protocol is asked for.
        """
        if not (self._value("ENDPOINT")) or self._get("OTEL_TRACES_EXPORTER") == "none":
            return None
        protocol = self._value("PROTOCOL") or "http/protobuf"
        if protocol not in {"http/protobuf", "grpc"}:
            raise ConfigurationError(
                f"OTEL_EXPORTER_OTLP_PROTOCOL cannot be used: write http/protobuf or grpc, not {protocol!r}."
            )
        return protocol

    @property
    def timeout(self) -> float:
        """Seconds for a connection and for each piece of an answer.

        Raises:
            ConfigurationError: it is no number of seconds above 0.
        """
        text = self._value("TIMEOUT")
        try:
            seconds = float(text) if text else _TIMEOUT
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < float("inf"):
            raise ConfigurationError("OTEL_EXPORTER_OTLP_TIMEOUT cannot be used: write a number of seconds above 0.")
        return seconds

    def compresses(self, *, default: bool) -> bool:
        """Whether bodies are packed with gzip.

        Raises:
            ConfigurationError: another packing is asked for.
        """
        named = self._value("COMPRESSION").lower()
        if named not in {"", "none", "gzip"}:
            raise ConfigurationError("OTEL_EXPORTER_OTLP_COMPRESSION cannot be used: write gzip or none.")
        return named == "gzip" if named else default

    def platform(self, connection: Connection) -> Destination:
        """The platform: what the environment says of a collector's address and headers is not for it."""
        from ams_sdk._client import Destination  # noqa: PLC0415 -- heavy; asked for by the thread that sends

        return Destination(
            connection,
            timeout=self.timeout,
            compresses=self.compresses(default=not connection.is_loopback()),
            certificate=self._value("CERTIFICATE") or None,
            client_certificate=self._value("CLIENT_CERTIFICATE") or None,
            client_key=self._value("CLIENT_KEY") or None,
        )

    def collector(self) -> Destination:
        """The collector that the environment names.

        Raises:
            ConfigurationError: its address cannot be used.
        """
        from ams_sdk._client import Destination  # noqa: PLC0415 -- the same

        connection, path = self.address()
        return Destination(
            connection,
            path,
            self.timeout,
            self.compresses(default=False),
            self._headers(),
            self._value("CERTIFICATE") or None,
            self._value("CLIENT_CERTIFICATE") or None,
            self._value("CLIENT_KEY") or None,
        )

    def address(self) -> tuple[Connection, str]:
        """The collector's address, and the path of its intake.

        Raises:
            ConfigurationError: the address cannot be used.
        """
        whole = self._get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        try:
            parts = urlsplit(whole or self._get("OTEL_EXPORTER_OTLP_ENDPOINT"))
            # What is no address of the web becomes one that no host can have.
            is_usable = parts.scheme in {"http", "https"} and not parts.username
            connection = Connection(normalised(f"{parts.scheme}://{parts.netloc}" if is_usable else ""))
        except (ValueError, ConfigurationError):
            raise ConfigurationError(
                "OTEL_EXPORTER_OTLP_ENDPOINT cannot be used: write an address such as http://127.0.0.1:4318."
            ) from None
        path = parts.path if whole else parts.path.rstrip("/") + _PATH
        return connection, (path or "/") + (f"?{parts.query}" if parts.query else "")

    def _headers(self) -> dict[str, str]:
        # W3C Baggage without properties: name=value, both escaped, separated by commas.
        pairs = (entry.partition("=") for entry in self._value("HEADERS").split(","))
        return {unquote(name).strip(): unquote(value).strip() for name, sign, value in pairs if sign and name.strip()}

    def _value(self, name: str) -> str:
        return self._get(f"OTEL_EXPORTER_OTLP_TRACES_{name}") or self._get(f"OTEL_EXPORTER_OTLP_{name}")

    def _get(self, name: str) -> str:
        return (os.environ if self.environ is None else self.environ).get(name, "").strip()


class GrpcExporter(SpanExporter):
    """OpenTelemetry's own exporter over gRPC, imported by the thread that uses it; it reads the environment itself."""

    def __init__(self) -> None:
        self._exporter: SpanExporter | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        if self._exporter is None:
            with importing:
                from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (  # noqa: PLC0415 -- heavy
                    OTLPSpanExporter,
                )
            keep_quiet()
            self._exporter = OTLPSpanExporter()
        return self._exporter.export(spans)

    def shutdown(self) -> None:
        """Close the channel."""
        if self._exporter is not None:
            self._exporter.shutdown()
