from __future__ import annotations

import os
import threading

import pytest
from opentelemetry import trace

from researcher import crowd, researcher, tracer

SETTINGS = {name for name in os.environ if name.startswith("AMS_")}
PROVIDER = trace.get_tracer_provider()
"""None, unless a plugin has set one."""
TREE = """
    invoke_agent researcher
      execute_tool search
        index
"""


@pytest.mark.parametrize("number", range(100))
def test_every_test_sees_its_own_spans_and_the_last_as_the_first(ams, ams_trace, number):
    assert researcher(f"otters {number}") == f"otters {number} float"
    ams_trace.assert_tree(TREE)
    ams_trace.agent("researcher").assert_called("search", query=f"otters {number}", times=1)
    ams_trace.assert_invariants()


def test_the_platform_has_the_agent(ams, ams_client):
    researcher("otters")
    ams.assert_registered("researcher", version="1.2.0", tools=["search"])
    assert [one.name for one in ams_client.agents.list().items] == ["researcher"]


def test_threads_belong_to_the_run(ams_trace):
    assert crowd(4) == 4
    ams_trace.agent("crowd").assert_called("search", times=4)
    ams_trace.assert_connected()


LEFT_OPEN = []


@pytest.mark.parametrize("number", range(5))
def test_what_ends_late_is_in_no_other_test(ams_trace, number):
    while LEFT_OPEN:
        LEFT_OPEN.pop().end()
    assert list(ams_trace.spans) == []
    LEFT_OPEN.append(tracer.start_span(f"late {number}"))


def test_a_thread_of_an_earlier_test(ams_trace):
    released = threading.Event()

    def work():
        released.wait(10)
        with tracer.start_as_current_span("late"):
            pass

    thread = threading.Thread(target=work)
    with tracer.start_as_current_span("early"):
        thread.start()
    LEFT_OPEN.append(Ending(released, thread))
    assert [span.name for span in ams_trace.spans] == ["early"]


class Ending:
    def __init__(self, released, thread):
        self.released, self.thread = released, thread

    def end(self):
        self.released.set()
        self.thread.join(10)


def test_nothing_global_is_left_behind():
    while LEFT_OPEN:
        LEFT_OPEN.pop().end()
    assert trace.get_tracer_provider() is PROVIDER
    assert {name for name in os.environ if name.startswith("AMS_")} == SETTINGS


def test_a_test_without_the_kit_is_not_traced():
    assert researcher("otters") == "otters float"
