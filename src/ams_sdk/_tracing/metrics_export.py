"""Our own meter provider, for a program that has none: its metrics go to the platform, as OTLP over HTTP."""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader

from ams_sdk._background import importing, quietly
from ams_sdk._errors import AMSError

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.resources import Resource

    from ams_sdk._client import Destination, SpanIntake

__all__ = ["own_meter_provider"]

logger = logging.getLogger("ams_sdk")

_PATH: Final = "/v1/metrics"
_OK: Final = 200


def own_meter_provider(destination: Callable[[], Destination], resource: Resource) -> MeterProvider:
    """A meter provider that sends every minute, and at its shutdown.

    Args:
        destination: the platform.
        resource: what the metrics are of; the one of the spans.
    """
    reader = _Reader(PlatformMetricExporter(destination))
    return _OwnMeterProvider([reader], resource, shutdown_on_exit=False)


class _OwnMeterProvider(MeterProvider):
    def _handle_fork(self) -> None:
        # Nobody uses it in the child, which makes one of its own: there is nothing to describe, and no thread to start.
        # The lock is that of all meter providers.
        MeterProvider._all_metric_readers_lock = threading.Lock()


class _Reader(PeriodicExportingMetricReader):
    def _at_fork_reinit(self) -> None:
        """Stay without a thread."""


class PlatformMetricExporter(MetricExporter):
    """Posts metrics; what is not taken is lost, and the next minute's sums hold it."""

    def __init__(self, destination: Callable[[], Destination]) -> None:
        super().__init__()
        self._destination = destination
        self._intake: SpanIntake | None = None
        self._owner = os.getpid()

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:  # noqa: ANN401, ARG002 -- OpenTelemetry's signature
        """Send what was collected."""
        if os.getpid() != self._owner:
            return MetricExportResult.SUCCESS  # a reader goes on in the child of a fork, with what the parent counted
        with importing:
            from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics  # noqa: PLC0415 -- heavy

            from ams_sdk._client import SpanIntake  # noqa: PLC0415 -- heavy
        try:
            if self._intake is None:
                self._intake = SpanIntake(dataclasses.replace(self._destination(), path=_PATH))
            with quietly():
                answer = self._intake.post(encode_metrics(metrics_data).SerializeToString())
        except AMSError as error:
            logger.debug("ams_sdk: metrics were not taken: %s", error)
            return MetricExportResult.FAILURE
        if answer.status != _OK:
            logger.debug("ams_sdk: metrics were refused with status %s", answer.status)
        return MetricExportResult.SUCCESS if answer.status == _OK else MetricExportResult.FAILURE

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002 -- OpenTelemetry's signature
        """Nothing is kept here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:  # noqa: ANN401, ARG002 -- the same
        """Close the connections."""
        if self._intake is not None:
            self._intake.close()
