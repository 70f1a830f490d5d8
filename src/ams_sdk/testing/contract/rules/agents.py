"""Agents: what one says of itself is kept, once, and read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from ams_sdk.testing.contract.race import at_once
from ams_sdk.testing.contract.rule import rule

if TYPE_CHECKING:
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__: list[str] = []

AGENTS: Final = "/api/agents"
_FULL: Final[dict[str, Any]] = {
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
_CHANGES: Final[tuple[dict[str, Any], ...]] = (
    *({"version": "1.2.1"}, {"fingerprint": "sha256:01ff"}, {"description": "Other."}, {"model": None}),
    *({"tools": []}, {"skills": []}, {"input_schema": None}, {"output_schema": {"type": "number"}}),
    *({"framework": "other"}, {"sdk": "ams-sdk/0.2.0"}),
)
_NO_NAMES: Final = ("", " ", "-a", ".a", "a b", "a/b", "\u00e4", "a" * 129, "a\n", None, 7)


def _named(**change: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    """A registration under a name that no other rule has."""
    return _FULL | {"name": f"researcher-{uuid4().hex}"} | change


@rule("agents")
def register_answer(platform: PlatformUnderTest) -> None:
    """A new agent is 201 with exactly the body of golden/agent.json: every field, in `revision` what is its code's."""
    answer = platform.newcomer().post(AGENTS, json=_FULL)
    answer.must_have_json(201)
    answer.must_be_golden("agent")


@rule("agents")
def register_defaults(platform: PlatformUnderTest) -> None:
    """Only `name` and `version` are needed; what is left out is as golden/agent_defaults.json has it."""
    answer = platform.newcomer().post(AGENTS, json={"name": "researcher", "version": "1"})
    answer.must_have_json(201)
    answer.must_be_golden("agent_defaults")


@rule("agents")
def read_back(platform: PlatformUnderTest) -> None:
    """An agent is read by its id and by its name, as register answered."""
    member, body = platform.member(), _named()
    registered = member.post(AGENTS, json=body).must_have_json(201)
    for path in (registered["id"], body["name"]):
        answer = member.get(f"{AGENTS}/{path}")
        answer.must_equal("the agent", answer.must_have_json(), registered)


@rule("agents")
def list_answer(platform: PlatformUnderTest) -> None:
    """The list shows each agent as it is read alone, in `items`, with `next_cursor` null on the last page."""
    owner = platform.newcomer()
    registered = owner.post(AGENTS, json=_FULL).must_have_json(201)
    answer = owner.get(AGENTS)
    answer.must_equal("the list", answer.must_have_json(), {"items": [registered], "next_cursor": None})


@rule("agents")
def same_again(platform: PlatformUnderTest) -> None:
    """The same registration again, its fields in any order, is 200 and changes nothing."""
    member, body = platform.member(), _named()
    first = member.post(AGENTS, json=body).must_have_json(201)
    again = member.post(AGENTS, json=dict(reversed(body.items())))
    again.must_equal("the agent", again.must_have_json(200), first)


@rule("agents")
def change_makes_revision(platform: PlatformUnderTest) -> None:
    """Whatever changes but the labels makes a new revision of the same agent: 201, numbered one more."""
    member = platform.member()
    for change in _CHANGES:
        body = _named()
        before = member.post(AGENTS, json=body).must_have_json(201)
        answer = member.post(AGENTS, json=body | change)
        agent = answer.must_have_json(201)
        answer.must_equal("id", agent["id"], before["id"])
        answer.must_equal("the revision's number", agent["revision"]["number"], 2)
        answer.must_equal("created_at", agent["created_at"], before["created_at"])
        answer.must(agent["updated_at"] > before["updated_at"], "updated_at has not moved on.")
        read = member.get(f"{AGENTS}/{body['name']}")
        read.must_equal("the agent, read", read.must_have_json(), agent)


@rule("agents")
def labels_change_in_place(platform: PlatformUnderTest) -> None:
    """Labels belong to the agent and not to its code: they change without a new revision, 200."""
    member, body = platform.member(), _named()
    member.post(AGENTS, json=body).must_be(201)
    answer = member.post(AGENTS, json=body | {"labels": {"team": "blue"}})
    agent = answer.must_have_json(200)
    answer.must_equal("labels", agent["labels"], {"team": "blue"})
    answer.must_equal("the revision's number", agent["revision"]["number"], 1)
    read = member.get(f"{AGENTS}/{body['name']}")
    read.must_equal("the agent, read", read.must_have_json(), agent)


@rule("agents")
def name_fits_a_url(platform: PlatformUnderTest) -> None:
    """A name has 1 to 128 of the characters `A-Za-z0-9._-`, and begins with none of `.-`; else 422."""
    for name in _NO_NAMES:
        platform.member().post(AGENTS, json={"name": name, "version": "1"}).must_refuse("name")


@rule("agents")
def broken_inside(platform: PlatformUnderTest) -> None:
    """What is broken inside a body is named by its dotted path."""
    body = {"name": "a", "version": "1", "tools": [{"name": "t"}, {"nam": "t"}]}
    platform.member().post(AGENTS, json=body).must_refuse("tools.1.name", "tools.1.nam")


@rule("agents")
def of_another(platform: PlatformUnderTest) -> None:
    """Another account's agent is 404, by its id and by its name."""
    mine, theirs, body = platform.newcomer(), platform.member(), _named()
    agent = theirs.post(AGENTS, json=body).must_have_json(201)
    for path in (agent["id"], body["name"]):
        mine.get(f"{AGENTS}/{path}").must_be_problem(404, "not_found")


@rule("agents")
def list_of_another(platform: PlatformUnderTest) -> None:
    """A list shows only what is the caller's."""
    platform.member().post(AGENTS, json=_named()).must_be(201)
    answer = platform.newcomer().get(AGENTS)
    answer.must_equal("the agents of a new account", answer.must_have_json()["items"], [])


@rule("agents")
def name_unique_per_owner(platform: PlatformUnderTest) -> None:
    """A name is unique for its owner: another account's agent of the same name is another agent."""
    mine, theirs, body = platform.newcomer(), platform.member(), _named()
    agent = theirs.post(AGENTS, json=body).must_have_json(201)
    answer = mine.post(AGENTS, json=body)
    answer.must(answer.must_have_json(201)["id"] != agent["id"], "it has the id of the other account's agent.")


@rule("agents")
def unknown(platform: PlatformUnderTest) -> None:
    """An agent that there is not is 404, whatever its name is made of."""
    for path in ("nobody", str(uuid4()), "%00", "a%20b", "%ff", "a%0A"):
        platform.member().get(f"{AGENTS}/{path}").must_be_problem(404, "not_found")


@rule("agents")
def id_wins(platform: PlatformUnderTest) -> None:
    """An agent whose name is the id of another does not hide that one."""
    member = platform.member()
    first = member.post(AGENTS, json=_named()).must_have_json(201)
    second = member.post(AGENTS, json={"name": first["id"], "version": "1"}).must_have_json(201)
    for agent in (first, second):
        answer = member.get(f"{AGENTS}/{agent['id']}")
        answer.must_equal("name", answer.must_have_json()["name"], agent["name"])


@rule("agents")
def list_pages(platform: PlatformUnderTest) -> None:
    """The list comes in pages of `limit`, without gaps or repeats."""
    owner = platform.newcomer()
    names = [f"agent-{number:02}" for number in range(7)]
    for name in names:
        owner.post(AGENTS, json={"name": name, "version": "1"}).must_be(201)
    pages = list(owner.pages(AGENTS, limit=3))
    answer = owner.get(AGENTS, params={"limit": 3})
    answer.must_equal("the sizes of the pages of 3", [len(page) for page in pages], [3, 3, 1])
    answer.must_equal("the names in them", sorted(agent["name"] for page in pages for agent in page), names)


@rule("agents")
def list_filters(platform: PlatformUnderTest) -> None:
    """The list is filtered by `status`, and by `q`, a part of the name or the description in any case of letters."""
    owner = platform.newcomer()
    owner.post(AGENTS, json={"name": "one", "version": "1", "description": "Reads 100% of it"}).must_be(201)
    owner.post(AGENTS, json={"name": "Two", "version": "1"}).must_be(201)
    wanted: tuple[tuple[dict[str, str], list[str]], ...] = (
        *(({"q": "tw"}, ["Two"]), ({"q": "100%"}, ["one"]), ({"q": "%"}, ["one"]), ({"q": "_"}, [])),
        *(({"status": "active"}, ["Two", "one"]), ({"status": "deprecated"}, [])),
    )
    for query, names in wanted:
        answer = owner.get(AGENTS, params=query)
        found = sorted(agent["name"] for agent in answer.must_have_json()["items"])
        answer.must_equal("the names", found, names)


@rule("agents")
def register_race(platform: PlatformUnderTest) -> None:
    """One agent that is registered many times at the same moment is one: one 201, else 200, one revision."""
    member, body = platform.member(), _named()
    answers = at_once(16, lambda _: member.post(AGENTS, json=body))
    statuses = sorted(answer.status for answer in answers)
    answers[0].must_equal("the statuses of 16 at once", statuses, [200] * 15 + [201])
    found = {
        (answer.must_have_json(200, 201)["id"], answer.must_have_json(200, 201)["revision"]["number"])
        for answer in answers
    }
    answers[0].must_equal("how many ids and revisions", len(found), 1)


@rule("agents")
def revision_race(platform: PlatformUnderTest) -> None:
    """Versions that are registered at the same moment are numbered without gaps or repeats."""
    member, body = platform.member(), _named()
    answers = at_once(16, lambda n: member.post(AGENTS, json=body | {"version": str(n)}))
    numbers = sorted(answer.must_have_json(201)["revision"]["number"] for answer in answers)
    answers[0].must_equal("the numbers of 16 at once", numbers, list(range(1, 17)))
