"""Batches of spans go to the platform as OTLP/HTTP with protobuf bodies.

Rules: the OTLP specification 1.x, "OTLP/HTTP": 429, 502, 503 and 504 are tried again, honouring ``Retry-After``; any
other refusal is final; a 200 may say in ``partial_success`` that some spans were not taken.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from ams_sdk._client import SpanIntake
from ams_sdk._errors import LoginExpiredError, PlatformUnreachableError, ProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx
    from opentelemetry.sdk.trace import ReadableSpan

    from ams_sdk._client import Answer, Connection

__all__ = ["PlatformExporter"]

logger = logging.getLogger("ams_sdk")

_TIMEOUT: Final = 10.0
"""Seconds for a connection, and for each piece of an answer."""
_PATIENCE: Final = 60.0
"""Seconds that a batch is tried again for before it is given up."""
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 10.0
_RETRYABLE: Final = frozenset({429, 502, 503, 504})
_OK: Final = 200
_REFUSED: Final = frozenset({401, 403})


class PlatformExporter(SpanExporter):
    """Sends spans to the platform; called from one thread.

    Args:
        connection: where to, and with which credential.
        transport: an httpx transport to use instead of the network.
    """

    def __init__(self, connection: Connection, transport: httpx.BaseTransport | None = None) -> None:
        self._connection = connection
        self._intake = SpanIntake(connection, _TIMEOUT, transport)
        self._hurrying = threading.Event()
        self._not_before = 0.0
        self._refusal_is_told = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch, again and again if the platform asks for that, for at most a minute."""
        message = _encoded(spans)
        give_up = time.monotonic() + _PATIENCE
        pause = _FIRST_PAUSE
        owed = self._not_before - time.monotonic()
        if owed > 0 and (owed > _PATIENCE or self._hurrying.wait(owed)):
            return SpanExportResult.FAILURE
        while True:
            try:
                answer = self._attempt(message)
            except LoginExpiredError as error:
                self._tell_once(str(error))
                return SpanExportResult.FAILURE
            if answer is not None and answer.status not in _RETRYABLE:
                return self._result(answer)
            asked_for = (answer.retry_after if answer else None) or 0.0
            # The platform asks the client for a pause, not the batch: the next batch keeps it too.
            self._not_before = time.monotonic() + asked_for
            # The jitter keeps a thousand agents from coming back in the same moment.
            wait = max(pause * random.uniform(0.5, 1.0), asked_for)  # noqa: S311 -- no secret
            if time.monotonic() + wait > give_up or self._hurrying.wait(wait):
                return SpanExportResult.FAILURE
            pause = min(pause * 2, _LONGEST_PAUSE)

    def hurry(self) -> None:
        """The program ends: what fails from now on is not tried again."""
        self._hurrying.set()

    def shutdown(self) -> None:
        """Close the connections."""
        self._intake.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 -- OpenTelemetry's signature
        """Nothing is kept here."""
        return True

    def _attempt(self, message: bytes) -> Answer | None:
        try:
            return self._intake.post(message)
        except (PlatformUnreachableError, ProtocolError) as error:
            logger.debug("ams_sdk: spans were not taken: %s", error)
            return None

    def _result(self, answer: Answer) -> SpanExportResult:
        if answer.status == _OK:
            return _read_partial_success(answer.content)
        if answer.status in _REFUSED:
            endpoint = self._connection.endpoint
            self._tell_once(f"{endpoint} refuses the credential; run: ams login, or set a valid AMS_API_KEY")
        logger.debug("ams_sdk: the platform refused spans with status %s", answer.status)
        return SpanExportResult.FAILURE

    def _tell_once(self, reason: str) -> None:
        # The one thing that is worth a line in the program's log: nothing will arrive until somebody acts.
        if not self._refusal_is_told:
            self._refusal_is_told = True
            logger.warning("ams_sdk: no trace arrives. %s", reason)


def _encoded(spans: Sequence[ReadableSpan]) -> bytes:
    try:
        return encode_spans(spans).SerializeToString()
    except Exception:  # one span that protobuf cannot hold, a lone surrogate in its name, must not cost the others
        if len(spans) == 1:
            raise
        return b"".join(_encoded_alone(span) for span in spans)


def _encoded_alone(span: ReadableSpan) -> bytes:
    # Protobuf: the concatenation of two encoded messages is the encoding of their merger.
    try:
        return encode_spans([span]).SerializeToString()
    except Exception:  # whatever is wrong with it, the others are sent
        logger.debug("ams_sdk: a span cannot be encoded and is dropped", exc_info=True)
        return b""


def _read_partial_success(content: bytes) -> SpanExportResult:
    response = ExportTraceServiceResponse()
    try:
        response.ParseFromString(content)
    except DecodeError:
        return SpanExportResult.SUCCESS  # a 200 means that the spans are there; what else it says is a courtesy
    refused = response.partial_success.rejected_spans
    if refused:
        logger.debug("ams_sdk: the platform refused %s spans: %s", refused, response.partial_success.error_message)
    return SpanExportResult.FAILURE if refused else SpanExportResult.SUCCESS
