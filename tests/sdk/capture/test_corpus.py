"""How many of the corpus' secrets are found, and how many texts without one are touched; ``pytest -s`` prints it."""

import json
from collections import Counter
from pathlib import Path

import pytest
from tests.sdk.capture.secret_corpus import READ_AS_JSON, is_read_as_json, negatives, positives

from ams_sdk._capture.json_text import redact_json
from ams_sdk._capture.redaction import redact_text, scan
from ams_sdk._capture.rendering import render_text

PAGE = Path(__file__).parents[3] / "docs" / "recording.md"
RECALL, FALSE_POSITIVES = 0.99, 0.03


def found():
    """By kind: secrets that are gone, and all."""
    gone, every = Counter(), Counter()
    for positive in positives():
        every[positive.kind] += 1
        gone[positive.kind] += positive.secret not in redact_json(positive.text)
    return gone, every


def is_json(text):
    try:
        return isinstance(json.loads(text), (dict, list))
    except ValueError:
        return False


def touched():
    return [text for text in negatives() if redact_json(text) != text]


def table():
    """The figures, as the page has them."""
    gone, every = found()
    rows = [f"| `{kind}` | {gone[kind]} of {every[kind]} |" for kind in sorted(every)]
    return [
        *rows,
        f"| all | {gone.total()} of {every.total()} |",
        f"| texts without a secret, touched | {len(touched())} of {len(negatives())} |",
    ]


def test_the_corpus_is_large_enough_to_say_something():
    assert len(positives()) >= 150
    assert len(negatives()) >= 300
    assert len(set(negatives())) == len(negatives())
    assert {positive.kind for positive in positives()} == {"authorization", "card", "jwt", "key", "name", "pem", "url"}


def test_secrets_are_found_and_other_texts_are_left_alone():
    print(*table(), *touched(), sep="\n")  # noqa: T201 -- the figures of the page
    gone, every = found()
    assert gone.total() >= RECALL * every.total()
    assert len(touched()) <= FALSE_POSITIVES * len(negatives())


def test_the_page_has_the_figures_that_are_measured():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    assert [row for row in table() if row not in lines] == []


@pytest.mark.parametrize("kind", sorted({positive.kind for positive in positives()}))
def test_what_is_masked_is_counted_by_what_gave_it_away(kind):
    for positive in positives():
        # In JSON, it is the name that tells.
        if positive.kind == kind and 'authorization"' not in positive.text and not is_read_as_json(positive):
            assert scan(positive.text)[1][:1] == [kind], positive.text


def test_masking_twice_is_masking_once():
    for text in (*negatives(), *(positive.text for positive in positives())):
        once = redact_json(text)
        assert redact_json(once) == once
        once = redact_text(text)
        assert scan(once) == (once, ())


def test_json_with_a_secret_stays_json():
    read = [positive for positive in positives() if is_json(positive.text)]
    assert len(read) > len(READ_AS_JSON)
    for positive in read:
        json.loads(redact_json(positive.text))
        assert positive.secret not in render_text(positive.text)
