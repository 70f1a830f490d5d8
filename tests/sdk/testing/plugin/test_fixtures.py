"""The fixtures in suites of their own, each run by a real pytest in a process of its own."""

from __future__ import annotations

import json
import os
import re

import pytest

from ams_sdk.testing import FakeLLM, text

AGENT = """
    import httpx
    import pytest
    import ams_sdk
    from ams_sdk import agent, tool
    from ams_sdk.testing import text, tool_call
    from opentelemetry import trace

    tracer = trace.get_tracer("made.at.import")

    @tool
    def search(query: str) -> list[str]:
        return [f"{query} float"]

    @agent(version="1.2.0")
    def researcher(question: str) -> str:
        if "fail" in question:
            raise LookupError("nothing found")
        return search(question)[0]
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs a suite and gives what pytest said of it."""
    # Nothing of this project's own configuration, and no variable of its tests.
    for name in list(os.environ):
        if name.startswith(("AMS_", "OTEL_", "COV_", "COVERAGE_")):
            monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\n")

    def run(source, *args, **files):
        pytester.makepyfile(test_suite=AGENT + source, **files)
        return pytester.runpytest_subprocess("-p", "no:schemathesis", "-W", "error", *args)

    return run


def shown(result):
    return result.stdout.str()


def test_a_test_of_an_agent_as_a_user_writes_it(run):
    result = run("""
    def test_research(ams, ams_trace):
        assert researcher("otters") == "otters float"
        run = ams_trace.agent("researcher")
        run.assert_called("search", query="otters", times=1)
        run.assert_succeeded()
        ams.assert_registered("researcher", version="1.2.0", tools=["search"])
    """)
    result.assert_outcomes(passed=1)


def test_a_failure_shows_the_trace_and_what_the_platform_got(run):
    result = run("""
    def test_research(ams, ams_trace):
        researcher("fail")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ams trace*", "*researcher*LookupError*", "*ams requests*", "*POST /api/agents*"])


@pytest.mark.parametrize(("option", "is_there"), [("all", True), ("failed", False), ("none", False)])
def test_the_trace_of_a_test_that_passes_is_shown_if_that_is_asked(run, option, is_there):
    result = run(
        """
    def test_research(ams):
        researcher("otters")

    def test_without():
        researcher("otters")
    """,
        f"--ams-trace={option}",
    )
    result.assert_outcomes(passed=2)
    assert ("agent researcher" in shown(result)) is is_there
    assert shown(result).count("ams trace") == is_there


def test_none_shows_nothing_of_a_failure(run):
    result = run(
        """
    def test_research(ams):
        researcher("fail")
    """,
        "--ams-trace=none",
    )
    result.assert_outcomes(failed=1)
    assert "ams trace" not in shown(result)


def test_traces_of_failures_are_saved_as_otlp(run, pytester):
    result = run(
        """
    @pytest.mark.parametrize("question", ["fail/1", "otters"])
    def test_research(ams, question):
        researcher(question)
    """,
        "--ams-trace-dir=traces",
    )
    result.assert_outcomes(failed=1, passed=1)
    (saved,) = (pytester.path / "traces").iterdir()
    assert saved.name.startswith("test_suite.py.test_research-fail-1-")
    (resource,) = json.loads(saved.read_bytes())["resourceSpans"]
    assert [span["name"] for scope in resource["scopeSpans"] for span in scope["spans"]] == ["invoke_agent researcher"]


def test_what_nobody_expected_fails_the_test_in_its_own_phase(run):
    result = run("""
    def test_strict(ams):
        httpx.Client(transport=ams.transport).get(f"{ams.url}/api/nowhere")

    @pytest.mark.ams(strict=False)
    def test_relaxed(ams):
        httpx.Client(transport=ams.transport).get(f"{ams.url}/api/nowhere")

    def test_that_fails_for_another_reason(ams):
        httpx.Client(transport=ams.transport).get(f"{ams.url}/api/nowhere")
        assert 1 == 2
    """)
    result.assert_outcomes(failed=2, passed=1)
    assert "/api/nowhere" in shown(result)
    assert "strict=False" in shown(result)
    assert "assert 1 == 2" in shown(result)


def test_a_marker_brings_the_platform_with_what_the_test_wants(run):
    result = run("""
    from ams_sdk.testing import RateLimit
    from ams_sdk.wire import AgentRegistration

    @pytest.mark.ams(seed=[AgentRegistration(name="old", version="1")], faults=[RateLimit(0)])
    def test_seeded(ams_client, ams):
        with pytest.raises(ams_sdk.RateLimitedError):
            ams_client.agents.list()
        assert [agent.name for agent in ams_client.agents.list().items] == ["old"]

    @pytest.mark.ams(configure={"capture_content": False})
    def test_without_a_fixture():
        researcher("otters")
        assert ams_sdk.stats().configured

    @pytest.mark.ams(configure={"capture_content": False})
    def test_without_content(ams_trace):
        researcher("otters")
        assert "otters" not in str([span.attributes for span in ams_trace.spans])
    """)
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize("marker", ["seeds=[]", "False"])
def test_a_marker_with_a_wrong_argument_says_which_there_are(run, marker):
    result = run(f"""
    @pytest.mark.ams({marker})
    def test_marked():
        pass
    """)
    result.assert_outcomes(errors=1)
    assert "they are strict, seed, faults, network, configure" in shown(result)


def test_clients_are_logged_in(run):
    result = run("""
    import asyncio

    def test_blocking(ams, ams_client):
        assert ams_client.users.me().email == ams.account.email

    def test_asynchronous(ams, ams_async_client):
        assert asyncio.run(ams_async_client.users.me()).email == ams.account.email

    def test_a_client_that_the_program_makes_talks_to_the_platform(ams):
        with ams_sdk.Client() as client:
            assert client.users.me().email == ams.account.email
        ams.allow(host="ams.example.com")
        with ams_sdk.Client(endpoint="https://ams.example.com", api_key=ams.token) as client:
            assert client.users.me().email == ams.account.email
    """)
    result.assert_outcomes(passed=3)


def test_a_subprocess_talks_to_the_platform_on_its_port(run):
    result = run('''
    import subprocess, sys

    PROGRAM = """
    import ams_sdk
    @ams_sdk.agent(version="2")
    def child(): return 1
    child()
    """

    def test_child(ams_server, ams_trace):
        program = "\\n".join(line.strip() for line in PROGRAM.splitlines())
        subprocess.run([sys.executable, "-c", program], check=True)
        ams_trace.wait(until=lambda trace: trace.agents())
        assert ams_trace.agent("child").output == 1
        ams_server.assert_registered("child", version="2")
        with ams_sdk.Client() as client:
            assert client.endpoint.startswith("http://127.0.0.1:")
            assert [agent.name for agent in client.agents.list().items] == ["child"]
    ''')
    result.assert_outcomes(passed=1)


def test_a_scripted_model_is_found_by_its_environment_and_must_be_used_up(run):
    source = """
    import os

    def ask():
        url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
        key = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
        body = {"model": "m", "messages": [{"role": "user", "content": "why?"}]}
        return httpx.post(url, json=body, headers=key).json()["choices"][0]["message"]["content"]

    def test_asked(ams_llm):
        ams_llm.script(text("Because."))
        assert ask() == "Because."

    def test_not_asked(ams_llm):
        ams_llm.script(text("Because."))

    def test_failing(ams_llm):
        ams_llm.script(text("Because."))
        assert ask() == "No."
    """
    result = run(source)
    result.assert_outcomes(passed=1, failed=2)
    assert "the only step was not used" in shown(result)
    assert "ams model" in shown(result)


def test_a_cassette_is_beside_the_test_and_replays_without_a_network(run, pytester):
    source = """
    from ams_sdk.testing import FakeLLM

    @pytest.mark.parametrize("question", ["why?"])
    def test_recorded(ams_cassette, question):
        answer = httpx.post("http://127.0.0.1:PORT/v1/chat/completions", json={
            "model": "m", "messages": [{"role": "user", "content": question}],
        }, headers={"Authorization": "Bearer abc-123-secret"})
        assert answer.json()["choices"][0]["message"]["content"] == "Because."
    """
    with FakeLLM(text("Because.")) as model:
        port = model.anthropic_base_url.rpartition(":")[2]
        result = run(source.replace("PORT", port))
        result.assert_outcomes(errors=1)
        assert "There is no cassette at" in shown(result)
        result = run(source.replace("PORT", port), "--ams-record=once")
        result.assert_outcomes(passed=1)
    (file,) = (pytester.path / "cassettes" / "test_suite").iterdir()
    assert file.name.startswith("test_recorded-why-")
    assert "abc-123-secret" not in file.read_text()
    run(source.replace("PORT", "1")).assert_outcomes(passed=1)
    result = run(source.replace("PORT", "1").replace("why?", "how?").replace("test_recorded(", "test_other("))
    result.assert_outcomes(errors=1)
    file.write_text(file.read_text().replace("why?", "how?"))
    result = run(source.replace("PORT", "1"))
    result.assert_outcomes(failed=1)
    assert '+        "content": "why?"' in shown(result)


def test_the_plugin_can_be_left_out(run):
    result = run(
        """
    def test_research():
        assert researcher("otters") == "otters float"
    """,
        "-p",
        "no:ams_sdk",
    )
    result.assert_outcomes(passed=1)
    result = run("def test_research(ams): pass", "-p", "no:ams_sdk")
    result.assert_outcomes(errors=1)


def test_a_suite_that_does_not_use_the_kit_loads_nothing_of_it(pytester):
    pytester.makepyfile("""
    import sys

    def test_loaded():
        kit = {name for name in sys.modules if name.startswith("ams_sdk")}
        assert kit == {"ams_sdk", "ams_sdk.testing", "ams_sdk.testing.plugin"}
        assert not [name for name in sys.modules if name.split(".")[0] in {"opentelemetry", "httpx", "pydantic"}]
    """)
    pytester.runpytest_subprocess("-p", "no:schemathesis").assert_outcomes(passed=1)


def test_a_fixture_that_fails_before_the_test_is_no_puzzle(run):
    result = run("""
    @pytest.fixture
    def broken(ams):
        researcher("otters")
        raise RuntimeError("no database")

    def test_broken(broken):
        pass
    """)
    result.assert_outcomes(errors=1)
    assert re.search(r"RuntimeError: no database", shown(result))
    assert "ams trace" in shown(result)


def test_unittest_and_skips_and_expected_failures_are_left_as_they_are(run):
    result = run("""
    import unittest

    @pytest.mark.usefixtures("ams")
    class TestOld(unittest.TestCase):
        def test_passes(self):
            assert researcher("otters")

        def test_fails(self):
            self.assertEqual(researcher("otters"), 1)

        def test_unexpected(self):
            httpx.Client(transport=_transport()).get("http://mock.ams.localhost/api/nowhere")

    def _transport():
        from ams_sdk._client.stand_in import stand_in
        return stand_in.blocking

    def test_skipped(ams):
        pytest.skip("not today")

    @pytest.mark.xfail
    def test_expected(ams):
        researcher("fail")
    """)
    result.assert_outcomes(passed=1, failed=2, skipped=1, xfailed=1)


def test_a_failure_in_an_agent_shows_the_users_code_and_none_of_ours(run):
    result = run("""
    def test_fails(ams):
        researcher("fail")
    """)
    assert "ams_sdk/_decorators" not in shown(result)
    assert 'raise LookupError("nothing found")' in shown(result)


def test_tests_of_like_names_have_cassettes_and_traces_of_their_own(run, pytester):
    result = run(
        """
    class TestA:
        def test_x(self, ams, ams_cassette):
            researcher("fail")

    class TestB:
        def test_x(self, ams, ams_cassette):
            researcher("fail")

    @pytest.mark.parametrize("text", ["a/b", "a b", "a" * 300, "a" * 300 + "b"])
    def test_p(ams, ams_cassette, text):
        researcher("fail")
    """,
        "--ams-trace-dir=traces",
        "--ams-record=once",
    )
    result.assert_outcomes(failed=6)
    assert len(list((pytester.path / "traces").iterdir())) == 6


def test_a_trace_that_cannot_be_saved_is_told_and_ends_nothing(run, pytester):
    (pytester.path / "afile").write_text("")
    result = run(
        """
    def test_fails(ams):
        researcher("fail")

    def test_passes(ams):
        researcher("otters")
    """,
        "--ams-trace-dir=afile",
    )
    result.assert_outcomes(failed=1, passed=1)
    assert "It could not be saved" in shown(result)


def test_a_marker_on_one_parameter_is_that_ones_only(run):
    result = run("""
    @pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.ams), 3])
    def test_p(n):
        assert ams_sdk.stats().configured == (n == 2)
    """)
    result.assert_outcomes(passed=3)


def test_a_failing_test_of_unittest_records_nothing(run, pytester):
    result = run(
        """
    import unittest

    class TestOld(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def cassette(self, ams_cassette):
            pass

        def test_fails(self):
            self.assertEqual(1, 2)
    """,
        "--ams-record=once",
    )
    result.assert_outcomes(failed=1)
    assert not (pytester.path / "cassettes").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_what_forked_workers_do_arrives_if_there_is_a_port(run):
    result = run("""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    FORK = multiprocessing.get_context("fork")

    @agent
    def by_pool():
        with ProcessPoolExecutor(1, mp_context=FORK) as pool:
            return pool.submit(search, "otters").result()

    @agent
    def by_process():
        worker = FORK.Process(target=search, args=("otters",))
        worker.start()
        worker.join()

    @pytest.mark.parametrize("parent", [by_pool, by_process])
    @pytest.mark.filterwarnings("ignore:This process")
    def test_forks(ams_server, ams_trace, parent):
        parent()
        ams_trace.wait(until=lambda trace: trace.find(tool="search"))
        ams_trace.agents()[0].assert_called("search", query="otters", times=1)
        ams_trace.assert_connected()
        assert len(ams_server.spans) == 2

    @agent
    def inner():
        return search("otters")

    @pytest.mark.filterwarnings("ignore:This process")
    def test_an_agent_of_a_child_is_registered(ams_server, ams_client):
        def child():
            inner()
            ams_client.agents.list()

        worker = FORK.Process(target=child)
        worker.start()
        worker.join()
        assert worker.exitcode == 0
        ams_server.assert_registered("inner")
        ams_server.assert_requested("list_agents", times=1)
    """)
    result.assert_outcomes(passed=3)


def test_a_budget_is_no_limit_on_calls_that_are_not_traced(run):
    source = """
    import os
    from ams_sdk.testing import TraceAssertionError, error

    def ask():
        url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
        key = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
        body = {"model": "m", "messages": [{"role": "user", "content": "why?"}]}
        return httpx.post(url, json=body, headers=key)

    @agent
    def bare():
        ask(), ask()

    @agent
    def traced():
        with ams_sdk.model_call(provider="openai", model="m") as call:
            answer = ask()
            if answer.status_code == 500:  # a client that tries again does so within its span
                answer = ask()
            call.record(answer.json())

    @agent
    def with_a_tool():
        traced()
        search("otters")

    def test_bare(ams_llm, ams_trace):
        ams_llm.script(text("Because."), text("Really."), text("Because."))
        bare()
        for limits in ({"tokens": 10_000}, {"output_tokens": 10_000}, {"model_calls": 0}):
            with pytest.raises(TraceAssertionError, match="the scripted model answered 2 calls meanwhile"):
                ams_trace.agent("bare").assert_within(**limits)
        ams_trace.agent("bare").assert_within(seconds=60, tool_calls=0)
        with_a_tool()
        ams_trace.agent("traced").assert_within(model_calls=1)
        ams_trace.agent("with_a_tool").with_nested().assert_within(model_calls=1)

    def test_traced(ams_llm, ams_trace):
        ams_llm.script(error(500), text("Because."))
        traced()
        assert len(ams_llm.heard) == 2
        ams_trace.agent().assert_within(model_calls=1, tokens=100)
    """
    run(source).assert_outcomes(passed=2)


def test_the_environment_of_the_kit_outlasts_what_a_test_undoes_and_not_the_test(run):
    result = run(
        """
    import os

    NAMES = ("AMS_ENDPOINT", "AMS_SERVICE_NAME", "OTEL_SERVICE_NAME", "OPENAI_BASE_URL", "AMS_ENVIRONMENT")

    def environment():
        return {name: os.environ.get(name) for name in NAMES}

    os.environ["OTEL_SERVICE_NAME"] = "the developer's"
    BEFORE = environment()

    @pytest.fixture(autouse=True)
    def checked():
        yield
        assert environment() == BEFORE

    @pytest.fixture
    def set_before(checked, monkeypatch):
        for name in NAMES[:3]:
            monkeypatch.setenv(name, "before the kit")

    def change(monkeypatch, ams):
        ours = environment()
        assert ours["AMS_ENDPOINT"] == ams.url
        assert ours["OPENAI_BASE_URL"].startswith("http://127.0.0.1:")
        assert ours["AMS_SERVICE_NAME"] is ours["OTEL_SERVICE_NAME"] is None
        for _ in range(2):
            for name in NAMES:
                monkeypatch.setenv(name, "of the test")
            monkeypatch.undo()
            assert environment() == ours
        for name in NAMES:
            monkeypatch.setenv(name, "of the test")

    def test_kit_last(monkeypatch, ams, ams_llm):
        change(monkeypatch, ams)

    def test_kit_first(ams, ams_llm, monkeypatch):
        change(monkeypatch, ams)

    def test_set_before(set_before, ams, ams_llm, monkeypatch):
        change(monkeypatch, ams)

    def test_set_before_and_not_undone(set_before, ams, monkeypatch):
        for name in NAMES:
            monkeypatch.setenv(name, "of the test")

    def test_removed(ams, ams_llm, monkeypatch):
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
    """
    )
    result.assert_outcomes(passed=5)
