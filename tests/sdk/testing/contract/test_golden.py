from __future__ import annotations

import pytest
from hypothesis import given, strategies

from ams_sdk.testing.contract import golden

ID = "b4eadf22-c683-4aae-a820-6fba99b3c6aa"
PROFILE = {
    "id": ID,
    "email": "ada@example.org",
    "name": "Ada",
    "created_at": "2026-01-31T12:00:00Z",
    "updated_at": "2026-01-31T12:00:00.123456Z",
}
JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(),
    lambda inner: strategies.lists(inner) | strategies.dictionaries(strategies.text(), inner),
)


def test_a_profile_is_as_its_file_has_it():
    assert golden.differences("register", PROFILE) == []


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"id": 7}, 'id is 7, "<id 1>" was to come'),
        ({"id": ID.upper()}, f'id is "{ID.upper()}", "<id 1>" was to come'),
        (
            {"created_at": "2026-01-31T12:00:00+00:00"},
            'created_at is "2026-01-31T12:00:00+00:00", "<time>" was to come',
        ),
        ({"created_at": 1_769_860_800}, 'created_at is 1769860800, "<time>" was to come'),
        ({"name": None}, 'name is null, "Ada" was to come'),
        ({"password": "x"}, "password is not in the contract"),
    ],
)
def test_what_differs_is_named_by_its_path(change, line):
    assert golden.differences("register", PROFILE | change) == [line]


def test_what_is_missing_is_named():
    assert golden.differences("register", {name: PROFILE[name] for name in PROFILE if name != "name"}) == [
        "name is missing"
    ]
    assert golden.differences("key_list", {"items": [], "next_cursor": None}) == ["items has 0 items, 1 were to come"]
    assert golden.differences("register", []) == [
        f"the body is [], {golden.json.dumps(golden.expected('register'))} was to come"
    ]


def test_true_is_not_1():
    body = golden.expected("agent") | {"id": ID, "created_at": "2026-01-31T12:00:00Z"}
    body["revision"] = body["revision"] | {"number": True}
    assert "revision.number is true, 1 was to come" in golden.differences("agent", body)


def test_the_same_id_has_the_same_number():
    other = ID.replace("b", "c")
    assert golden.normalised([{"id": ID}, {"agent_id": other}, {"id": ID}]) == [
        {"id": "<id 1>"},
        {"agent_id": "<id 2>"},
        {"id": "<id 1>"},
    ]


def test_of_many_differences_the_first_are_shown():
    lines = golden.differences("agent", {f"field{number}": 1 for number in range(20)})
    assert (len(lines), lines[-1]) == (13, "… and 16 more.")


@given(JSON)
def test_marks_stay_what_they_are(body):
    assert golden.normalised(golden.normalised(body)) == golden.normalised(body)
