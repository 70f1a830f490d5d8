from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta, timezone

import click
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ams_sdk._cli.moment import local, moment, seconds


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("2h", timedelta(hours=2)),
        ("1.5min", timedelta(seconds=90)),
        (" 3 d ", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_an_amount_of_time_is_that_long_ago(text, ago):
    assert abs(datetime.now(UTC) - ago - moment(text)) < timedelta(seconds=5)


def test_a_date_is_local_and_a_time_with_a_zone_is_what_it_says():
    assert moment("2026-01-31T12:00:00Z") == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert moment("2026-01-31") == datetime(2026, 1, 31).astimezone()


@pytest.mark.parametrize("text", ["", "x", "2 fortnights", "-2h", "9999999999999999d", "2026-13-01"])
def test_anything_else_is_no_moment(text):
    with pytest.raises(click.BadParameter, match="write for example 2h"):
        moment(text)


@pytest.mark.parametrize(("text", "expected"), [("500ms", 0.5), ("2", 2.0), ("0", 0.0), ("1.5min", 90), ("1h", 3600)])
def test_a_duration_is_seconds(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf", "1y"])
def test_anything_else_is_no_duration(text):
    with pytest.raises(click.BadParameter, match="write for example 500ms"):
        seconds(text)


@given(st.datetimes(timezones=st.just(UTC)))
@example(datetime.min.replace(tzinfo=UTC))
@example(datetime.max.replace(tzinfo=UTC))
def test_any_time_can_be_written(time):
    assert re.fullmatch(r"\d{1,4}-\d\d-\d\d \d\d:\d\d", local(time))


def test_a_time_that_the_local_zone_cannot_hold_is_written_as_it_is():
    earliest = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    assert local(earliest) == earliest.strftime("%Y-%m-%d %H:%M")


@given(st.text())
def test_any_text_is_a_value_or_a_usage_error(text):
    for read in (moment, seconds):
        with contextlib.suppress(click.BadParameter):
            assert read(text) is not None
