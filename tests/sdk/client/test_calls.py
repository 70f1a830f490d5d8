from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ams_sdk._client import calls
from ams_sdk._errors import ConfigurationError
from ams_sdk.wire import AgentRegistration, Token

HTTP = httpx.Client(base_url="http://127.0.0.1/base", verify=False)  # noqa: S501 -- it only builds requests


@given(st.text(min_size=1))
def test_any_name_is_one_segment_of_the_path_and_comes_back_as_it_was(name):
    assume(name not in {".", ".."})
    for call, prefix in ((calls.get_agent(name), "/api/agents/"), (calls.get_trace(name), "/api/traces/")):
        sent = httpx.URL("http://127.0.0.1/base").join(call.path).raw_path.decode()
        sent_by_client = HTTP.build_request("GET", call.path).url
        for path in (sent, sent_by_client.raw_path.decode().removeprefix("/base")):
            assert path.startswith(prefix)
            segment = path.removeprefix(prefix)
            assert not set(segment) & set("/?#\\ \r\n")
            assert unquote(segment, errors="strict") == name


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_segment_that_would_mean_another_resource_is_refused(name):
    for call in (calls.get_agent, calls.get_trace):
        with pytest.raises(ConfigurationError, match="is not the id of"):
            call(name)


def test_bytes_of_a_command_line_that_are_no_text_are_refused():
    with pytest.raises(ConfigurationError, match="not valid Unicode"):
        calls.get_agent("\udcff")
    with pytest.raises(ConfigurationError, match="q cannot be used: it is not valid Unicode"):
        calls.list_traces(q="\udcff")
    with pytest.raises(ConfigurationError, match="not valid Unicode"):
        calls.login("a@b.c", "\udcff")
    with pytest.raises(ConfigurationError, match="not valid Unicode"):
        calls.register_agent(AgentRegistration(name="a", version="1", labels={"a": "\udcff"}))


def test_a_value_that_the_wire_has_no_room_for_is_refused_without_showing_it():
    with pytest.raises(ConfigurationError, match=r"name cannot be used: .* at most 200") as caught:
        calls.register("a@b.c", "pa55word", "n" * 201)
    assert caught.value.__cause__ is None
    assert "nnn" not in str(caught.value)


def test_the_password_is_not_in_the_repr():
    assert "pa55word" not in repr(calls.register("a@b.c", "pa55word"))
    assert "pa55word" not in repr(calls.login("a@b.c", "pa55word"))


def test_only_register_and_login_need_no_credential():
    registration = AgentRegistration(name="a", version="1")
    open_calls = [calls.register("a", "b"), calls.login("a", "b")]
    closed_calls = [
        calls.logout(),
        calls.me(),
        calls.create_key("k"),
        calls.list_keys(),
        calls.delete_key("k"),
        calls.register_agent(registration),
        calls.list_agents(),
        calls.get_agent("a"),
        calls.list_traces(),
        calls.get_trace("a"),
    ]
    assert [call.needs_credential for call in open_calls + closed_calls] == [False] * 2 + [True] * 10


def test_a_schema_keeps_its_nulls():
    registration = AgentRegistration(name="a", version="1", input_schema={"default": None})
    body = calls.register_agent(registration).body
    assert AgentRegistration.model_validate_json(body) == registration


def test_filters_become_the_query_and_times_are_utc():
    since = datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))
    call = calls.list_traces(since=since, until=datetime(2026, 2, 1, tzinfo=UTC), min_duration=1.5, limit=7, agent="a")
    assert call.params == {
        "agent": "a",
        "since": "2026-01-31T10:00:00Z",
        "until": "2026-02-01T00:00:00Z",
        "min_duration": "1.5",
        "limit": "7",
    }
    assert calls.list_agents(status="active", q="x", cursor="c").params == {"status": "active", "q": "x", "cursor": "c"}


def test_a_key_without_a_name_or_with_an_end_without_a_zone_is_refused():
    with pytest.raises(ConfigurationError, match="name cannot be used"):
        calls.create_key("")
    with pytest.raises(ConfigurationError, match="expires_at cannot be used"):
        calls.create_key("k", datetime(2027, 1, 31))  # noqa: DTZ001 -- the point


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ConfigurationError, match="since needs a time zone"):
        calls.list_traces(since=datetime(2026, 1, 31))  # noqa: DTZ001 -- the point


@pytest.mark.parametrize("token", ["t ken", "a\nb", "\xe4", "\x7f"])
def test_a_token_that_no_header_can_carry_is_refused(token):
    with pytest.raises(ValueError, match="cannot be sent as a bearer") as caught:
        calls.login("a", "b").parse(Token(access_token=token, expires_in=1).model_dump_json().encode())
    assert token not in str(caught.value)


def test_logout_takes_no_page_for_an_answer():
    assert calls.logout().parse(b"") is None
    with pytest.raises(ValueError, match="no content"):
        calls.logout().parse(b"<html>")
