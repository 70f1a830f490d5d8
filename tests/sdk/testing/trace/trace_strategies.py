"""Forests of captured spans for property tests, and the plain definition of what a tree matches."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st
from tests.sdk.testing.trace.hand_made import START

from ams_sdk.testing._trace.captured_span import CapturedSpan

HOSTILE_NAMES = st.one_of(
    st.sampled_from(
        ["a", "b", "c", "a b", "...", "*", "a*", '"', '"a"', "  a", "a  b", "a\nb", "", "✗ E", "(open)", "[x=1]"]
    ),
    st.text(max_size=8),
)
PLAIN_NAMES = st.sampled_from(["a", "b", "c"])
ATTRIBUTES = st.dictionaries(
    st.one_of(st.sampled_from(["n", "gen_ai.tool.name", "a b", 'q"', "x=y"]), st.text(max_size=4)),
    st.one_of(
        st.text(max_size=6),
        st.integers(-5, 5),
        st.booleans(),
        st.tuples(st.text(max_size=3)),
        st.floats(allow_nan=False),
    ),
    max_size=3,
)


@st.composite
def forests(draw, names=HOSTILE_NAMES, most=12, attributes=ATTRIBUTES, *, whole=False):
    """Spans with parents among those before them; unless ``whole``, some parents are missing, later or themselves."""
    count = draw(st.integers(0, most))
    spans = []
    for number in range(1, count + 1):
        parent = draw(st.one_of(st.none(), st.integers(1, max(number - 1, 1) if whole else count + 2)))
        parent = None if whole and number == 1 else parent
        failed = draw(st.booleans()) if not whole else False
        spans.append(
            CapturedSpan(
                name=draw(names),
                trace_id=f"{1:032x}",
                span_id=f"{number:016x}",
                start_ns=START + number * 10 + draw(st.integers(0, 0 if whole else 30)),
                end_ns=draw(st.sampled_from([None, START + 10_000])) if not whole else START + 10_000,
                parent_id=None if parent is None else f"{parent:016x}",
                parent_is_remote=draw(st.booleans()) if not whole else False,
                status="error" if failed else "unset",
                attributes={
                    **draw(attributes),
                    **({"error.type": draw(st.sampled_from(["E", "a.B", "[x]", "a  [b=1]", ""]))} if failed else {}),
                },
            )
        )
    return spans


class Node:
    """A tree for the brute-force definitions."""

    def __init__(self, name, children=()):
        self.name = name
        self.children = tuple(children)

    def text(self, depth=0):
        return "\n".join(["  " * depth + self.name, *(child.text(depth + 1) for child in self.children)])


def nested(branch):
    return Node(branch.span.name, map(nested, branch.children))


def below(node):
    """Everything below a node, in the order of the tree."""
    for child in node.children:
        yield child
        yield from below(child)


def is_same(expected, there):
    return (
        expected.name == there.name
        and len(expected.children) == len(there.children)
        and all(map(is_same, expected.children, there.children))
    )


def is_part(expected, there, *, ordered):
    """Whether an expected node can stand for a node: each child for one below it, another each, in order if asked."""
    if expected.name != there.name:
        return False
    return are_parts(expected.children, list(below(there)), ordered=ordered)


def are_parts(children, candidates, *, ordered):
    ways = (itertools.combinations if ordered else itertools.permutations)(range(len(candidates)), len(children))
    fits = [[is_part(child, one, ordered=ordered) for one in candidates] for child in children]
    return any(all(fits[at][place] for at, place in enumerate(way)) for way in ways)


EXPECTED_NODES = st.recursive(
    st.builds(Node, PLAIN_NAMES), lambda inner: st.builds(Node, PLAIN_NAMES, st.lists(inner, max_size=2)), max_leaves=4
)
EXPECTED = st.lists(EXPECTED_NODES, min_size=1, max_size=3)
