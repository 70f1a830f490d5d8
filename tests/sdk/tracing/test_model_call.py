import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from ams_sdk._tracing.model_call import TRACE_THEMSELVES, SelectiveTracer
from ams_sdk._tracing.provider import OwnProvider

CHAT = {"gen_ai.operation.name": "chat"}
CALLS = [CHAT, {"gen_ai.operation.name": "embeddings"}, {"openinference.span.kind": "LLM"}]
OTHERS = [{}, None, {"gen_ai.operation.name": "execute_tool"}, {"openinference.span.kind": "TOOL"}]


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter):
    made = OwnProvider(shutdown_on_exit=False)
    made.add_span_processor(SimpleSpanProcessor(exporter))
    yield made
    made.shutdown()


@pytest.fixture
def selective(provider):
    return SelectiveTracer(provider.get_tracer("library"))


@pytest.mark.parametrize("inner", CALLS)
@pytest.mark.parametrize("outer", CALLS)
def test_a_call_inside_a_call_is_left_out_and_what_is_below_hangs_below_the_outer_one(
    provider, selective, exporter, outer, inner
):
    tracer = provider.get_tracer("framework")
    with tracer.start_as_current_span("outer", attributes=outer) as span:
        with selective.start_as_current_span("inner", attributes=inner) as left_out:
            assert not left_out.is_recording()
            tracer.start_span("below").end()
        assert trace.get_current_span() is span
    below, whole = exporter.get_finished_spans()
    assert (below.name, whole.name) == ("below", "outer")
    assert below.parent.span_id == whole.context.span_id


@pytest.mark.parametrize("outer", CALLS + OTHERS)
@pytest.mark.parametrize("inner", OTHERS)
def test_what_is_no_call_of_a_model_is_made(provider, selective, exporter, outer, inner):
    with provider.get_tracer("framework").start_as_current_span("outer", attributes=outer):
        selective.start_span("inner", attributes=inner).end()
    assert [span.name for span in exporter.get_finished_spans()] == ["inner", "outer"]


@pytest.mark.parametrize("outer", OTHERS)
def test_a_call_inside_of_anything_else_is_made(provider, selective, exporter, outer):
    framework = provider.get_tracer("framework")
    with (
        framework.start_as_current_span("outer", attributes=outer),
        selective.start_as_current_span("i", attributes=CHAT),
    ):
        pass
    assert [span.name for span in exporter.get_finished_spans()] == ["i", "outer"]


def test_the_context_that_is_given_counts_and_not_the_present_one(provider, selective, exporter):
    outer = provider.get_tracer("framework").start_span("outer", attributes=CHAT)
    inside = trace.set_span_in_context(outer)
    assert not selective.start_span("inner", inside, SpanKind.CLIENT, CHAT).is_recording()
    with trace.use_span(outer):
        elsewhere = selective.start_span("elsewhere", trace.set_span_in_context(trace.INVALID_SPAN), attributes=CHAT)
        assert elsewhere.is_recording()
        elsewhere.end()
    assert [span.name for span in exporter.get_finished_spans()] == ["elsewhere"]
    outer.end()


def test_only_libraries_that_trace_themselves_get_such_a_tracer(provider):
    kinds = {scope: type(provider.get_tracer(scope)) is SelectiveTracer for scope in ("library", *TRACE_THEMSELVES)}
    assert kinds == {"library": False} | dict.fromkeys(TRACE_THEMSELVES, True)
