import threading
from types import SimpleNamespace

import pytest

from ams_sdk._decorators import runtime


def current():
    """What a decorated call does."""
    return runtime.state.runtime if runtime.state.decided else runtime.ask()


@pytest.fixture
def starter(monkeypatch):
    """Replaces who is asked; counts how often."""
    asked = SimpleNamespace(times=0, answer=None, work=lambda: None)

    def start():
        asked.times += 1
        asked.work()
        return asked.answer

    monkeypatch.setattr(runtime.state, "starter", start)
    runtime.reset()
    return asked


def test_the_question_is_asked_once(starter):
    starter.answer = object()
    assert [current() for _ in range(3)] == [starter.answer] * 3
    assert starter.times == 1


def test_no_is_an_answer_too(starter):
    assert [current() for _ in range(3)] == [None] * 3
    assert starter.times == 1


def test_a_decision_by_hand_wins_until_it_is_forgotten(starter):
    starter.answer, by_hand = object(), object()
    runtime.set_current(by_hand)
    assert current() is by_hand
    runtime.reset()
    assert current() is starter.answer


def test_a_starter_that_calls_a_decorated_function_gets_a_plain_call(starter):
    seen = []
    starter.work = lambda: seen.append(current())
    starter.answer = object()
    assert current() is starter.answer
    assert (seen, starter.times) == ([None], 1)


def test_a_starter_that_fails_is_held_back_and_not_asked_again(starter, held_back):
    starter.work = lambda: 1 / 0
    assert [current() for _ in range(2)] == [None, None]
    assert starter.times == 1
    assert [place for place, _ in held_back] == ["configuring from the environment"]
    held_back.clear()


def test_a_starter_that_is_too_close_to_the_limit_of_recursion_is_asked_again(starter, held_back):
    def deep():
        return deep()

    starter.work = deep
    assert current() is None
    assert not held_back
    starter.work, starter.answer = (lambda: None), object()
    assert current() is starter.answer


def test_an_interrupted_starter_is_asked_again(starter):
    def interrupt():
        raise KeyboardInterrupt

    starter.work = interrupt
    with pytest.raises(KeyboardInterrupt):
        current()
    starter.work, starter.answer = lambda: None, object()
    assert current() is starter.answer


def test_other_threads_wait_for_the_answer(starter):
    entered, release, seen = threading.Event(), threading.Event(), []
    starter.answer = object()

    def work():
        entered.set()
        release.wait(30)

    starter.work = work
    first = threading.Thread(target=lambda: seen.append(current()))
    first.start()
    assert entered.wait(10)
    others = [threading.Thread(target=lambda: seen.append(current())) for _ in range(4)]
    for thread in others:
        thread.start()
    release.set()
    for thread in (first, *others):
        thread.join()
    assert seen == [starter.answer] * 5
    assert starter.times == 1


def test_without_anybody_to_ask_calls_are_plain(monkeypatch):
    monkeypatch.setattr(runtime.state, "starter", None)
    runtime.reset()
    assert current() is None
