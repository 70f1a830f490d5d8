"""A stateful test of a platform: random histories of requests, each answer compared with a model of the contract."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._machine.asking import Asking
from ams_sdk.testing._machine.known import KnownTrace
from ams_sdk.testing._machine.people import People
from ams_sdk.testing._strategies.accounts import (
    api_key_requests,
    passwords,
    refused_emails,
    refused_passwords,
)
from ams_sdk.testing._strategies.agents import agent_registrations
from ams_sdk.testing._strategies.export_requests import as_document, as_message
from ams_sdk.testing._strategies.span_trees import span_trees

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from ams_sdk.testing._machine.known import Credential, KnownAccount
    from ams_sdk.testing._strategies.accounts import Refused
    from ams_sdk.testing._trace.captured_span import CapturedSpan
    from ams_sdk.wire import AgentRegistration, ApiKeyRequest

__all__ = ["PlatformMachine"]

_JSON, _PROTOBUF = "application/json", "application/x-protobuf"
_NAMES: Final = st.sampled_from(["researcher", "writer"])
_SPELLINGS: Final = (str, str.upper, str.title, " {} ".format)
_PASSWORD: Final = "Correct-horse-7"  # noqa: S105 -- of accounts that live for an example
_WRONGLY: Final = ("longer", "shorter", "swapped", "blank")
_LIMITS: Final = st.sampled_from([1, 2, 200])
_WHOLE: Final = 200
_OF_AGENT: Final = frozenset({"name", "description", "labels"})
_PROTECTED: Final = (
    ("GET", "/api/users/me"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/keys"),
    ("GET", "/api/keys"),
    ("DELETE", "/api/keys/x"),
    ("POST", "/api/agents"),
    ("GET", "/api/agents"),
    ("GET", "/api/agents/x"),
    ("POST", "/v1/traces"),
    ("GET", "/api/traces"),
    ("GET", f"/api/traces/{1:032x}"),
    ("GET", "/api/nothing"),
)
_METHODS: Final = {"/api/users/me": "GET, HEAD", "/api/auth/login": "POST", "/api/keys": "GET, HEAD, POST"}


class PlatformMachine(RuleBasedStateMachine):
    """A state machine of hypothesis that holds a platform to the contract: accounts, keys, agents, traces.

    Each example opens accounts of its own, so the platform may hold anything before and need not be emptied. It must
    not limit how often somebody may try. In three lines::

        from ams_sdk.testing import PlatformMachine

        TestMyPlatform = PlatformMachine.against(lambda: httpx.Client(base_url="http://127.0.0.1:8787")).TestCase

    Where a fixture starts the platform, inside a test::

        hypothesis.stateful.run_state_machine_as_test(PlatformMachine.against(lambda: httpx.Client(base_url=url)))

    A subclass that overrides ``connect`` does the same, and can have more rules. How long it runs is hypothesis's
    ``settings``: ``TestMyPlatform.settings = settings(max_examples=20, stateful_step_count=30)``.

    Raises:
        PlatformAssertionError: an answer is not as the contract says; the text has the rule, the request, the answer.
        ConfigurationError: ``connect`` gives no client, or the platform limits how often somebody may try.
    """

    credentials: Bundle[Any] = Bundle("credentials")
    keys: Bundle[Any] = Bundle("keys")
    ended: Bundle[Any] = Bundle("ended")

    def __init__(self) -> None:
        super().__init__()
        self._ask: Asking = Asking(self.connect)
        self._people: People = People(self._ask)

    @classmethod
    def against(cls, connect: Callable[[], httpx.Client]) -> type[PlatformMachine]:
        """The machine for one platform.

        Args:
            connect: opens a client of it: ``lambda: httpx.Client(base_url=…)``, or with ``transport=``; the machine
                closes it.
        """
        return type(cls.__name__, (cls,), {"connect": _opening(connect), "__doc__": cls.__doc__})

    def connect(self) -> httpx.Client:
        """A new client of the platform."""
        raise ConfigurationError(
            "PlatformMachine does not know where the platform is: use PlatformMachine.against(lambda: "
            'httpx.Client(base_url="http://127.0.0.1:8787")), or override connect().'
        )

    def teardown(self) -> None:
        """Close the client."""
        self._ask.close()

    # --- accounts -----------------------------------------------------------------------------------------------------

    @initialize(target=credentials)
    def two_people(self) -> Any:  # noqa: ANN401 -- hypothesis's own type
        """Two people who are logged in, so that there are things of somebody else."""
        return multiple(*(self._people.register(_PASSWORD, name).login for name in (None, "Ada")))

    @rule(target=credentials, password=passwords(), name=st.none() | st.just("Grace"))
    def register(self, password: str, name: str | None) -> Credential:
        """Somebody new, who logs in."""
        return self._people.register(password, name).login

    @rule(credential=credentials, spell=st.sampled_from(_SPELLINGS))
    def register_again(self, credential: Credential, spell: Callable[[str], str]) -> None:
        """An address that is taken, in some spelling."""
        account = credential.account
        body = {"email": spell(account.email), "password": account.password}
        self._ask(
            "an address is registered once, however it is spelt",
            *("POST", "/api/auth/register"),
            body=body,
            expect=409,
            code="email_taken",
        )

    @rule(refused=refused_emails())
    def register_no_address(self, refused: Refused) -> None:
        """What is no address."""
        self._refused_registration({"email": refused.text, "password": "Correct-horse-7"}, "email", refused)

    @rule(refused=refused_passwords())
    def register_bad_password(self, refused: Refused) -> None:
        """What is no good password."""
        self._refused_registration({"email": "Ada1@example.org", "password": refused.text}, "password", refused)

    @rule(target=credentials, credential=credentials, spell=st.sampled_from(_SPELLINGS))
    def log_in(self, credential: Credential, spell: Callable[[str], str]) -> Credential:
        """Log in once more."""
        return self._people.log_in(credential.account, spell)

    @rule(credential=credentials, wrong=st.sampled_from(_WRONGLY), is_known=st.booleans())
    def log_in_wrongly(
        self,
        credential: Credential,
        wrong: str,
        is_known: bool,  # noqa: FBT001 -- by name
    ) -> None:
        """A wrong password, or an address that nobody has."""
        account = credential.account
        email = account.email if is_known else f"nobody-{account.email}"
        password = _wrong(account.password, wrong) if is_known else account.password
        self._ask(
            "a wrong password and an unknown address are the same 401",
            *("POST", "/api/auth/login"),
            body={"email": email, "password": password},
            expect=401,
            code="invalid_credentials",
        )

    @rule(target=ended, credential=credentials)
    def log_in_and_out(self, credential: Credential) -> Credential:
        """A login that is over."""
        token = self._people.log_in(credential.account)
        self._people.ask(token, "a token can be logged out", "POST", "/api/auth/logout", expect=204)
        token.is_good = False
        return token

    @rule(credential=ended, asked=st.sampled_from(_PROTECTED))
    def ask_after_the_end(self, credential: Credential, asked: tuple[str, str]) -> None:
        """Ask with a token that was logged out."""
        self._people.ask(credential, "", *asked, expect=401)

    # --- API keys -----------------------------------------------------------------------------------------------------

    @rule(targets=(credentials, keys), credential=credentials, wanted=api_key_requests())
    def make_key(self, credential: Credential, wanted: ApiKeyRequest) -> Any:  # noqa: ANN401 -- hypothesis's own type
        """Make an API key."""
        body = wanted.model_dump(mode="json")
        answer = self._people.ask(credential, "an account makes API keys", "POST", "/api/keys", body=body, expect=201)
        if answer is None:
            return cast("Any", multiple())
        made: dict[str, Any] = answer.json
        self._ask.see("the key's name", wanted.name, made["name"])
        self._ask.see("whether the key begins with its prefix", True, made["key"].startswith(made["prefix"]))  # noqa: FBT003 -- what is seen
        credential.account.keys.append({name: made[name] for name in made if name not in {"key", "last_used_at"}})
        return self._people.take(credential.account, made["key"], made["id"])

    @rule(key=keys, other=credentials, is_own=st.booleans())
    def delete_key(self, key: Credential, other: Credential, is_own: bool) -> None:  # noqa: FBT001 -- by name
        """Delete a key, perhaps a second time: its owner does, or somebody who may have none of it."""
        self._delete_key(key.account.login if is_own else other, key)

    @rule(credential=credentials, limit=_LIMITS)
    def list_keys(self, credential: Credential, limit: int) -> None:
        """List the keys."""
        rule_said = "an account's keys are listed newest first, without the keys"
        listed = self._people.pages(credential, rule_said, "/api/keys", limit)
        if listed is not None:
            shown = [{name: one[name] for name in one if name != "last_used_at"} for one in listed]
            self._ask.see("the list of keys", credential.account.keys[::-1], shown)

    # --- agents -------------------------------------------------------------------------------------------------------

    @rule(
        credential=credentials,
        wanted=agent_registrations(names=_NAMES, versions=st.sampled_from(["1", "2"]), max_tools=1),
    )
    def register_agent(self, credential: Credential, wanted: AgentRegistration) -> None:
        """Register an agent: a new one, a new revision, or one that is known."""
        body = wanted.model_dump(mode="json")
        known = credential.account.agents.get(wanted.name)
        is_new = known is None or _code_of(known) != _code_of(body)
        says = "registering is 201 for a new agent or revision, 200 if its code is the same"
        answer = self._people.ask(credential, says, "POST", "/api/agents", body=body, expect=201 if is_new else 200)
        if answer is None:
            return
        agent: dict[str, Any] = answer.json
        number = 1 if known is None else known["revision"]["number"] + is_new
        self._ask.see("the revision's number", number, agent["revision"]["number"])
        self._ask.see("what the agent says of itself", body, _said_by(agent, body))
        if known is not None:
            for name in ("id", "created_at", "status"):
                self._ask.see(f"the agent's {name}", known[name], agent[name])
        credential.account.agents[wanted.name] = agent

    @rule(credential=credentials, name=_NAMES, data=st.data())
    def read_agent(self, credential: Credential, name: str, data: st.DataObject) -> None:
        """Read an agent by its name, and one by its id: one's own, or somebody else's."""
        self._reads(credential, f"/api/agents/{name}", credential.account.agents.get(name))
        everybodys = [(owner, agent) for owner in self._people for agent in owner.agents.values()]
        if everybodys:
            owner, agent = data.draw(st.sampled_from(everybodys), label="whose, and which")
            for reader in (owner.login, credential):
                self._reads(reader, f"/api/agents/{agent['id']}", agent if owner is reader.account else None)

    @rule(credential=credentials, limit=_LIMITS)
    def list_agents(self, credential: Credential, limit: int) -> None:
        """List the agents."""
        listed = self._people.pages(credential, "an account's own agents are listed by name", "/api/agents", limit)
        if listed is not None:
            self._ask.see("the list of agents", _by_name(credential.account), listed)

    # --- traces -------------------------------------------------------------------------------------------------------

    @rule(
        credential=credentials,
        spans=span_trees(max_spans=3, content=False),
        kind=st.sampled_from([_JSON, _PROTOBUF]),
        is_packed=st.booleans(),
        times=st.integers(1, 2),
    )
    def export(
        self,
        credential: Credential,
        spans: list[CapturedSpan],
        kind: str,
        is_packed: bool,  # noqa: FBT001 -- by name
        times: int,
    ) -> None:
        """Send a trace, once or twice."""
        content = json.dumps(as_document(spans)).encode() if kind == _JSON else as_message(spans).SerializeToString()
        headers = {"Content-Type": kind} | ({"Content-Encoding": "gzip"} if is_packed else {})
        for _ in range(times):
            answer = self._people.ask(
                credential,
                "spans are taken in either encoding, packed or not, and answered in kind",
                *("POST", "/v1/traces"),
                content=gzip.compress(content) if is_packed else content,
                headers=headers,
                expect=200,
            )
            if answer is not None:
                self._ask.see("Content-Type", kind, answer.headers.get("content-type"))
                credential.account.traces.setdefault(spans[0].trace_id, KnownTrace()).take_in(spans)

    @rule(credential=credentials, data=st.data())
    def read_trace(self, credential: Credential, data: st.DataObject) -> None:
        """Read a trace: one's own, or somebody else's."""
        everybodys = [trace_id for owner in self._people for trace_id in owner.traces]
        trace_id = data.draw(st.sampled_from([*everybodys, f"{7:032x}"]), label="trace id")
        known = credential.account.traces.get(trace_id)
        says = "a trace is read with all its spans; somebody else's is not found"
        expect, code = (200, None) if known else (404, "not_found")
        answer = self._people.ask(credential, says, "GET", f"/api/traces/{trace_id}", expect=expect, code=code)
        if answer is not None and known is not None:
            self._sees_summary(known, answer.json)
            for wanted, got in zip(known.read_out(), answer.json["spans"], strict=True):
                shown = {name: got[name] for name in wanted} | {"events": [_timeless(one) for one in got["events"]]}
                self._ask.see(f"span {wanted['span_id']}", wanted, shown)

    @rule(credential=credentials, limit=_LIMITS)
    def list_traces(self, credential: Credential, limit: int) -> None:
        """List the traces."""
        listed = self._people.pages(credential, "an account's own traces are listed newest first", "/api/traces", limit)
        if listed is None:
            return
        known = credential.account.traces
        self._ask.see("the traces in the list", sorted(known), sorted(one["trace_id"] for one in listed))
        times = [datetime.fromisoformat(one["started_at"]) for one in listed]
        self._ask.see("the order of their starts", sorted(times, reverse=True), times)
        for one in listed:
            self._sees_summary(known[one["trace_id"]], one)

    # --- everywhere ---------------------------------------------------------------------------------------------------

    @rule(asked=st.sampled_from(_PROTECTED))
    def ask_as_a_stranger(self, asked: tuple[str, str]) -> None:
        """Ask without a credential for what needs one, known or not."""
        self._ask("every path needs a credential but the open ones", *asked, expect=401, code="unauthenticated")

    @rule(asked=st.sampled_from(_PROTECTED), bearer=st.sampled_from(["x", "ams_x", "a.b.c"]))
    def ask_with_nonsense(self, asked: tuple[str, str], bearer: str) -> None:
        """Ask with a credential that is none."""
        self._ask("what is no credential is refused", *asked, bearer=bearer, expect=401, code="invalid_token")

    @rule(credential=credentials, name=st.text(min_size=1, max_size=5))
    def ask_for_nothing(self, credential: Credential, name: str) -> None:
        """Ask for a path that there is not."""
        path = f"/api/nothing/{quote(name, safe='')}"
        self._people.ask(credential, "an unknown path is not found", "GET", path, expect=404, code="not_found")

    @rule(credential=credentials, path=st.sampled_from([*_METHODS]), method=st.sampled_from(["PUT", "PATCH"]))
    def ask_by_a_wrong_method(self, credential: Credential, path: str, method: str) -> None:
        """Ask by a method that the path does not know."""
        if not credential.is_good and path != "/api/auth/login":
            return
        answer = self._ask(
            "a path tells which methods it knows",
            *(method, path),
            bearer=credential.text,
            expect=405,
            code="method_not_allowed",
        )
        allowed = sorted(one.strip() for one in answer.headers.get("allow", "").split(","))
        self._ask.see("Allow", _METHODS[path], ", ".join(allowed))

    @invariant()
    def a_good_credential_is_its_account_and_a_bad_one_nobody(self) -> None:
        """Whoever acted last is who they were, and has what they had."""
        credential = self._people.latest
        if credential is None:
            return
        account = credential.account
        profile = self._people.ask(
            credential, "a good credential gives its account's profile", "GET", "/api/users/me", expect=200
        )
        if profile is not None:
            self._ask.see("the profile", account.profile, profile.json)
            self.list_agents(credential, _WHOLE)
            self.list_keys(credential, _WHOLE)
            self.list_traces(credential, _WHOLE)

    # --- how ----------------------------------------------------------------------------------------------------------

    def _refused_registration(self, body: Mapping[str, str], field: str, refused: Refused) -> None:
        says = f"what breaks a rule is refused by its name ({refused.why})"
        answer = self._ask(says, "POST", "/api/auth/register", body=body, expect=422, code="validation")
        wanted = [(field, code) for code in refused.codes]
        self._ask.see("the broken rules", wanted, [(error["field"], error["code"]) for error in answer.json["errors"]])

    def _delete_key(self, credential: Credential, other: Credential) -> None:
        own = credential.account.keys
        found = [key for key in own if key["id"] == other.key_id]
        says = "an account deletes its own keys; any other is not found"
        path = f"/api/keys/{other.key_id or 'x'}"
        expect, code = (204, None) if found else (404, "not_found")
        if self._people.ask(credential, says, "DELETE", path, expect=expect, code=code) and found:
            own.remove(found[0])
            other.is_good = False
            self._people.latest = other

    def _reads(self, credential: Credential, path: str, agent: dict[str, Any] | None) -> None:
        says = "an account reads its own agents; somebody else's is not found"
        expect, code = (200, None) if agent else (404, "not_found")
        answer = self._people.ask(credential, says, "GET", path, expect=expect, code=code)
        if answer is not None and agent is not None:
            self._ask.see("the agent", agent, answer.json)

    def _sees_summary(self, known: KnownTrace, got: Mapping[str, Any]) -> None:
        for name, wanted in known.summary().items():
            value = datetime.fromisoformat(got[name]) if name == "started_at" else got[name]
            self._ask.see(f"the trace's {name}", wanted, value)


def _opening(connect: Callable[[], httpx.Client]) -> Callable[[PlatformMachine], httpx.Client]:
    return lambda _machine: connect()


def _wrong(password: str, how: str) -> str:
    ways = {"longer": f"{password}x", "shorter": password[:-1], "swapped": password.swapcase()}
    return ways.get(how, f" {password}")


def _code_of(agent: Mapping[str, Any]) -> dict[str, Any]:
    """What makes another revision when it changes: everything but the labels."""
    revision = agent.get("revision", agent)
    names = ("version", "fingerprint", "input_schema", "output_schema", "tools", "skills", "model", "framework", "sdk")
    return {"description": agent["description"]} | {name: revision[name] for name in names}


def _said_by(agent: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: (agent if name in _OF_AGENT else agent["revision"]).get(name) for name in body}


def _by_name(account: KnownAccount) -> list[dict[str, Any]]:
    return [account.agents[name] for name in sorted(account.agents)]


def _timeless(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": event["name"], "attributes": event["attributes"]}
