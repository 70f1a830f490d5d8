"""Problems are those of the contract, and the SDK's client understands each."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import find, given

import ams_sdk
from ams_sdk import ConfigurationError
from ams_sdk.testing import MockPlatform, strategies
from ams_sdk.testing._platform import refusals
from ams_sdk.wire import Problem

OF_THE_MOCK_ALONE = {"body_excessive", "misdirected"}


@given(strategies.problems())
def test_a_problem_survives_its_json_and_the_client_raises_its_error(problem):
    body = problem.model_dump_json(exclude_none=True)
    assert Problem.model_validate_json(body) == problem
    assert (problem.errors is not None) == (problem.code == "validation")

    def answer(_request):
        return httpx.Response(
            problem.status, headers={"Content-Type": "application/problem+json", "Retry-After": "1"}, content=body
        )

    with (
        ams_sdk.Client(endpoint="http://x.localhost", api_key="k", transport=httpx.MockTransport(answer)) as client,
        pytest.raises(ams_sdk.APIError) as raised,
    ):
        client.users.me()
    assert (raised.value.status, raised.value.code) == (problem.status, problem.code)


def test_every_code_of_the_contract_is_there():
    known = {find(strategies.problems(), lambda one, code=code: one.code == code).code for code in codes()}
    assert known == codes()


def codes():
    return refusals._KINDS.keys() - OF_THE_MOCK_ALONE


@given(strategies.problems(code="not_found"), strategies.problems(status=401))
def test_code_and_status_can_be_chosen(missing, stranger):
    assert (missing.code, missing.status) == ("not_found", 404)
    assert stranger.status == 401


def test_they_shrink_to_simple_values():
    problem = find(strategies.problems(), lambda _: True)
    assert (problem.code, problem.status, problem.errors) == ("malformed", 400, None)
    assert problem.detail == refusals.Refusal("malformed").detail


def test_a_stub_answers_with_one():
    platform = MockPlatform()
    problem = find(strategies.problems(code="unavailable"), lambda _: True)
    platform.on("me").respond(problem.status, json=problem.model_dump(mode="json", exclude_none=True))
    with httpx.Client(base_url=platform.url, transport=platform.transport) as client:
        answer = client.get("/api/users/me", headers={"Authorization": f"Bearer {platform.api_key}"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: strategies.problems(code="gone"), r"code='gone'\): it is one of 'malformed'"),
        (lambda: strategies.problems(status=418), r"status=418\): no problem of the contract has it; there are \[400"),
        (lambda: strategies.problems(code="not_found", status=400), r"'not_found' is 404"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(wrong, message):
    with pytest.raises(ConfigurationError, match=message):
        wrong()
