"""Our provider and the SDK's, side by side: the same ids, the same resource, and somebody who keeps what comes out."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator

from ams_sdk._tracing.processor import PipelineProcessor
from ams_sdk._tracing.provider import OwnProvider

RESOURCE = Resource({"service.name": "test"})


class Counting(IdGenerator):
    """Ids in turn: the same decisions take the same ids."""

    def __init__(self, *, random: bool = False) -> None:
        self.last = 0
        self._random = random

    def generate_span_id(self) -> int:
        self.last += 1
        return self.last

    def generate_trace_id(self) -> int:
        # Far apart in their low bits, so that a sampler that goes by them keeps some and drops some.
        return (self.generate_span_id() * 0x9E3779B97F4A7C15) & (2**64 - 1) | 1 << 100

    def is_trace_id_random(self) -> bool:
        return self._random


class Composite(SpanProcessor):
    """Keeps processors in a way of its own."""

    def __init__(self) -> None:
        self.inner = []

    def add_span_processor(self, processor):
        self.inner.append(processor)

    def on_start(self, span, parent_context=None):
        for one in self.inner:
            one.on_start(span, parent_context)

    def on_end(self, span):
        for one in self.inner:
            one.on_end(span)


class Kept:
    """Takes spans as a pipeline does, and keeps them as they come."""

    def __init__(self) -> None:
        self.spans = []
        self.sizes = []

    def submit(self, span, size):
        self.spans.append(span)
        self.sizes.append(size)

    def refuse(self):
        raise AssertionError("a span was refused")


class Listening(SpanProcessor):
    """A processor of somebody else's that keeps what it is told."""

    def __init__(self) -> None:
        self.started = []
        self.ended = []

    def on_start(self, span, parent_context=None):
        self.started.append((span, parent_context))

    def on_end(self, span):
        self.ended.append(span)


class Others(trace.Span):
    """A span of another implementation."""

    def __init__(self, context) -> None:
        self._said = context

    def get_span_context(self):
        return self._said

    def is_recording(self):
        return False

    def _nothing(self, *_, **__): ...

    end = set_attribute = set_attributes = add_event = add_link = update_name = set_status = record_exception = _nothing


def own_provider(kept: Kept, **options) -> OwnProvider:
    """Ours, with our processor alone."""
    provider = OwnProvider(**{"resource": RESOURCE, "shutdown_on_exit": False, **options})
    provider.add_span_processor(PipelineProcessor([kept], lambda _: True, only_related=False))
    return provider


def stock_provider(listening: Listening, **options) -> TracerProvider:
    """The SDK's."""
    provider = TracerProvider(**{"resource": RESOURCE, "shutdown_on_exit": False, **options})
    provider.add_span_processor(listening)
    return provider
