"""Who is sampled: foreseen or asked, for a span or a decorated call, it is what the SDK's tracer would have decided."""

import copy
import random

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, StaticSampler, TraceIdRatioBased
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState
from tests.sdk.tracing.two_providers import Counting, Kept, Listening, Others, own_provider, stock_provider

from ams_sdk import agent, tool
from ams_sdk._decorators import definition_of, invocation
from ams_sdk._tracing import decision as decision_module
from ams_sdk._tracing import tracer as tracer_module
from ams_sdk._tracing.decision import ASK, Foresight
from ams_sdk._tracing.tracer import OwnTracer

LOW_BITS = 2**64 - 1


class Adds(StaticSampler):
    """A subclass of the SDK's own that adds to what it is asked about."""

    def should_sample(self, *question, **named):
        asked = named["attributes"] if named else question[4]
        return sampling.SamplingResult(
            self._decision, {**(asked or {}), "sampler": "adds"}, TraceState([("sampler", "adds")])
        )


class OnlySome(TraceIdRatioBased):
    """The same of another one: it decides by rules of its own."""

    def should_sample(self, *_, **__):
        return sampling.SamplingResult(Decision.RECORD_ONLY)


class Broken(Counting):
    """Now and then it gives an id that is none."""

    def generate_span_id(self):
        return super().generate_span_id() % 3


rates = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 0.3, 0.7, 1e-19, 5e-20, 1e-300, 1 - 2**-53])
leaves = st.one_of(
    st.sampled_from([sampling.ALWAYS_ON, sampling.ALWAYS_OFF, OnlySome(0.5)]),
    st.builds(TraceIdRatioBased, rates),
    st.builds(StaticSampler, st.sampled_from(Decision)),
    st.builds(Adds, st.sampled_from(Decision)),
)
samplers = st.one_of(
    leaves,
    st.builds(ParentBased, leaves),
    st.builds(ParentBased, leaves, leaves, leaves, leaves, leaves),
    st.builds(ParentBased, st.builds(ParentBased, leaves)),
    st.builds(sampling.ParentBasedTraceIdRatio, rates),
    st.sampled_from([sampling.DEFAULT_ON, sampling.DEFAULT_OFF]),
)
contexts = st.builds(
    SpanContext,
    st.sampled_from([0, 1, 2**63, 2**128 - 1, 2**128]),
    st.sampled_from([0, 5, 2**64 - 1, 2**64]),
    st.booleans(),
    st.integers(0, 255).map(TraceFlags),
    st.sampled_from([TraceState(), TraceState([("vendor", "1")])]),
)
parents = st.one_of(st.none(), contexts.map(NonRecordingSpan), contexts.map(Others))


def near(bound):
    """Trace ids whose low bits are next to a bound, and any others."""
    low = st.integers(0, LOW_BITS) | st.integers(-2, 2).map(lambda step: (bound + step) & LOW_BITS)
    return st.builds(lambda high, low: (high << 64 | low) or 1, st.integers(0, LOW_BITS), low)


def said(sampler, trace_id, flags):
    """What the sampler answers for a root, or for the child of a span of this process with these flags."""
    context = SpanContext(trace_id, 7, is_remote=False, trace_flags=TraceFlags(flags or 0))
    parent = trace.INVALID_SPAN if flags is None else NonRecordingSpan(context)
    return sampler.should_sample(trace.set_span_in_context(parent), trace_id, "name").decision


@given(samplers, st.data())
def test_whatever_is_foreseen_is_what_the_sampler_says(sampler, data):
    foresight = Foresight(sampler)
    bounds = {None: foresight.root, 1: foresight.below_sampled, 0: foresight.below_unsampled}
    for flags, bound in bounds.items():
        if bound != ASK:
            trace_id = data.draw(near(bound))
            expected = Decision.RECORD_AND_SAMPLE if trace_id & LOW_BITS < bound else Decision.DROP
            assert said(sampler, trace_id, flags) is expected
    assert foresight.is_complete == (ASK not in bounds.values())
    if foresight.keeps_roots:
        assert said(sampler, data.draw(near(0)) | LOW_BITS, None) is Decision.RECORD_AND_SAMPLE
    if foresight.follows_parents:
        trace_id = data.draw(near(0))
        assert said(sampler, trace_id, 1) is Decision.RECORD_AND_SAMPLE
        assert said(sampler, trace_id, 0) is Decision.DROP


@pytest.mark.parametrize(
    ("named", "argument"),
    [
        ("always_on", ""),
        ("always_off", ""),
        ("traceidratio", "0.25"),
        ("parentbased_always_on", ""),
        ("parentbased_always_off", ""),
        ("parentbased_traceidratio", "0.25"),
    ],
)
def test_every_sampler_that_the_environment_may_name_is_foreseen(monkeypatch, named, argument):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", named)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", argument)
    foresight = Foresight(sampling._get_from_env_or_default())
    assert foresight.is_complete
    assert foresight.follows_parents == named.startswith("parentbased")


@pytest.mark.parametrize(
    "sampler",
    [
        OnlySome(1.0),
        StaticSampler(Decision.RECORD_ONLY),
        ParentBased(OnlySome(1.0)),
        ParentBased(sampling.ALWAYS_ON, local_parent_sampled=OnlySome(1.0)),
        ParentBased(ParentBased(sampling.ALWAYS_ON)),
    ],
)
def test_a_sampler_with_rules_of_its_own_is_asked(sampler):
    assert not Foresight(sampler).is_complete


def decided(span):
    """All that was decided about a span."""
    context = span.get_span_context()
    if not span.is_recording():
        return type(span), tuple(context)
    links = [(tuple(link.context), dict(link.attributes or {})) for link in span.links]
    about = span.parent and tuple(span.parent), dict(span.attributes), links, span.kind, span.name
    return tuple(context), type(context.trace_flags), about


def family(tracer, parent, *arguments):
    """A span below this parent, its child, and that one's."""
    context = None if parent is None else trace.set_span_in_context(parent)
    for _ in range(3):
        span = tracer.start_span("name", context, *arguments)
        yield span
        context = trace.set_span_in_context(span)


@given(
    samplers,
    parents,
    st.tuples(
        st.sampled_from(SpanKind),
        st.none() | st.dictionaries(st.sampled_from("ab"), st.integers(0, 9) | st.lists(st.integers(0, 9))),
        st.none() | st.lists(st.builds(Link, contexts, st.none() | st.just({"l": 1})), max_size=2),
    ),
    st.sampled_from([Counting(), Counting(random=True), Broken()]),
)
def test_spans_are_decided_about_as_by_the_sdks_tracer(sampler, parent, start_with, ids):
    decisions = []
    for make, listener in ((own_provider, Kept()), (stock_provider, Listening())):
        provider = make(listener, sampler=sampler, id_generator=copy.copy(ids))
        spans = family(provider.get_tracer("test"), parent, *start_with)
        decisions.append([decided(span) for span in spans])
    assert decisions[0] == decisions[1]


@pytest.fixture
def same_bits(monkeypatch):
    """Both random generators of ids draw the same from now on; call it to begin anew."""

    def begin():
        bits = random.Random(3).getrandbits  # noqa: S311 -- to be drawn again
        monkeypatch.setattr(tracer_module, "getrandbits", bits)
        monkeypatch.setattr(decision_module, "getrandbits", bits)
        monkeypatch.setattr(random, "getrandbits", bits)

    return begin


@given(samplers, parents)
def test_with_random_ids_they_are_decided_about_as_by_the_sdks_tracer_too(same_bits, sampler, parent):
    decisions = []
    for make, listener in ((own_provider, Kept()), (stock_provider, Listening())):
        same_bits()
        tracer = make(listener, sampler=sampler).get_tracer("test")
        decisions.append([decided(span) for span in family(tracer, parent)])
    assert decisions[0] == decisions[1]


@tool
def look(where):
    return where


@agent(version="2")
def walker(where):
    return look(where)


def begun(tracer, definition):
    """A decorated call, begun on our tracer or on the SDK's."""
    given_to_it = definition, ("up",), {}, "the id", True
    return tracer.start_call(*given_to_it) if type(tracer) is OwnTracer else invocation.begin(tracer, *given_to_it)


def nested(tracer, parent, functions):
    """The spans that are current inside of decorated calls, one in the other."""
    token = otel_context.attach(otel_context.Context() if parent is None else trace.set_span_in_context(parent))
    calls, spans = [], []
    for function in functions:
        calls.append(begun(tracer, definition_of(function)))
        spans.append(trace.get_current_span())
    for call in reversed(calls):
        if call is not None:
            call.returned(None)
    otel_context.detach(token)
    return spans


def seen(span):
    """As ``decided``, but for the ids of unsampled spans: one may serve for several calls, and is drawn late."""
    context = span.get_span_context()
    if not span.is_recording():
        return context.is_valid, context.trace_id, int(context.trace_flags), dict(context.trace_state)
    return decided(span)


@pytest.mark.parametrize("ids", [None, Counting(), Broken()])
@example(ParentBased(sampling.ALWAYS_OFF, local_parent_not_sampled=sampling.ALWAYS_ON), None, [walker, look])
@given(samplers, parents, st.lists(st.sampled_from([look, walker]), min_size=1, max_size=3))
def test_decorated_calls_are_decided_about_as_by_the_sdks_tracer(same_bits, ids, sampler, parent, functions):
    foresight = Foresight(sampler)
    assume((foresight.root, foresight.below_unsampled) != (0, 0))  # see the next test
    decisions = []
    for make, listener in ((own_provider, Kept()), (stock_provider, Listening())):
        same_bits()
        tracer = make(listener, sampler=sampler, id_generator=copy.copy(ids)).get_tracer("test")
        decisions.append([seen(span) for span in nested(tracer, parent, functions)])
    assert decisions[0] == decisions[1]


@pytest.mark.parametrize("sampler", [sampling.ALWAYS_OFF, sampling.DEFAULT_OFF, ParentBased(TraceIdRatioBased(0.0))])
def test_where_nothing_is_sampled_a_call_without_a_parent_leaves_the_context_alone(sampler):
    tracer = own_provider(Kept(), sampler=sampler).get_tracer("test")
    assert begun(tracer, definition_of(walker)) is None
    assert trace.get_current_span() is trace.INVALID_SPAN
