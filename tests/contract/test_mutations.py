"""Break any one rule of the server, and the contract says exactly which."""

from __future__ import annotations

import inspect
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from ams_sdk.testing.contract import PlatformUnderTest, judge

BROKEN_SERVER = Path(__file__).parent / "broken_server.py"
PROBLEMS = {
    f"everywhere.problem_{code}"
    for code in (
        *("malformed", "unauthenticated", "invalid_token", "token_expired", "invalid_credentials", "not_found"),
        *("method_not_allowed", "email_taken", "body_too_large", "unsupported_media_type", "validation"),
    )
}
BROKEN = {
    "nothing": set(),
    "agent_of_another_visible": {"agents.of_another"},
    "trace_of_another_visible": {"telemetry.trace_of_another"},
    "logout_does_not_revoke": {"accounts.logout_revokes", "accounts.key_logged_out"},
    "known_agent_is_always_200": {"agents.change_makes_revision", "agents.revision_race"},
    "cursor_repeats_an_item": {"telemetry.list_pages"},
    "unknown_path_is_404_for_strangers": {"everywhere.unknown_path_denied", "everywhere.challenge_without_credential"},
    "span_is_stored_twice": {"telemetry.span_twice_is_one", "telemetry.export_race"},
    "problem_has_no_request_id": {"everywhere.problem_names_request"} | PROBLEMS,
    "password_is_echoed": {"everywhere.errors_do_not_repeat"},
    "unknown_field_is_taken": {"everywhere.unknown_field"},
    "key_is_shown_again": {"accounts.key_shown_once"},
    "head_has_a_body": {"everywhere.head_sends_no_body"},
    "partial_success_is_missing": {"telemetry.partial_success", "telemetry.ids_are_hex"},
    "trailing_slash_redirects": {"everywhere.no_redirect"},
    "challenge_is_missing": {
        "everywhere.challenge_without_credential",
        "everywhere.challenge_with_credential",
        "telemetry.export_needs_credential",
        "accounts.login_does_not_say_why",
    },
    "answers_may_be_stored": {"everywhere.no_storing"},
}


def broken_rules(where):
    with PlatformUnderTest(where) as platform:
        verdicts = list(judge(platform))
    assert len(verdicts) > 130
    return {verdict.rule.name for verdict in verdicts if verdict.broken}


@pytest.mark.slow
@pytest.mark.parametrize("mutation", BROKEN)
def test_a_server_with_one_rule_broken_is_found_out(mutation, run_server, tmp_path):
    with run_server(tmp_path, program=[str(BROKEN_SERVER), mutation]) as url:
        found = broken_rules(url)
    assert found == BROKEN[mutation]


def test_each_mutation_of_the_program_is_tried():
    spec = spec_from_file_location("broken_server", BROKEN_SERVER)
    program = module_from_spec(spec)
    spec.loader.exec_module(program)
    mutations = {name for name, one in inspect.getmembers(program, inspect.isfunction) if one.__module__ == spec.name}
    assert mutations == BROKEN.keys()
