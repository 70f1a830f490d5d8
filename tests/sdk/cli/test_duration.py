from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._cli.duration import human, relative

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("nanoseconds", "expected"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 µs"),
        (12_345, "12.3 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (3_400_000, "3.40 ms"),
        (999_600_000, "1.00 s"),
        (9_995_000_000, "10.0 s"),
        (59_940_000_000, "59.9 s"),
        (59_999_999_999, "59.9 s"),
        (60_000_000_000, "1 min 00 s"),
        (125 * SECOND, "2 min 05 s"),
        (3_599 * SECOND + 600_000_000, "59 min 59 s"),
        (3_720 * SECOND, "1 h 02 min"),
        (86_400 * SECOND, "1 d 00 h"),
        (1_000_000 * SECOND, "11 d 13 h"),
        (-1_500, "-1.50 µs"),
        (99_999 * 86_400 * SECOND, "99999 d 00 h"),
        (10**4000, "> 99999 d"),
    ],
)
def test_a_duration_in_the_unit_that_a_person_would_choose(nanoseconds, expected):
    assert human(nanoseconds) == expected


@given(st.integers(0, 10**18))
def test_a_duration_is_short(nanoseconds):
    assert len(human(nanoseconds)) <= 12


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "now"),
        (-0.4, "now"),
        (-1, "1 s ago"),
        (-59, "59 s ago"),
        (-3_599, "59 min ago"),
        (-90_000, "1 d ago"),
        (7 * 3_600, "in 7 h"),
    ],
)
def test_a_moment_seen_from_now(seconds, expected):
    now = datetime(2026, 1, 31, tzinfo=UTC)
    assert relative(now + timedelta(seconds=seconds), now) == expected
