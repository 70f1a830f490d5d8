import pytest
from tests.sdk.span_sink import partial

from ams_sdk._client import Answer
from ams_sdk._tracing.verdict import Outcome, Verdict, judge


def answer(status, content=b"", retry_after=None):
    return Answer(status, content, retry_after, 10)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.ARRIVED),
        (204, Outcome.ARRIVED),
        *((status, Outcome.LATER) for status in (429, 502, 503, 504)),
        *((status, Outcome.UNAUTHORIZED) for status in (401, 403)),
        *((status, Outcome.REFUSED) for status in (100, 301, 400, 404, 413, 415, 500, 501)),
    ],
)
def test_each_status_has_its_outcome(status, outcome):
    assert judge(answer(status)).outcome is outcome


def test_a_pause_that_is_asked_for_is_passed_on():
    assert judge(answer(503, retry_after=7.0)) == Verdict(Outcome.LATER, pause=7.0, status=503)


@pytest.mark.parametrize(("content", "rejected"), [(partial(3)[2], 3), (partial(-1)[2], 0), (b"<html>", 0)])
def test_spans_that_were_not_taken_are_counted(content, rejected):
    assert judge(answer(200, content)) == Verdict(Outcome.ARRIVED, rejected=rejected)
