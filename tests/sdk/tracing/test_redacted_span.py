"""What leaves by us has no secrets, whoever wrote the span; what the application's own processors see stays."""

import opentelemetry.trace
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags
from tests.sdk.tracing.two_providers import Kept, own_provider

import ams_sdk
from ams_sdk import tool
from ams_sdk._capture import REDACTED, use_rules
from ams_sdk._capture.leaks import leak_of
from ams_sdk._capture.rules import compile_rules
from ams_sdk._tracing.encoder import Batch
from ams_sdk._tracing.packing import add_to, packed
from ams_sdk._tracing.redacted_span import redacted_span

SECRET = "hunter2hunter2"
HELD = f"password={SECRET}"
ELSEWHERE = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1))


def write(span):
    """What other instrumentation may write on a span, with a secret in every place."""
    span.update_name(f"GET /reset?token={SECRET}")
    span.set_attribute("gen_ai.input.messages", f'[{{"role": "user", "parts": [{{"content": "{HELD}"}}]}}]')
    span.set_attribute("http.request.header.authorization", (SECRET,))
    span.set_attribute("db.password", SECRET)
    span.set_attribute("list", ["a", HELD])
    span.set_attributes({"url.full": f"https://u:{SECRET}@example.com/", "gen_ai.usage.input_tokens": 12})
    span.add_event("exception", {"exception.message": HELD, "exception.stacktrace": f"line\n{HELD}"})
    span.add_link(ELSEWHERE, {"note": HELD})
    span.set_attribute(f"is {HELD}", 1)
    span.add_event("named", {f"is {HELD}": 1})
    span.set_status(Status(StatusCode.ERROR, f"failed with {HELD}"))


def written(tracer):
    with tracer.start_as_current_span("span") as span:
        write(span)
    return span


def stock_tracer():
    return TracerProvider(resource=Resource({"process.command_args": ("run", HELD)})).get_tracer("others")


@pytest.fixture(params=["of the SDK", "of ours", "of ours, read before"])
def span(request):
    if request.param == "of the SDK":
        return written(stock_tracer())
    made = written(own_provider(Kept()).get_tracer("others"))
    if request.param == "of ours, read before":
        _ = made.attributes
    return made


def test_nothing_of_a_secret_is_in_the_bytes_that_are_sent(span):
    batch = Batch()
    add_to(batch, span)
    assert (batch.spans, batch.failed) == (1, 0)
    assert leak_of(batch.message(), SECRET) is None
    assert batch.message().count(REDACTED.encode()) >= 9
    early = packed(span)
    assert early is None or leak_of(early[0].message, SECRET) is None


def test_an_exporter_gets_a_copy_without_secrets_and_the_span_stays_as_it_is(span):
    before = span._readable_span()
    left = redacted_span(span)
    assert isinstance(left, ReadableSpan)
    assert leak_of(left.to_json(), SECRET) is None
    assert leak_of(repr([dict(event.attributes) for event in left.events]), SECRET) is None
    assert leak_of(repr([dict(link.attributes) for link in left.links]), SECRET) is None
    assert left.attributes["gen_ai.usage.input_tokens"] == 12
    assert list(left.attributes) == [name.replace(SECRET, REDACTED) for name in before.attributes]
    for part in ("context", "parent", "kind", "start_time", "end_time", "instrumentation_scope"):
        assert getattr(left, part) == getattr(before, part)
    assert left.status.status_code is StatusCode.ERROR
    assert span.attributes["db.password"] == SECRET
    assert span.name == f"GET /reset?token={SECRET}"
    assert span.events[0].attributes["exception.message"] == HELD
    assert span.status.description == f"failed with {HELD}"


def test_a_span_without_secrets_is_handed_on_as_it_is():
    span = ReadableSpan(
        "plain",
        ELSEWHERE,
        resource=Resource({"a": "b"}),
        attributes={"a": "b"},
        events=[Event("e", {"a": "b"})],
        links=[Link(ELSEWHERE)],
    )
    assert redacted_span(span) is span


def test_what_a_span_has_dropped_is_still_told():
    limits = SpanLimits(max_span_attributes=2, max_events=1, max_links=1, max_event_attributes=1, max_link_attributes=1)
    with TracerProvider(span_limits=limits).get_tracer("others").start_as_current_span("span") as span:
        span.set_attributes({"x": 1, "y": 2, "a": HELD, "b": "c"})
        for number in range(3):
            span.add_event("event", {"z": number, "a": HELD})
            span.add_link(ELSEWHERE, {"z": number, "a": HELD})
    left = redacted_span(span)
    assert (left.dropped_attributes, left.dropped_events, left.dropped_links) == (2, 2, 2)
    assert (left.events[0].dropped_attributes, left.links[0].dropped_attributes) == (1, 1)
    assert leak_of(left.to_json(), SECRET) is None


def test_a_resource_is_redacted_once_and_again_when_the_rules_are_others():
    resource, scope = Resource({"process.command": "serve Oslo"}), InstrumentationScope("scope")
    span = ReadableSpan("span", ELSEWHERE, resource=resource, instrumentation_scope=scope)

    def message():
        batch = Batch()
        batch.add(span)
        return batch.message()

    assert b"Oslo" in message()
    assert redacted_span(span).resource is resource
    use_rules(compile_rules(["Oslo"]))
    try:
        assert b"Oslo" not in message()
        assert redacted_span(span).resource is redacted_span(span).resource
        assert redacted_span(span).resource.attributes["process.command"] == f"serve {REDACTED}"
    finally:
        use_rules()
    assert b"Oslo" in message()


def test_a_secret_in_the_name_or_the_version_of_a_scope_is_masked():
    scope = InstrumentationScope(f"of {HELD}", f"1+{HELD}")
    span = ReadableSpan("span", ELSEWHERE, instrumentation_scope=scope)
    batch = Batch()
    batch.add(span)
    assert leak_of(batch.message(), SECRET) is None
    left = redacted_span(span).instrumentation_scope
    assert (left.name, left.version) == (f"of password={REDACTED}", f"1+password={REDACTED}")
    assert redacted_span(span).instrumentation_scope is left


def test_names_that_a_run_a_session_or_a_decorator_was_given_lose_their_secrets(sink, held_back):
    exporter = InMemorySpanExporter()
    ams_sdk.configure(endpoint=sink.url, api_key="the-key", exporters=[exporter], spool_dir="none")
    key = "sk" + "-proj-" + "aZ9_" * 10

    @ams_sdk.span(attributes={f"made with {key}": 1})
    def step():
        return 1

    @ams_sdk.agent
    def run():
        ams_sdk.current_run().set({f"set {key}": 2})
        ams_sdk.current_run().event("said", {f"told {key}": 3})
        return step()

    with ams_sdk.session(metadata={f"meta {key}": 4}):
        run()
    assert ams_sdk.flush()
    sent = (
        b"".join(_plain(body) for _, body in sink.requests)
        + repr(
            [
                (dict(one.attributes), [dict(event.attributes) for event in one.events])
                for one in exporter.get_finished_spans()
            ]
        ).encode()
    )
    assert leak_of(sent, key) is None
    for word in (b"made with", b"set", b"told", b"meta"):
        assert sent.count(word + b" [redacted]") >= len(("to the platform", "to the exporter"))
    held_back.clear()  # the sink takes spans only, and no agent can be registered there


def test_a_scope_is_redacted_once_and_again_when_the_rules_are_others():
    scope = InstrumentationScope("scope", "1", "schema", {"db.password": SECRET, "place": "Oslo"})
    span = ReadableSpan("span", ELSEWHERE, instrumentation_scope=scope)

    def message():
        batch = Batch()
        batch.add(span)
        return batch.message()

    left = redacted_span(span).instrumentation_scope
    assert (left.name, left.version, left.schema_url) == ("scope", "1", "schema")
    assert dict(left.attributes) == {"db.password": REDACTED, "place": "Oslo"}
    assert redacted_span(span).instrumentation_scope is left
    assert leak_of(message(), SECRET) is None
    use_rules(compile_rules(["Oslo"]))
    try:
        assert dict(redacted_span(span).instrumentation_scope.attributes)["place"] == REDACTED
        assert b"Oslo" not in message()
    finally:
        use_rules()
    assert scope.attributes["db.password"] == SECRET
    plain = ReadableSpan("span", ELSEWHERE, instrumentation_scope=InstrumentationScope("scope", attributes={"a": 1}))
    assert redacted_span(plain) is plain


@tool
def looks(where, key="k"):
    """Looks, and writes on its own span."""
    opentelemetry.trace.get_current_span().set_attribute("note", HELD)
    return f"{HELD} {where}"


@tool
def plainly(where):
    return f"in {where}"


@tool  # an agent would be registered, and this server takes spans only
def walks(question):
    opentelemetry.trace.get_current_span().set_attribute("gen_ai.output.messages", HELD)
    looks("Oslo")
    with opentelemetry.trace.get_tracer("others").start_as_current_span("other") as span:
        write(span)
    plainly(HELD)
    raise ValueError(HELD)


def test_a_run_reaches_the_platform_and_an_exporter_without_its_secrets(sink):
    exporter = InMemorySpanExporter()
    ams_sdk.configure(endpoint=sink.url, api_key="the-key", exporters=[exporter], spool_dir="none")
    with pytest.raises(ValueError, match=SECRET):
        walks(HELD)
    assert ams_sdk.flush()
    assert len(sink.spans) == len(exporter.get_finished_spans()) == 4
    for _, body in sink.requests:
        assert leak_of(_plain(body), SECRET) is None
    for one in exporter.get_finished_spans():
        assert leak_of(one.to_json(), SECRET) is None
    assert ams_sdk.stats().redacted["name"] > 0


def _plain(body):
    import gzip  # noqa: PLC0415 -- only where a body is compressed

    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def test_the_applications_own_processors_see_what_was_written(sink):
    seen = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(seen))
    ams_sdk.configure(endpoint=sink.url, api_key="the-key", provider=provider, spool_dir="none")

    @tool
    def walk():
        written(provider.get_tracer("others"))

    walk()
    assert ams_sdk.flush()
    (other,) = [one for one in seen.get_finished_spans() if one.name.startswith("GET")]
    assert other.attributes["db.password"] == SECRET
    assert len(sink.spans) == 2
    for _, body in sink.requests:
        assert leak_of(_plain(body), SECRET) is None


def test_a_span_that_cannot_be_redacted_stays_here(held_back):
    class Broken(ReadableSpan):
        @property
        def attributes(self):
            raise RuntimeError("no attributes")

    exporter = InMemorySpanExporter()
    from ams_sdk._tracing.outlets import ExporterOutlet  # noqa: PLC0415 -- beside its use

    outlet = ExporterOutlet(exporter, "memory")
    outlet.take([Broken("broken", ELSEWHERE), ReadableSpan("good", ELSEWHERE)])
    assert [one.name for one in exporter.get_finished_spans()] == ["good"]
    assert (outlet.counts().exported, outlet.counts().failed) == (1, 1)
    assert [place for place, _ in held_back] == ["memory: redacting a span"]
    held_back.clear()
