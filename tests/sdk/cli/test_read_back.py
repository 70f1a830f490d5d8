"""The demo's proof: it must see every kind of difference, or it proves nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, Status, StatusCode

from ams_sdk import wire
from ams_sdk._cli.read_back import agent_differences, span_differences

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def at(nanoseconds):
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=nanoseconds // 1000)


@pytest.fixture(scope="module")
def ran():
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("test", "1")
    with tracer.start_as_current_span("run") as run:
        run.set_attribute("list", ["a", "b"])
        with tracer.start_as_current_span("step", links=[Link(SpanContext(1, 2, is_remote=True))]) as step:
            step.add_event("exception", {"exception.type": "ValueError"})
            step.set_status(Status(StatusCode.ERROR, "no"))
    return memory.get_finished_spans()


@pytest.fixture
def read(ran):
    return [
        wire.Span(
            trace_id=f"{span.context.trace_id:032x}",
            span_id=f"{span.context.span_id:016x}",
            parent_span_id=f"{span.parent.span_id:016x}" if span.parent else None,
            name=span.name,
            kind="internal",
            status=span.status.status_code.name.lower(),
            status_message=span.status.description,
            started_at=at(span.start_time),
            duration_ns=span.end_time - span.start_time,
            attributes={"list": ["a", "b"]} if span.name == "run" else {},
            events=[
                wire.SpanEvent(name=event.name, at=at(event.timestamp), attributes={"exception.type": "ValueError"})
                for event in span.events
            ],
            links=[wire.SpanLink(trace_id="0" * 31 + "1", span_id="0" * 15 + "2") for _ in span.links],
            scope_name="test",
            scope_version="1",
            resource=dict(span.resource.attributes),
        )
        for span in ran
    ]


def test_equal_spans_differ_in_nothing(ran, read):
    assert span_differences(ran, read) == []
    assert span_differences(ran, read[::-1]) == []


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [
        ("trace_id", "0" * 32, "trace"),
        ("parent_span_id", "1" * 16, "parent"),
        ("name", "other", "name"),
        ("kind", "client", "kind"),
        ("status", "ok", "status"),
        ("status_message", "other", "status message"),
        ("started_at", NOW, "start"),
        ("duration_ns", 1, "duration"),
        ("attributes", {"a": 1}, "attributes"),
        ("events", [wire.SpanEvent(name="other", at=NOW)], "events"),
        ("events", [], "events"),
        ("links", [], "links"),
        ("scope_name", "other", "scope"),
        ("scope_version", None, "scope"),
        ("resource", {}, "resource"),
    ],
)
def test_each_difference_is_seen(ran, read, field, value, name):
    read[0] = read[0].model_copy(update={field: value})
    (difference,) = span_differences(ran, read)
    assert difference.startswith(f"span {read[0].span_id} (step): {name} was ")


def test_the_time_of_an_event_counts(ran, read):
    (event,) = read[0].events
    read[0] = read[0].model_copy(update={"events": [event.model_copy(update={"at": NOW})]})
    (difference,) = span_differences(ran, read)
    assert "events was" in difference


def test_a_span_that_is_there_twice_is_seen(ran, read):
    assert span_differences(ran, [*read, read[0]]) == [f"span {read[0].span_id} is there 2 times"]


def test_a_missing_and_a_surplus_span_are_seen(ran, read):
    surplus = read[0].model_copy(update={"span_id": "f" * 16})
    assert sorted(span_differences(ran, [surplus, read[1]])) == [
        f"span {read[0].span_id} (step) is missing",
        f"span {surplus.span_id} (step) never ran",
    ]


@pytest.mark.parametrize("field", ["version", "fingerprint", "tools"])
def test_a_record_that_differs_is_seen(field):
    said = wire.AgentRegistration(name="a", version="1", fingerprint="f", tools=[wire.AgentTool(name="t")])
    revision = wire.AgentRevision(
        number=1, created_at=NOW, **said.model_dump(include={"version", "fingerprint", "tools"})
    )
    agent = wire.Agent(
        id="00000000-0000-4000-8000-000000000001",
        name="a",
        status="active",
        created_at=NOW,
        updated_at=NOW,
        revision=revision,
    )
    assert agent_differences(said, agent) == []
    changed = said.model_copy(update={field: None})
    (difference,) = agent_differences(changed, agent)
    assert difference.startswith(f"agent: {field} was None and is ")
