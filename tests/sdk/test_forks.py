"""Threads, processes and pools, as real programs: what they do is traced, once, and nothing hangs."""

import os
import subprocess
import sys
import textwrap
import threading

import pytest
from tests.sdk.test_lifecycle import REGISTERED

import ams_sdk
from ams_sdk import agent, tool, wire
from ams_sdk._decorators import runtime

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

PROGRAM = """
    import multiprocessing, os, sys, warnings
    from concurrent.futures import ProcessPoolExecutor

    import ams_sdk
    from ams_sdk import tool

    warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what is tested

    @tool
    def work(number):
        return number

    def in_pool(number):
        work(number)
        return os.getpid()

    def main():
        context = multiprocessing.get_context(sys.argv[1])
        if sys.argv[2] == "configured":
            work("parent")
        process = context.Process(target=work, args=("process",))
        process.start()
        process.join()
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            assert os.getpid() not in set(pool.map(in_pool, range(4)))
        if sys.argv[3] == "fork":
            child = os.fork()
            if child == 0:
                work("forked")
                ams_sdk.shutdown()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0

    if __name__ == "__main__":
        main()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("parent", ["configured", "unconfigured"])
def test_the_children_of_multiprocessing_send_their_spans(sink, tmp_path, method, parent):
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(PROGRAM), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"}
    done = subprocess.run(
        [sys.executable, script, method, parent, "fork" if method == "fork" else "no"],
        env=kept | {"AMS_ENDPOINT": sink.url, "AMS_API_KEY": "the-key"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    arguments = sorted(
        one.value.string_value
        for span in sink.spans
        for one in span.attributes
        if one.key == "gen_ai.tool.call.arguments"
    )
    expected = ['{"number":"process"}', *(f'{{"number":{number}}}' for number in range(4))]
    expected += ['{"number":"parent"}'] * (parent == "configured") + ['{"number":"forked"}'] * (method == "fork")
    assert arguments == sorted(expected)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(sink):
    ports = []
    sink.answers = [lambda handler: (ports.append(handler.client_address[1]), answer(handler))]
    with ams_sdk.Client(endpoint=sink.url, api_key="the-key") as client:
        register(client)
        child = fork(lambda: register(client))
        register(client)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(ports) == 3
    assert len(set(ports)) == 2


def fork(work):
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    return child


def register(client):
    assert client.agents.register(wire.AgentRegistration(name="walker", version="0")).name == "walker"


def answer(handler):
    status, headers, content = REGISTERED
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def test_calls_that_come_while_the_first_one_configures_are_traced(sink, monkeypatch):
    sink.answers = [REGISTERED, 200]
    monkeypatch.setenv("AMS_ENDPOINT", sink.url)
    monkeypatch.setenv("AMS_API_KEY", "the-key")
    monkeypatch.delenv("PYTEST_VERSION")
    runtime.reset()
    together = threading.Barrier(8)

    @tool
    def step(number):
        return number

    @agent(tools=[])
    def run(number):
        return step(number)

    def first_call(number):
        together.wait()
        run(number)

    threads = [threading.Thread(target=first_call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ams_sdk.shutdown()
    del sink.requests[0]
    runs = {span.span_id for span in sink.spans if span.name == "invoke_agent run"}
    steps = [span for span in sink.spans if span.name == "execute_tool step"]
    assert len(runs) == len(steps) == 8
    assert {span.parent_span_id for span in steps} == runs
