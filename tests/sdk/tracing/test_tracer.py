"""A tracer's parts, whom it asks, whom it takes for a parent, and who learns of what it starts."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, SynchronousMultiSpanProcessor, TracerProvider, sampling
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace.sampling import Decision, SamplingResult
from opentelemetry.trace import INVALID_SPAN, Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState
from tests.sdk.tracing.two_providers import RESOURCE, Counting, Kept, Listening, Others, own_provider, stock_provider

from ams_sdk import agent, tool
from ams_sdk._decorators import definition_of, invocation
from ams_sdk._tracing import tracer as tracer_module
from ams_sdk._tracing.call_span import CallSpan, UnsampledSpan
from ams_sdk._tracing.tracer import OwnTracer

PARENT = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("vendor", "1")]))
KEEP = SamplingResult(Decision.RECORD_AND_SAMPLE)


class Asked(sampling.Sampler):
    """Notes what it is asked, and gives the same answer."""

    def __init__(self, answer=KEEP) -> None:
        self.answer = answer
        self.questions = []

    def should_sample(self, *question):
        context, trace_id, name, kind, attributes, links = question
        self.questions.append((context, trace_id, name, kind, attributes and dict(attributes), links))
        return self.answer

    def get_description(self):
        return "asked"


@tool
def look(where):
    """Looks."""
    return where


@agent(version="2")
def walker(where):
    """Walks."""
    return where


@contextlib.contextmanager
def current(span):
    """A context with this span, and nothing else, is the current one."""
    context = trace.set_span_in_context(span, otel_context.Context())
    token = otel_context.attach(context)
    try:
        yield context
    finally:
        otel_context.detach(token)


def begun(tracer, function):
    """A decorated call, begun on our tracer or on the SDK's."""
    given_to_it = definition_of(function), ("up",), {}, "the id", True
    return tracer.start_call(*given_to_it) if type(tracer) is OwnTracer else invocation.begin(tracer, *given_to_it)


def called(tracer, function, parent=INVALID_SPAN):
    """The span of a decorated call that was made below a parent."""
    with current(parent):
        call = begun(tracer, function)
        call.returned("up")
        return call


def test_it_is_a_tracer_of_the_sdk_with_all_its_parts():
    provider = own_provider(Kept())
    tracer = provider.get_tracer("library", "1", "https://schema", {"a": 1})
    assert isinstance(tracer, SdkTracer)
    assert tracer.resource is RESOURCE
    assert tracer.sampler is provider.sampler
    assert tracer.span_processor is provider._active_span_processor
    assert (tracer.instrumentation_info.name, tracer.instrumentation_info.version) == ("library", "1")
    assert tracer._instrumentation_scope.attributes == {"a": 1}
    span = tracer.start_span("work")
    assert span.instrumentation_scope is tracer._instrumentation_scope
    assert span._span_processor is provider._active_span_processor


@pytest.mark.skipif(not hasattr(SdkTracer, "_is_enabled"), reason="this OpenTelemetry cannot turn a tracer off")
def test_a_tracer_says_that_it_is_enabled():
    tracer = own_provider(Kept()).get_tracer("library")
    assert tracer._is_enabled()
    assert tracer._tracer_config.is_enabled


def test_what_a_sampler_does_not_want_is_exactly_a_non_recording_span():
    span = own_provider(Kept(), sampler=sampling.ALWAYS_OFF).get_tracer("test").start_span("work")
    assert type(span) is NonRecordingSpan
    assert span.get_span_context().is_valid


def test_a_sampler_is_asked_with_what_the_span_is_started_with():
    sampler = Asked()
    tracer = own_provider(Kept(), sampler=sampler).get_tracer("test")
    context, links = trace.set_span_in_context(NonRecordingSpan(PARENT)), (Link(PARENT),)
    tracer.start_span("work", context, SpanKind.CLIENT, {"a": 1}, links)
    ((given_context, *rest),) = sampler.questions
    assert given_context is context
    assert rest == [1, "work", SpanKind.CLIENT, {"a": 1}, links]


def test_a_sampler_is_asked_of_a_root_with_the_trace_id_that_it_gets():
    sampler = Asked()
    span = own_provider(Kept(), sampler=sampler).get_tracer("test").start_span("work")
    assert sampler.questions == [(None, span.context.trace_id, "work", SpanKind.INTERNAL, None, ())]


@pytest.mark.parametrize("parent", [INVALID_SPAN, NonRecordingSpan(PARENT)])
@pytest.mark.parametrize("function", [look, walker])
def test_a_sampler_is_asked_of_a_decorated_call_as_with_a_provider_of_the_applications(function, parent):
    questions = []
    for make, listener in ((own_provider, Kept()), (stock_provider, Listening())):
        sampler = Asked()
        called(make(listener, sampler=sampler, id_generator=Counting()).get_tracer("test"), function, parent)
        questions.append(sampler.questions)
    assert questions[0] == questions[1]
    assert questions[0][0][4]["gen_ai.operation.name"]


@given(st.dictionaries(st.sampled_from(["a", "gen_ai.operation.name"]), st.sampled_from(["x", 1, [1, 2], True])))
def test_what_a_sampler_adds_to_a_decorated_call_is_on_its_span(added):
    class Adds(Asked):
        def should_sample(self, *question):
            return SamplingResult(Decision.RECORD_AND_SAMPLE, {**(question[4] or {}), **added}, PARENT.trace_state)

    call = called(own_provider(Kept(), sampler=Adds()).get_tracer("test"), walker)
    expected = {key: tuple(value) if type(value) is list else value for key, value in added.items()}
    assert {key: call.attributes[key] for key in added} == expected
    assert call.attributes["gen_ai.agent.name"] == "walker"
    assert call.context.trace_state is PARENT.trace_state


def test_a_call_that_is_only_to_be_recorded_is_told_to_processors_and_not_sent():
    kept, listening = Kept(), Listening()
    provider = own_provider(kept, sampler=Asked(SamplingResult(Decision.RECORD_ONLY)))
    provider.add_span_processor(listening)
    call = called(provider.get_tracer("test"), look)
    assert type(call) is CallSpan
    assert (len(listening.started), len(listening.ended), kept.spans) == (1, 1, [])
    assert not call.context.trace_flags.sampled


def test_a_call_that_is_only_to_be_recorded_and_that_nobody_hears_of_is_not_sent_either():
    kept = Kept()
    called(own_provider(kept, sampler=Asked(SamplingResult(Decision.RECORD_ONLY))).get_tracer("test"), look)
    assert kept.spans == []


PARTS = {
    "sampler": (lambda: sampling.ALWAYS_OFF, lambda span, _: not span.is_recording()),
    "resource": (lambda: Resource({"a": 1}), lambda span, given: span.resource is given),
    "id_generator": (Counting, lambda span, _: span.get_span_context().span_id == 2),
    "span_processor": (SynchronousMultiSpanProcessor, lambda span, given: span._span_processor is given),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_assigned_counts_for_the_next_span(part):
    tracer = own_provider(Kept(), sampler=sampling.ALWAYS_ON).get_tracer("test")
    tracer.start_span("before")
    make, holds = PARTS[part]
    made = make()
    setattr(tracer, part, made)
    assert holds(tracer.start_span("after"), made)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_assigned_counts_for_the_next_call(part):
    tracer = own_provider(Kept(), sampler=sampling.DEFAULT_ON).get_tracer("test")
    called(tracer, look)
    make, holds = PARTS[part]
    made = sampling.ParentBased(sampling.TraceIdRatioBased(1e-9)) if part == "sampler" else make()
    setattr(tracer, part, made)
    call = called(tracer, look)
    assert type(call) is UnsampledSpan if part == "sampler" else holds(call, made)


@pytest.mark.skipif(not hasattr(TracerProvider, "_set_tracer_configurator"), reason="not in this OpenTelemetry")
@pytest.mark.parametrize("parent", [INVALID_SPAN, NonRecordingSpan(PARENT)])
def test_a_scope_that_is_turned_off_starts_nothing_and_passes_its_parent_on(parent):
    kept = Kept()
    provider = own_provider(kept)
    off, on = provider.get_tracer("off"), provider.get_tracer("on")
    config = type(off._tracer_config)
    provider._set_tracer_configurator(tracer_configurator=lambda scope: config(is_enabled=scope.name != "off"))
    context = trace.set_span_in_context(parent)
    assert type(off.start_span("work", context)) is NonRecordingSpan
    assert off.start_span("work", context).get_span_context() is parent.get_span_context()
    with current(parent):
        assert begun(off, walker) is None
    on.start_span("work").end()
    provider._set_tracer_configurator(tracer_configurator=lambda _: config(is_enabled=True))
    off.start_span("again").end()
    called(off, look)
    assert [span.name for span in kept.spans] == ["work", "again", "execute_tool look"]


class Proxy:
    """What wrapt's object proxies are: everything is the wrapped one's, its class included."""

    def __init__(self, wrapped) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name):
        return getattr(self._wrapped, name)

    @property
    def __class__(self):
        return type(self._wrapped)


class WithParts(Proxy):
    """A proxy that has parts of its own."""

    def __init__(self, wrapped, **parts) -> None:
        super().__init__(wrapped)
        self.__dict__.update(parts)


@pytest.mark.parametrize("part", PARTS)
def test_a_proxy_with_a_part_of_its_own_starts_spans_with_it(part):
    tracer = own_provider(Kept(), sampler=sampling.ALWAYS_ON).get_tracer("test")
    make, holds = PARTS[part]
    made = make()
    proxy = WithParts(tracer, **{part: made})
    assert holds(proxy.__class__.start_span(proxy, name="work"), made)
    assert not holds(tracer.start_span("work"), made)


def test_a_wrapt_proxy_with_ids_of_its_own_starts_spans_with_them():
    wrapt = pytest.importorskip("wrapt")

    class Own(wrapt.ObjectProxy):
        @property
        def id_generator(self):
            return Counting()

    proxy = Own(own_provider(Kept()).get_tracer("test"))
    assert proxy.__class__.start_span(proxy, "work").get_span_context().span_id == 2


@pytest.mark.parametrize("kind", ["by hand", "wrapt"])
def test_a_proxy_of_our_span_is_a_parent(kind):
    wrap = Proxy if kind == "by hand" else pytest.importorskip("wrapt").ObjectProxy
    tracer = own_provider(Kept()).get_tracer("test")
    parent = tracer.start_span("parent")
    assert tracer.start_span("child", trace.set_span_in_context(wrap(parent))).parent is parent.context
    call = called(tracer, look, wrap(parent))
    assert call.parent is parent.context


@pytest.mark.parametrize("theirs", ["the SDK's", "another's"])
def test_a_span_of_others_is_a_parent(theirs):
    parent = stock_provider(Listening()).get_tracer("test").start_span("parent")
    parent = parent if theirs == "the SDK's" else Others(parent.get_span_context())
    tracer = own_provider(Kept()).get_tracer("test")
    span = tracer.start_span("child", trace.set_span_in_context(parent))
    call = called(tracer, look, parent)
    assert span.parent is call.parent is parent.get_span_context()


def test_our_spans_are_parents_for_a_provider_of_others():
    tracer = own_provider(Kept()).get_tracer("test")
    stock = stock_provider(Listening()).get_tracer("test")
    for parent in (tracer.start_span("parent"), called(tracer, look)):
        assert stock.start_span("child", trace.set_span_in_context(parent)).parent is parent.get_span_context()


@pytest.mark.parametrize(("said", "expected"), [(None, None), (SpanContext(0, 0, is_remote=False), None)])
def test_a_span_of_others_that_has_no_identity_is_no_parent(said, expected):
    tracer = own_provider(Kept()).get_tracer("test")
    assert tracer.start_span("root", trace.set_span_in_context(Others(said))).parent is expected
    assert called(tracer, look, Others(said)).parent is expected


def test_what_is_no_span_in_a_context_is_no_parent():
    tracer = own_provider(Kept()).get_tracer("test")
    assert tracer.start_span("root", trace.set_span_in_context("no span")).parent is None
    assert called(tracer, look, "no span").parent is None


def test_a_span_that_says_nonsense_of_itself_is_refused_as_by_the_sdk():
    context = trace.set_span_in_context(Others("nonsense"))
    for provider in (own_provider(Kept()), stock_provider(Listening())):
        with pytest.raises(TypeError, match="parent_span_context must be a SpanContext or None"):
            provider.get_tracer("test").start_span("work", context)


def test_a_processor_that_starts_gets_the_callers_own_context():
    listening = Listening()
    provider = own_provider(Kept())
    provider.add_span_processor(listening)
    tracer = provider.get_tracer("test")
    context = otel_context.Context({"mine": 1})
    span = tracer.start_span("work", context)
    other = tracer.start_span("work")
    with current(span) as now:
        call = begun(tracer, look)
        call.returned(None)
    assert [one for one, _ in listening.started] == [span, other, call]
    assert [given is wanted for (_, given), wanted in zip(listening.started, [context, None, now], strict=True)] == [
        True
    ] * 3


class Fails(SpanProcessor):
    """A processor that is broken at one place."""

    def __init__(self, place, error=ZeroDivisionError) -> None:
        def fail(*_, **__):
            raise error

        setattr(self, place, fail)


@pytest.mark.parametrize("place", ["on_start", "on_end"])
def test_what_a_processor_raises_comes_out_of_a_span_as_with_the_sdk(place):
    for make, listener in ((own_provider, Kept()), (stock_provider, Listening())):
        provider = make(listener)
        provider.add_span_processor(Fails(place))
        with pytest.raises(ZeroDivisionError):
            provider.get_tracer("test").start_span("work").end()


@pytest.mark.parametrize("place", ["on_start", "on_end"])
@pytest.mark.parametrize("fails", [False, True])
def test_what_a_processor_raises_does_not_reach_a_decorated_call_and_costs_no_span(place, fails, held_back):
    kept = Kept()
    provider = own_provider(kept)
    provider.add_span_processor(Fails(place))
    with current(INVALID_SPAN):
        call = begun(provider.get_tracer("test"), look)
        assert trace.get_current_span() is call
        call.failed(ValueError()) if fails else call.returned("up")
        assert trace.get_current_span() is INVALID_SPAN
    assert [span.name for span in kept.spans] == ["execute_tool look"]
    assert [type(error) for _, error in held_back] == [ZeroDivisionError]
    held_back.clear()


def test_an_interrupt_in_a_processor_ends_the_span_and_passes():
    kept = Kept()
    provider = own_provider(kept)
    provider.add_span_processor(Fails("on_start", KeyboardInterrupt))
    with current(INVALID_SPAN), pytest.raises(KeyboardInterrupt):
        begun(provider.get_tracer("test"), look)
    assert len(kept.spans) == 1


def test_options_of_a_span_hold_where_it_is_used_as_a_block():
    tracer = own_provider(Kept()).get_tracer("test")
    for records, sets_status in ((True, True), (True, False), (False, True), (False, False)):
        span = tracer.start_span("work", record_exception=records, set_status_on_exception=sets_status)
        with pytest.raises(ValueError, match="no"), span:
            raise ValueError("no")
        assert (len(span.events), span.status.is_ok) == (records, not sets_status)


def test_where_a_span_context_is_made_otherwise_its_constructor_is_called(monkeypatch):
    monkeypatch.setattr(tracer_module, "IS_PLAIN_TUPLE", False)
    tracer = own_provider(Kept()).get_tracer("test")
    assert tracer._fast is None
    root = called(tracer, walker)
    assert called(tracer, look, root).parent is root.context
    assert root.context.is_valid
