"""Row 18: the application's own tracer provider is the application's."""

from __future__ import annotations

import functools

from tests.rows.check import NotRun, check
from tests.rows.programs import run

_PROGRAM = """
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()

    def provided():
        # What the application does, or another SDK in its place.
        provider = TracerProvider(resource=Resource({"service.name": "mine"}))
        provider.add_span_processor(SimpleSpanProcessor(kept))
        trace.set_tracer_provider(provider)
        return provider

    @tool
    def heron(what):
        return what

    ORDER
    heron("b")
    with trace.get_tracer("mine").start_as_current_span("stork") as mine:
        heron("c")
    subject.close()
    print("same", trace.get_tracer_provider() is provider)
    names = [span.name for span in kept.get_finished_spans()]
    print("mine", sum("stork" in name for name in names))
    ids = [span.context.span_id for span in kept.get_finished_spans()]
    print("twice", len(ids) - len(set(ids)))
    (stork,) = [span for span in kept.get_finished_spans() if "stork" in span.name] or [None]
    print("root", stork is not None and stork.parent is None)
    print("resource", stork is not None and stork.resource.attributes["service.name"] == "mine")
    print("processors", len(provider._active_span_processor._span_processors) >= 1)
    provider.shutdown()
"""

_ORDERS = {
    "before": "provider = provided(); subject.configure()",
    "after": "subject.configure(); provider = provided()",
    "after_a_call": "subject.configure(); heron('a'); provider = provided()",
}


def _ran(subject, order):
    try:
        import opentelemetry.sdk  # noqa: F401, PLC0415 -- may be missing
    except ImportError:
        raise NotRun("opentelemetry-sdk is not installed") from None
    ran = run(subject, _PROGRAM.replace("ORDER", _ORDERS[order]), configured=False)
    assert ran.code == 0, ran.reason
    return ran, dict(line.split(" ", 1) for line in ran.out.splitlines() if " " in line)


def _untouched(subject, *, order):
    _, said = _ran(subject, order)
    assert said["same"] == "True", "the global provider is not the application's"
    assert said["root"] == "True" or said["mine"] == "0", "the application's root span has a parent"


def _gets_its_spans(subject, *, order):
    _, said = _ran(subject, order)
    assert said["mine"] == "1", f"the application's span has arrived {said['mine']} times at its own exporter"
    assert said["resource"] == "True", "the application's resource is lost"


def _silent(subject, *, order):
    ran, said = _ran(subject, order)
    assert "Overriding" not in ran.err, "there is a line about overriding the provider"
    assert said["twice"] == "0", f"{said['twice']} spans have arrived twice at the application's exporter"


for _order, _when in {
    "before": "set before the SDK is configured",
    "after": "set after it, as another SDK may do",
    "after_a_call": "set after the first traced call",
}.items():
    check(row=18, says=f"the application's provider, {_when}, stays the global one", alone=True)(
        functools.partial(_untouched, order=_order)
    )
    check(row=18, says=f"{_when}: it gets the application's spans, with the application's resource", alone=True)(
        functools.partial(_gets_its_spans, order=_order)
    )
    check(row=18, says=f"{_when}: no span arrives there twice, and no line about overriding", alone=True)(
        functools.partial(_silent, order=_order)
    )
