"""What a pipeline empties into: OTLP over HTTP, or an exporter of OpenTelemetry's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace.export import SpanExportResult

from ams_sdk._guard import guard
from ams_sdk._tracing.encoder import Batch
from ams_sdk._tracing.packing import Packed, add_to, packed
from ams_sdk._tracing.parcels import Parcel
from ams_sdk._tracing.pipeline import Counts
from ams_sdk._tracing.redacted_span import redacted_span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

    from ams_sdk._tracing.sender import Sender
    from ams_sdk._tracing.span_queue import Pack
    from ams_sdk._tracing.spool import Spool

__all__ = ["ExporterOutlet", "OtlpOutlet"]

SEAL_BYTES: Final = 2**20
"""Encoded bytes that are a batch; the platform takes sixteen times as many."""


class ExporterOutlet:
    """An exporter of OpenTelemetry's, which gets the SDK's own readable spans, without their secrets.

    Args:
        exporter: called from the worker only, with instrumentation suppressed.
        name: for messages.
        redacted: what it gets of a span.
    """

    is_quick = False
    pack: Pack | None = None

    def __init__(
        self, exporter: SpanExporter, name: str, redacted: Callable[[ReadableSpan], ReadableSpan] = redacted_span
    ) -> None:
        self._exporter = exporter
        self._redacted = redacted
        self._name = name
        self._exported = 0
        self._failed = 0
        self._sending = 0
        self._is_closed = False

    def open(self) -> None:
        """It has no threads."""

    def take(self, spans: Sequence[ReadableSpan | None]) -> None:
        """Export them at once."""
        self._sending = len(spans)
        sent = False
        batch: list[ReadableSpan] = []
        with guard(f"{self._name}: sending spans", BaseException):
            batch = self._without_secrets(spans)
            sent = self._exporter.export(batch) is SpanExportResult.SUCCESS
        exported = len(batch) if sent else 0
        self._exported += exported
        self._failed += len(spans) - exported
        self._sending = 0

    def _without_secrets(self, spans: Sequence[ReadableSpan | None]) -> list[ReadableSpan]:
        batch: list[ReadableSpan] = []
        for span in spans:
            with guard(f"{self._name}: redacting a span"):  # else it stays here
                if span is not None:
                    batch.append(self._redacted(span))
        return batch

    def seal(self) -> None:
        """Nothing is kept here."""

    def flush(self, _deadline: float) -> bool:
        """What was taken was exported."""
        return True

    def hurry(self) -> None:
        """Pass it on to an exporter that knows how to."""
        hurry = getattr(self._exporter, "hurry", None)
        if hurry is not None:
            hurry()

    def close(self) -> None:
        """Shut the exporter down."""
        self._exporter.shutdown()
        self._is_closed = True

    def join(self, _deadline: float) -> bool:
        """Everything was exported, or has failed."""
        return not self._failed

    def after_fork(self) -> None:
        """The parent's spans are the parent's."""
        self._exported = self._failed = self._sending = 0

    def counts(self) -> Counts:
        """What became of the spans."""
        return Counts(exported=self._exported, failed=self._failed, waiting=self._sending)


class OtlpOutlet:
    """Spans are encoded, written to the spool, and handed to the sender.

    Args:
        sender: what brings batches away.
        spool: where they are kept until they have arrived; None where there is none.
    """

    is_quick = True
    pack: Pack | None = staticmethod(packed)

    def __init__(self, sender: Sender, spool: Spool | None) -> None:
        self._sender = sender
        self._spool = spool
        self._batch = Batch()
        self._failed = 0

    def open(self) -> None:
        """Start the sender."""
        self._sender.open()

    def keep(self, span: ReadableSpan) -> bool:
        """Have one span on disk; for any thread, before its call returns. False if it could not be encoded.

        Raises:
            OSError: the disk is full, or cannot be written to.
        """
        alone = Batch()
        add_to(alone, span)
        if alone.spans and self._spool is not None:
            self._spool.journal(alone.message(), 1)
        return bool(alone.spans)

    def take(self, spans: Sequence[ReadableSpan | Packed | None]) -> None:
        """Encode them."""
        batch = self._batch
        for span in spans:
            if span is None:
                continue
            size = batch.add_encoded(*span) if isinstance(span, Packed) else add_to(batch, span)
            if size >= SEAL_BYTES:
                self.seal()
                batch = self._batch

    def seal(self) -> None:
        """Write what was encoded to the spool and hand it to the sender."""
        batch, self._batch = self._batch, Batch()
        self._failed += batch.failed
        if batch.spans:
            self._sender.offer(self._parcel(batch.message(), batch.spans))
        if self._spool is not None and (journal := self._spool.seal_journal()) is not None:
            self._sender.offer(Parcel(journal.spans, stored=journal))

    def flush(self, deadline: float) -> bool:
        """Wait for the sender."""
        return self._sender.flush(deadline)

    def hurry(self) -> None:
        """Let the sender not try again what fails."""
        self._sender.hurry()

    def close(self) -> None:
        """Nothing more comes."""
        self.seal()

    def join(self, deadline: float) -> bool:
        """Wait for the sender."""
        return self._sender.join(deadline)

    def after_fork(self) -> None:
        """The parent's spans are the parent's."""
        self._batch = Batch()
        self._failed = 0
        if self._spool is not None:
            self._spool.after_fork()
        self._sender.after_fork()

    def counts(self) -> Counts:
        """What became of the spans."""
        counts = self._sender.counts()
        dropped = dict(counts.dropped)
        if self._failed:
            dropped["not encodable"] = self._failed
        if self._spool is not None:
            for reason, spans in self._spool.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + spans
        return Counts(
            exported=counts.exported,
            failed=counts.failed,
            for_others=counts.for_others,
            dropped=dropped,
            waiting=counts.waiting + self._batch.spans,
            spooled=counts.spooled,
            retried=counts.retried,
            bytes=counts.bytes,
            seconds=counts.seconds,
        )

    def _parcel(self, message: bytes, spans: int) -> Parcel:
        if self._spool is not None:
            try:
                return Parcel(spans, stored=self._spool.write(message, spans))
            except OSError as error:  # the disk is full, or cannot be written to: memory is what is left
                self._tell(error)
        return Parcel(spans, body=message)

    def _tell(self, error: OSError) -> None:
        with guard("writing to the spool"):
            raise error
