"""The example's tests, as its user would write them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import httpx
import pytest

from ams_sdk.testing import error, text, tool_call, tool_calls, tool_step

_FILE = Path(__file__).parents[2] / "examples" / "researcher.py"
_spec = importlib.util.spec_from_file_location("researcher", _FILE)
example = importlib.util.module_from_spec(_spec)
sys.modules["researcher"] = example
_spec.loader.exec_module(example)
researcher = example.researcher


def test_it_searches_before_it_answers(ams, ams_trace, ams_llm):
    ams_llm.script(tool_call("search", query="otters"), text("Otters hold hands."))
    assert researcher("Why do otters float?") == "Otters hold hands."
    run = ams_trace.agent("researcher")
    run.assert_called("search", query="otters", times=1)
    run.assert_within(tokens=500, model_calls=2)
    run.assert_succeeded()
    ams.assert_registered("researcher", version="1.2.0", tools=["search"])


def test_what_it_found_goes_back_to_the_model(ams_llm):
    ams_llm.script(tool_call("search", query="ducks"), text("With one eye open."))
    researcher("How do ducks sleep?")
    (result,) = ams_llm.calls[1].tool_results
    assert "one eye open" in result.text


def test_several_calls_in_one_turn_run_in_their_order(ams_trace, ams_llm):
    ams_llm.script(
        tool_calls(tool_call("search", query="otters"), tool_call("search", query="ducks")), text("Both do.")
    )
    researcher("Do they sleep?")
    run = ams_trace.agent("researcher")
    run.assert_trajectory([tool_step("search", query="otters"), tool_step("search", query="ducks")])
    ams_trace.assert_connected()
    ams_trace.assert_invariants()


def test_it_gives_up_on_a_model_that_never_answers(ams_trace, ams_llm):
    ams_llm.script(*[tool_call("search", query="otters")] * example.MOST_STEPS)
    with pytest.raises(example.TooManyStepsError):
        researcher("Why?")
    ams_trace.agent("researcher").assert_failed(example.TooManyStepsError, match="within 8 steps")


def test_a_model_that_refuses_is_its_callers_to_handle(ams_trace, ams_llm):
    ams_llm.script(error(429, "slow down", retry_after=7))
    with pytest.raises(httpx.HTTPStatusError, match="429"):
        researcher("Why?")
    ams_trace.agent("researcher").assert_failed(httpx.HTTPStatusError)


def test_its_trace(ams_trace, ams_llm):
    ams_llm.script(tool_call("search", query="otters"), text("Otters hold hands."))
    researcher("Why do otters float?")
    ams_trace.assert_tree("""
        invoke_agent researcher
          chat gpt-5-mini
          execute_tool search
          chat gpt-5-mini
    """)
    ams_trace.assert_no_leak("fake-llm")
