"""A run's tokens are those that the SDK counts while it goes on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.testing.trace.hand_made import Made

from ams_sdk._decorators.token_totals import TokenTotals
from ams_sdk.testing._trace.usage import Usage

TOKENS = st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9))
SHAPES = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["tool", "chat", "chain"]), TOKENS), max_size=12)


@given(SHAPES)
def test_a_runs_usage_is_what_the_sdk_counts_of_the_same_spans(shape):
    made = Made()
    made.agent("agent")
    for above, kind, tokens in shape:
        parent = made.spans[above % len(made.spans)]
        if kind == "tool":
            made.tool("t", parent)  # decorated, so the SDK's totals are not told of it
        elif kind == "chat":
            made.chat(parent, tokens=tokens)
        else:
            said = (
                {}
                if tokens is None
                else {"gen_ai.usage.prompt_tokens": tokens[0], "gen_ai.usage.completion_tokens": tokens[1]}
            )
            made.add("chain", parent, attributes=said, scope_name="framework")
    totals = TokenTotals()
    told = [span for span in made.spans if span.scope_name != "ams_sdk"]
    for span in told:
        totals.begun(int(span.span_id, 16), int(span.parent_id, 16))
    for span in reversed(told):
        totals.ended(int(span.span_id, 16), span.attributes)
    usage = made.view.agent().usage
    assert (usage.input_tokens, usage.output_tokens) == (totals.input, totals.output)


def test_usage_is_added_up():
    assert Usage(1, 2, 3) + Usage(4, 5, 6, is_known=True) == Usage(5, 7, 9, is_known=True)
    assert Usage(1, 2, 3).total_tokens == 3
