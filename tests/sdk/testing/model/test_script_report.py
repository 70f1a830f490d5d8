"""What ``verify()`` says, word for word; ``AMS_REWRITE_GOLDEN=1`` writes the files again, for reading them."""

import os
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk.testing._model import FakeLLM, ScriptMismatchError, error, stream, text, thinking, tool_call
from ams_sdk.testing._model.script_report import problem_of

GOLDEN = Path(__file__).with_name("golden")
UPDATES = os.environ.get("AMS_REWRITE_GOLDEN") == "1"  # read before the tests' environment is emptied
KEY = "sk-proj-" + "a1B2" * 8


def told_by(llm):
    with pytest.raises(ScriptMismatchError) as caught:
        llm.verify()
    return str(caught.value)


def agent_that_stops():
    llm = FakeLLM(tool_call("search", query="otters"), text("Otters hold hands."), text("Anything else?"))
    llm.complete("Why do otters float?", tools=["search"])
    return llm


def nobody_asks():
    return FakeLLM("hello")


def beyond():
    llm = FakeLLM("hello")
    llm.complete("Hi")
    with pytest.raises(ScriptMismatchError, match="no step is left in the script for call 2"):
        llm.complete(f"And with my key {KEY}?")
    return llm


def not_offered():
    llm = FakeLLM(tool_call("serach", query="otters", key=KEY), "unused")
    with pytest.raises(ScriptMismatchError, match="Is it 'search'"):
        llm.complete("Find otters", tools=["search", "fetch"])
    return llm


def routes():
    llm = FakeLLM()
    llm.when(tool="search").then([thinking("Hm."), "first"], error(429, retry_after=1))
    llm.when("planner", model="gpt").then(stream(["a", "b"], delay=0.1, cut=True))
    llm.when(lambda request: request.stream)
    llm.complete("Search!", tools=["search"])
    with pytest.raises(ScriptMismatchError, match="no route takes call 2"):
        llm.complete("Nobody's")
    return llm


def refused():
    llm = FakeLLM()
    with httpx.Client(transport=llm.transport, base_url="http://model/v1") as client:
        client.headers["authorization"] = f"Bearer {KEY}"
        client.post("chat/completions", json={"model": "gpt", "messages": [{"role": "tool", "tool_call_id": "c7"}]})
        client.post("moderations", json={"input": "words"})
    return llm


def function_raises():
    def answer(request):
        raise LookupError(f"nothing for {request.last_text}")

    llm = FakeLLM.from_function(answer)
    with pytest.raises(ScriptMismatchError, match="raised LookupError: nothing for it") as caught:
        llm.complete("it")
    assert isinstance(caught.value.__cause__, LookupError)
    return llm


def long_script():
    llm = FakeLLM(*[f"step {number} " + "word " * 40 for number in range(200)], strict=True)
    for number in range(150):
        llm.complete(f"question {number} " + "word " * 40)
    return llm


CASES = [agent_that_stops, nobody_asks, beyond, not_offered, routes, refused, function_raises, long_script]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_text_is_the_golden_one(case):
    said = told_by(case()) + "\n"
    golden = GOLDEN / f"{case.__name__}.txt"
    if UPDATES:
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")
    assert KEY[8:] not in said
    assert len(said.splitlines()) <= 60
    assert max(map(len, said.splitlines())) <= 120


@given(
    st.lists(st.text(max_size=300), max_size=120),
    st.integers(min_value=0, max_value=90),
    st.lists(st.lists(st.text(max_size=9), max_size=3), max_size=50),
    st.integers(min_value=0, max_value=40),
)
def test_no_text_is_longer_than_a_screen(steps, calls, routes, refusals):
    llm = FakeLLM(*map(text, steps))
    for number, more in enumerate(routes):
        llm.when(f"route {number}").then(*map(text, more))
    for number in range(calls):
        if number < len(steps):
            llm.complete(f"question {number}")
        else:
            with pytest.raises(ScriptMismatchError):
                llm.complete(f"question {number}")
    for number in range(refusals):
        llm._script.refuse(f"GET /{number}", "a reason " * number)
    said = problem_of(llm._script)
    if said is not None:
        assert len(said.split("\n")) <= 60
        assert all(len(line) <= 120 and line == line.rstrip() for line in said.splitlines())
        assert ("not used" in said) == (len(steps) > calls or any(routes))


def test_what_fits_is_no_error():
    llm = FakeLLM("a", "b")
    llm.complete("1")
    llm.complete("2")
    llm.verify()
    FakeLLM().verify()


def test_without_strictness_what_a_provider_refuses_is_no_error():
    llm = FakeLLM(strict=False)
    with httpx.Client(transport=llm.transport, base_url="http://model/v1") as client:
        assert client.post("moderations").status_code == 404
    llm.verify()


def test_without_strictness_steps_may_be_left_over_as_stubs_may():
    with FakeLLM("a", "b", strict=False) as llm:
        llm.when("ducks").then("c")
        llm.complete("1")
    llm.script("d")
    llm.verify()
    for question in ("2", "3"):
        llm.complete(question)
    with pytest.raises(ScriptMismatchError):
        llm.complete("4")
    with pytest.raises(ScriptMismatchError, match="had no step"):
        llm.verify()
