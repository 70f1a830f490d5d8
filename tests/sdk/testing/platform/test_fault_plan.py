from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ams_sdk
from ams_sdk.testing._platform import (
    ClockSkew,
    Disconnect,
    Latency,
    Malformed,
    PartialSuccess,
    RateLimit,
    Status,
    TokenExpired,
)
from ams_sdk.testing._platform.fault_plan import FaultPlan
from ams_sdk.testing._platform.routes import operation_of

ME = "/api/users/me"


def statuses(here, platform, number):
    return [here("GET", ME, bearer=platform.token).status_code for _ in range(number)]


def test_a_fault_happens_once_unless_it_is_told_otherwise(here, platform):
    platform.fault(Status(500), on="me")
    assert statuses(here, platform, 3) == [500, 200, 200]


def test_a_fault_happens_so_often_after_so_many_requests(here, platform):
    platform.fault(Status(500), on="me", times=2, after=1)
    assert statuses(here, platform, 5) == [200, 500, 500, 200, 200]


@given(times=st.integers(1, 4), after=st.integers(0, 4), number=st.integers(0, 10))
def test_whatever_the_numbers_a_fault_happens_then_and_no_more(times, after, number):
    plan = FaultPlan()
    plan.add(Status(500), "me", times, after)
    met = [plan.take(operation_of("me")).fault is not None for _ in range(number)]
    assert met == ([False] * after + [True] * times + [False] * 10)[:number]
    assert bool(plan.unmet()) is (number < times + after)


def test_a_fault_happens_for_ever(here, platform):
    platform.fault(Status(500), on="me", times=None)
    assert statuses(here, platform, 4) == [500] * 4
    platform.verify()


def test_of_several_faults_each_has_a_request_for_itself(here, platform):
    platform.on("me").fault(RateLimit(1))
    platform.on("me").fault(Status(503))
    assert statuses(here, platform, 3) == [429, 503, 200]


def test_latency_and_a_wrong_clock_are_beside_any_other_fault(here, platform):
    for fault in (Latency(0.01), ClockSkew(60), Status(500), Latency(0.01)):
        platform.fault(fault, on="me")
    assert statuses(here, platform, 2) == [500, 200]
    assert platform.requests[0].note == (
        "Status(status=500, retry_after=None), Latency(seconds=0.02), ClockSkew(seconds=60.0)"
    )
    platform.verify()


def test_a_fault_on_everything_leaves_out_what_it_cannot_happen_to(here, platform):
    platform.fault(TokenExpired())
    platform.fault(PartialSuccess(1))
    assert here("GET", "/health/live").status_code == 200
    assert statuses(here, platform, 2) == [401, 200]


def test_a_fault_on_everything_meets_unknown_paths_too(here, platform):
    platform.fault(Status(503))
    assert here("GET", "/nope", bearer=platform.token).status_code == 503


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Latency(-1), "write seconds of 0 or more"),
        (lambda: Latency(math.nan), "write seconds of 0 or more"),
        (lambda: Latency("1"), "write seconds of 0 or more"),
        (lambda: ClockSkew(None), "write seconds"),
        (lambda: RateLimit(1.5), "write whole seconds"),
        (lambda: RateLimit(retry_after=True), "write whole seconds"),
        (lambda: Status(204), "from 400 to 599"),
        (lambda: Status(503, retry_after=-1), "write whole seconds"),
        (lambda: Disconnect("after"), "'before', 'headers' or 'mid_body'"),
        (lambda: Malformed("xml"), "'cut', 'html' or 'wrong_type'"),
        (lambda: ClockSkew(math.inf), "write seconds"),
        (lambda: PartialSuccess(0), "of 1 or more"),
    ],
)
def test_a_fault_that_cannot_be_says_what_to_write(make, says):
    with pytest.raises(ams_sdk.ConfigurationError, match=re.escape(says)):
        make()


@pytest.mark.parametrize(
    ("planned", "says"),
    [
        ((Status(500), {"on": "regster"}), "Did you mean 'register'?"),
        ((Status(500), {"on": 7}), "There is no operation 7"),
        ((Status(500), {"times": 0}), "write 1 or more, or None"),
        ((Status(500), {"after": -1}), "how many requests pass before"),
        ((TokenExpired(), {"on": "login"}), "only to operations that need a credential"),
        ((PartialSuccess(), {"on": "login"}), "only to export_traces"),
        ((503, {}), "503 is no fault"),
        ((Status, {}), "is no fault"),
    ],
)
def test_a_fault_that_cannot_happen_says_why(platform, planned, says):
    fault, how = planned
    with pytest.raises(ams_sdk.ConfigurationError, match=re.escape(says)):
        platform.fault(fault, **how)
