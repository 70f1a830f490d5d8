"""What an answer says about a batch.

Rules: the OTLP specification 1.x, "OTLP/HTTP": 429, 502, 503 and 504 are tried again, honouring ``Retry-After``; any
other refusal is final; a 200 may say in ``partial_success`` that some spans were not taken. A refused credential is no
verdict on the batch: it is kept until there is a better one.
"""

from __future__ import annotations

import enum
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ams_sdk._background import importing

if TYPE_CHECKING:
    from ams_sdk._client import Answer

__all__ = ["Outcome", "Verdict", "judge"]

logger = logging.getLogger("ams_sdk")

_OK: Final = 200
_RETRYABLE: Final = frozenset({429, 502, 503, 504})
_UNAUTHORIZED: Final = frozenset({401, 403})


class Outcome(enum.Enum):
    """What becomes of a batch."""

    ARRIVED = enum.auto()
    LATER = enum.auto()
    REFUSED = enum.auto()
    UNAUTHORIZED = enum.auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome.

    Attributes:
        rejected: spans of those that arrived.
        pause: seconds, if a pause was asked for.
        status: HTTP's, where there was an answer.
    """

    outcome: Outcome
    rejected: int = 0
    pause: float | None = None
    status: int = 0


def judge(answer: Answer) -> Verdict:
    """Read an answer."""
    status = answer.status
    if status == _OK and answer.content_type == "text/html":
        return Verdict(Outcome.LATER, status=status)  # a proxy that wants somebody to sign in
    if 200 <= status < 300:  # noqa: PLR2004 -- HTTP's classes
        return Verdict(Outcome.ARRIVED, rejected=_rejected(answer.content) if answer.content else 0)
    if status in _RETRYABLE:
        return Verdict(Outcome.LATER, pause=answer.retry_after, status=status)
    if status in _UNAUTHORIZED:
        return Verdict(Outcome.UNAUTHORIZED, status=status)
    return Verdict(Outcome.REFUSED, status=status)


def _rejected(content: bytes) -> int:
    with importing:
        from google.protobuf.message import DecodeError  # noqa: PLC0415 -- heavy, and most answers are empty
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415 -- the same
            ExportTraceServiceResponse,
        )
    response = ExportTraceServiceResponse()
    try:
        response.ParseFromString(content)
    except DecodeError:
        return 0  # a 200 means that the spans are there; what else it says is a courtesy
    refused = max(0, response.partial_success.rejected_spans)
    if refused:
        logger.debug("ams_sdk: the platform refused %s spans: %s", refused, response.partial_success.error_message)
    return refused
