from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

AGENTS = "/api/agents"
FULL = {
    "name": "researcher",
    "version": "1.2.0",
    "description": "Finds things out.",
    "fingerprint": "sha256:00ff",
    "input_schema": {"type": "object", "properties": {"question": {"type": "string"}}},
    "output_schema": {"type": "string"},
    "tools": [{"name": "search", "description": "Searches.", "input_schema": {"type": "object"}}],
    "skills": [{"id": "find", "name": "Find", "description": "Finds.", "tags": ["web"]}],
    "model": "some-model",
    "framework": "none",
    "sdk": "ams-sdk/0.1.0",
    "labels": {"team": "green"},
}


def test_a_registered_agent_is_read_back(account):
    answer = account.post(AGENTS, json=FULL)
    assert answer.status_code == 201
    agent = answer.json()
    assert agent["status"] == "active"
    assert {name: agent[name] for name in ("name", "description", "labels")} == {
        name: FULL[name] for name in ("name", "description", "labels")
    }
    revision = agent["revision"]
    assert revision["number"] == 1
    of_revision = FULL.keys() - {"name", "description", "labels"}
    assert {name: revision[name] for name in of_revision} == {name: FULL[name] for name in of_revision}
    assert account.get(f"{AGENTS}/{agent['id']}").json() == agent
    assert account.get(f"{AGENTS}/researcher").json() == agent
    assert account.get(AGENTS).json() == {"items": [agent], "next_cursor": None}


def test_the_same_again_changes_nothing(account):
    first = account.post(AGENTS, json=FULL)
    again = account.post(AGENTS, json=dict(reversed(FULL.items())))
    assert (again.status_code, again.json()) == (200, first.json())


@pytest.mark.parametrize(
    "change",
    [{"version": "1.2.1"}, {"fingerprint": "sha256:01ff"}, {"tools": []}, {"description": "Other."}, {"model": None}],
)
def test_a_change_of_the_code_makes_a_new_revision_of_the_same_agent(account, change):
    before = account.post(AGENTS, json=FULL).json()
    answer = account.post(AGENTS, json=FULL | change)
    assert answer.status_code == 201
    assert answer.json()["id"] == before["id"]
    assert answer.json()["revision"]["number"] == 2
    assert answer.json()["created_at"] == before["created_at"]
    assert answer.json()["updated_at"] > before["updated_at"]
    assert account.get(f"{AGENTS}/researcher").json() == answer.json()


def test_labels_change_in_place(account):
    account.post(AGENTS, json=FULL)
    answer = account.post(AGENTS, json=FULL | {"labels": {"team": "blue"}})
    assert (answer.status_code, answer.json()["labels"]) == (200, {"team": "blue"})
    assert answer.json()["revision"]["number"] == 1
    assert account.get(f"{AGENTS}/researcher").json() == answer.json()


def test_only_name_and_version_are_needed(account):
    assert account.post(AGENTS, json={"name": "a", "version": "1"}).status_code == 201


@pytest.mark.parametrize("name", ["", " ", "-a", ".a", "a b", "a/b", "\u00e4", "a" * 129, "a\n", None, 7])
def test_a_name_that_does_not_fit_in_a_url_is_refused(account, name):
    answer = account.post(AGENTS, json={"name": name, "version": "1"})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["name"]


def test_what_is_broken_inside_is_named_by_its_path(account):
    answer = account.post(AGENTS, json={"name": "a", "version": "1", "tools": [{"name": "t"}, {"nam": "t"}]})
    assert {error["field"] for error in answer.json()["errors"]} == {"tools.1.name", "tools.1.nam"}


def test_agents_of_another_account_do_not_exist(new_account):
    mine, theirs = new_account(), new_account()
    agent = theirs.post(AGENTS, json=FULL).json()
    for path in (agent["id"], "researcher"):
        answer = mine.get(f"{AGENTS}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert mine.get(AGENTS).json()["items"] == []
    assert mine.post(AGENTS, json=FULL).json()["id"] != agent["id"]


@pytest.mark.parametrize("path", ["nobody", "00000000-0000-4000-8000-000000000000", "%00", "a%20b", "%ff", "a%0A"])
def test_an_unknown_agent_is_404(account, path):
    assert account.get(f"{AGENTS}/{path}").status_code == 404


def test_an_agent_that_is_named_like_the_id_of_another_does_not_hide_it(account):
    first = account.post(AGENTS, json={"name": "first", "version": "1"}).json()
    second = account.post(AGENTS, json={"name": first["id"], "version": "1"}).json()
    assert account.get(f"{AGENTS}/{first['id']}").json()["name"] == "first"
    assert account.get(f"{AGENTS}/{second['id']}").json()["name"] == first["id"]


def test_the_list_comes_in_pages_without_gaps_or_repeats(account):
    names = {f"agent-{number:02}" for number in range(7)}
    for name in names:
        account.post(AGENTS, json={"name": name, "version": "1"})
    seen, cursor = [], None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = account.get(AGENTS, params=query).json()
        seen += [agent["name"] for agent in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (len(seen), set(seen)) == (7, names)


def test_the_list_is_filtered(account):
    account.post(AGENTS, json={"name": "one", "version": "1", "description": "Reads 100% of it"})
    account.post(AGENTS, json={"name": "Two", "version": "1"})

    def names(**query):
        return [agent["name"] for agent in account.get(AGENTS, params=query).json()["items"]]

    assert names(q="tw") == ["Two"]
    assert names(q="100%") == ["one"]
    assert names(q="%") == ["one"]
    assert names(q="_") == []
    assert len(names(status="active")) == 2
    assert names(status="deprecated") == []


def test_one_agent_registered_many_times_at_once_is_one_agent(account):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: account.post(AGENTS, json=FULL), range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert {answer.json()["revision"]["number"] for answer in answers} == {1}


def test_many_versions_registered_at_once_are_numbered_without_gaps(account):
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: account.post(AGENTS, json=FULL | {"version": str(n)}), range(16)))
    assert sorted(answer.json()["revision"]["number"] for answer in answers) == list(range(1, 17))


@pytest.mark.parametrize(("length", "status"), [(200, 200), (201, 422), (50_001, 422)])
def test_what_is_searched_for_has_a_length_that_a_store_can_search_for(account, length, status):
    answer = account.get("/api/agents", params={"q": "x" * length})
    assert answer.status_code == status
    assert status == 200 or [error["field"] for error in answer.json()["errors"]] == ["q"]


def test_a_number_that_no_store_keeps_is_malformed(account):
    body = '{"name": "n", "version": "1", "tools": [{"name": "t", "input_schema": {"x": 1e999}}]}'
    answer = account.post("/api/agents", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
