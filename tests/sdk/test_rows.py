"""What a decorator must leave untouched: every check of ``tests/rows`` on this SDK, in three states.

The checks that measure time are left to ``python -m tests.rows.compare``, which makes docs/conformance.md of all.
"""

import json
import sys
import threading
from pathlib import Path

import pytest
from tests.rows.check import ROWS, NotRun, all_checks
from tests.rows.checks_types import KEPT
from tests.rows.conformance_page import page
from tests.rows.subject import STATES, Setup, made

from ams_sdk._background import THREADS

DOCS = Path(__file__).parents[2] / "docs"
# Checks that this SDK does not pass yet, and why.
FAULTS: dict[str, str] = {}


def cases():
    for one in all_checks().values():
        if one.timed:
            continue
        for state in STATES:
            if (one.alone and state != "configured") or (one.sees and state == "unconfigured"):
                continue
            marks = [pytest.mark.slow] if one.slow else []
            if one.name in FAULTS and state != "unconfigured":
                marks.append(pytest.mark.xfail(reason=FAULTS[one.name], raises=AssertionError))
            yield pytest.param(one, state, id=f"row-{one.row}-{one.name}-{state}", marks=marks)


@pytest.fixture
def held_back(held_back):
    yield held_back
    # A platform that is down cannot be asked to register an agent, and one check raises what has no text.
    expected = ("a job", "reading an exception's message")
    held_back[:] = [(place, error) for place, error in held_back if not place.endswith(expected)]


@pytest.mark.skipif(sys.platform == "win32", reason="the checks fork, and end processes by signals")
@pytest.mark.parametrize(("check", "state"), list(cases()))
def test_what_a_decorator_must_leave_untouched(check, state, tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.setenv(KEPT, str(tmp_path_factory.getbasetemp()))
    subject = made("ams", Setup(state, tmp_path, tmp_path / "spans.jsonl"))
    if not check.alone:
        subject.configure()
    try:
        check.run(subject)
    except NotRun as reason:
        pytest.skip(str(reason))
    finally:
        subject.close()
        for thread in threading.enumerate():  # what one of them reports later would be held against the next test
            if thread.name.startswith(THREADS):
                thread.join(10)


@pytest.fixture(scope="module")
def published():
    return json.loads((DOCS / "conformance.json").read_text())


def test_the_published_table_has_exactly_the_checks_that_there_are(published):
    assert published["rows"] == {str(number): says for number, says in ROWS.items()}
    written = {name: (one["row"], one["says"], one["timed"]) for name, one in published["checks"].items()}
    assert written == {one.name: (one.row, one.says, one.timed) for one in all_checks().values()}


def test_in_the_published_table_this_sdk_passes_all_but_the_known_faults(published):
    results = {name: one["results"]["ams"]["outcome"] for name, one in published["checks"].items()}
    assert {name for name, outcome in results.items() if outcome != "passed"} == set(FAULTS)


def test_the_published_page_is_made_of_the_published_results(published):
    assert (DOCS / "conformance.md").read_text() == page(published)


def test_every_row_has_checks():
    assert {one.row for one in all_checks().values()} == set(ROWS)
