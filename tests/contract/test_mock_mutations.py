"""Break any one rule of the mock, and the contract says exactly which."""

from __future__ import annotations

import httpx
import pytest

from ams_sdk.testing import MockPlatform
from ams_sdk.testing._http import Response, transport
from ams_sdk.testing._platform import bodies, gateway, otlp
from ams_sdk.testing._platform.accounts import Accounts
from ams_sdk.testing._platform.agents import AgentRegistry
from ams_sdk.testing._platform.gateway import Gateway
from ams_sdk.testing._platform.paging import encode_cursor
from ams_sdk.testing._platform.refusals import Refusal
from ams_sdk.testing._platform.traces import TraceStore
from ams_sdk.testing.contract import PlatformUnderTest, judge, select
from ams_sdk.wire import ApiKey, Page

PROBLEMS = {rule.name for rule in select("everywhere") if rule.name.startswith("everywhere.problem_")}
PROBLEMS -= {"everywhere.problem_members"}


def agent_of_another_visible(patch):
    find = AgentRegistry.find

    def find_anywhere(self, owner_id, id_or_name):
        try:
            return find(self, owner_id, id_or_name)
        except Refusal:
            for agent in self:
                if id_or_name in {agent.name, str(agent.id)}:
                    return agent
            raise

    patch(AgentRegistry, "find", find_anywhere)


def trace_of_another_visible(patch):
    find = TraceStore.find

    def find_anywhere(self, owner_id, trace_id):
        owners = [owner for owner, kept in self._kept if kept == trace_id]
        return find(self, owner_id if owner_id in owners else (owners or [owner_id])[0], trace_id)

    patch(TraceStore, "find", find_anywhere)


def logout_does_not_revoke(patch):
    patch(Accounts, "log_out", lambda *_: None)


def known_agent_is_always_200(patch):
    register = AgentRegistry.register

    def register_once(self, owner_id, wanted, now):
        agent, is_new = register(self, owner_id, wanted, now)
        return agent, is_new and agent.revision.number == 1

    patch(AgentRegistry, "register", register_once)


def cursor_repeats_an_item(patch):
    page = AgentRegistry.page

    def from_the_last_one(self, owner_id, query):
        found = page(self, owner_id, query)
        names = sorted(agent.name for agent in self.of(owner_id))
        if found.next_cursor is None or len(found.items) < 2:
            return found
        before = names[names.index(found.items[-1].name) - 1]
        return found.model_copy(update={"next_cursor": encode_cursor(before)})

    patch(AgentRegistry, "page", from_the_last_one)


def unknown_path_is_404_for_strangers(patch):
    authenticate = Gateway._authenticate

    def look_at_the_path_first(self, exchange):
        is_known = exchange.route.operation or exchange.route.allowed
        if not is_known and not exchange.request.headers_named("authorization"):
            raise Refusal("not_found")
        authenticate(self, exchange)

    patch(Gateway, "_authenticate", look_at_the_path_first)


def span_is_counted_twice(patch):
    take_in = TraceStore.take_in

    def count_each(self, owner_id, spans):
        spans = list(spans)
        kept = [self._kept.get((owner_id, span.trace_id)) for span in spans]
        known = [(one, span) for one, span in zip(kept, spans, strict=True) if one and span.span_id in one.spans]
        take_in(self, owner_id, spans)
        for one, span in known:
            one.summary.add(span, None)

    patch(TraceStore, "take_in", count_each)


def problem_has_no_request_id(patch):
    body_of = gateway.body_of
    patch(gateway, "body_of", lambda refusal, path, media_type, _: body_of(refusal, path, media_type, None))


def password_is_echoed(patch):
    validated = bodies._validated

    def and_say_what_came(model, value):
        try:
            return validated(model, value)
        except Refusal as refusal:
            said = [one.model_copy(update={"message": f"{one.message}, not {value!r}"}) for one in refusal.errors]
            raise Refusal(refusal.code, errors=said) from None

    patch(bodies, "_validated", and_say_what_came)


def unknown_field_is_taken(patch):
    validated = bodies._validated

    def leave_it_out(model, value):
        if isinstance(value, dict):
            value = {name: inner for name, inner in value.items() if name in model.model_fields}
        return validated(model, value)

    patch(bodies, "_validated", leave_it_out)


def key_is_shown_again(patch):
    class Shown(ApiKey):
        key: str

    def list_with_secrets(self, owner, query):
        known = {key.id: text for text, one in self.credentials._keys.items() for key in [one.key]}
        page = list_keys(self, owner, query)
        shown = [Shown(**key.model_dump(), key=known[key.id]) for key in page.items]
        return Page[Shown](items=shown, next_cursor=page.next_cursor)

    list_keys = Accounts.list_keys
    patch(Accounts, "list_keys", list_with_secrets)


def head_has_a_body(patch):
    def send_as_to_get(self):
        for data, _ in self._parts:
            yield data

    patch(transport._Body, "__iter__", send_as_to_get)


def partial_success_is_missing(patch):
    answer = otlp.answer

    def say_all_is_well(batch, media_type):
        batch.rejected = 0
        return answer(batch, media_type)

    patch(otlp, "answer", say_all_is_well)


def trailing_slash_redirects(patch):
    answer = Gateway.answer

    def redirect(self, exchange):
        response = answer(self, exchange)
        if response.status == 404 and exchange.path.endswith("/"):
            return Response(307, (("location", exchange.path.rstrip("/")),))
        return response

    patch(Gateway, "answer", redirect)


def anything_expires_whenever(patch):
    patch(Accounts, "create_key", dated_back(Accounts.create_key))


def dated_back(create_key):
    def without_expiry(self, owner, wanted, now):
        return create_key(self, owner, wanted.model_copy(update={"expires_at": None}), now)

    return without_expiry


BROKEN = {
    agent_of_another_visible: {"agents.of_another"},
    trace_of_another_visible: {"telemetry.trace_of_another"},
    logout_does_not_revoke: {"accounts.logout_revokes", "accounts.key_logged_out"},
    known_agent_is_always_200: {"agents.change_makes_revision", "agents.revision_race"},
    cursor_repeats_an_item: {"agents.list_pages"},
    unknown_path_is_404_for_strangers: {"everywhere.unknown_path_denied", "everywhere.challenge_without_credential"},
    span_is_counted_twice: {"telemetry.span_twice_is_one", "telemetry.export_race"},
    problem_has_no_request_id: {"everywhere.problem_names_request"} | PROBLEMS,
    password_is_echoed: {"everywhere.errors_do_not_repeat"},
    unknown_field_is_taken: {"everywhere.unknown_field"},
    key_is_shown_again: {"accounts.key_shown_once"},
    head_has_a_body: {"everywhere.head_like_get"},
    partial_success_is_missing: {"telemetry.partial_success", "telemetry.ids_are_hex"},
    trailing_slash_redirects: {"everywhere.no_redirect"},
    anything_expires_whenever: {
        "accounts.key_answer",
        "accounts.key_expiry_kept",
        "accounts.key_expiry_in_the_past",
        "everywhere.problem_token_expired",
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("mutation", BROKEN, ids=lambda mutation: mutation.__name__)
def test_a_mock_with_one_rule_broken_is_found_out(mutation, monkeypatch):
    mutation(monkeypatch.setattr)
    mock = MockPlatform()
    with (
        httpx.Client(base_url=mock.url, transport=mock.transport) as client,
        PlatformUnderTest(client) as platform,
    ):
        verdicts = list(judge(platform))
    assert {verdict.rule.name for verdict in verdicts if verdict.broken} == BROKEN[mutation]
