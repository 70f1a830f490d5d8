"""Spans as a tree of names, and what they say of tokens."""

from __future__ import annotations

from tests.libraries.conventions import INFERENCE, departures

OURS = "ams_sdk"


def tree(spans, *, without_http=True):
    """The names as ``{name: {name: {}}}`` would have them, in pairs since names repeat: ``[(name, [children])]``.

    A span without a parent among these is at the top.
    """
    kept = [span for span in sorted(spans, key=lambda span: span.start_time) if not (without_http and is_http(span))]
    known = {span.context.span_id for span in kept}
    above = {span.context.span_id: span.parent.span_id for span in spans if span.parent}

    def parent_of(span):
        found = above.get(span.context.span_id)
        while found is not None and found not in known and found in above:
            found = above[found]
        return found if found in known else None

    def below(parent):
        return [(span.name, below(span.context.span_id)) for span in kept if parent_of(span) == parent]

    return below(None)


def is_http(span):
    return any(name in span.attributes for name in ("http.method", "http.request.method"))


def model_calls(spans):
    return [span for span in spans if span.attributes.get("gen_ai.operation.name") in INFERENCE]


def tokens(spans):
    """Input and output, summed over the calls of models."""
    calls = model_calls(spans)
    return tuple(sum(c.attributes.get(f"gen_ai.usage.{way}_tokens", 0) for c in calls) for way in ("input", "output"))


def charged(model):
    """What a fake model has charged, to be compared with what spans say."""
    return model.usage.input_tokens, model.usage.output_tokens


def assert_conventional(spans, known):
    """Our own spans keep to the conventions; others' depart from them exactly as ``known`` lists it, by scope."""
    found: dict[str, set[str]] = {}
    for span in spans:
        scope = span.instrumentation_scope.name
        found.setdefault(scope, set()).update(departures(span))
    assert not found.pop(OURS, set())
    assert found == {scope: set(texts) for scope, texts in known.items()}


def assert_one_trace(spans):
    assert len({span.context.trace_id for span in spans}) == 1
