import gc
import itertools
import time
import weakref
from types import SimpleNamespace

import pytest

from ams_sdk import _registry, agent
from ams_sdk._decorators import definition_of
from ams_sdk._registry import Registrar


@agent(version="1.2.0")
async def researcher(question):
    return question


class Platform:
    """Stands for the client; what it answers is scripted."""

    def __init__(self, *answers):
        self.answers = itertools.cycle(answers)
        self.agents = self
        self.registrations = []

    def register(self, said):
        self.registrations.append(said.name)
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(id=answer)


def test_the_first_run_registers_in_the_background_and_later_runs_know_the_id():
    jobs, platform, definition = [], Platform("id-1"), definition_of(researcher)
    registrar = Registrar(lambda: platform, jobs.append)
    assert [registrar.agent_started(definition) for _ in range(3)] == [None] * 3
    assert platform.registrations == []
    (job,) = jobs
    job()
    assert registrar.agent_started(definition) == "id-1"
    assert registrar.registered() == {"researcher": "id-1"}
    assert platform.registrations == ["researcher"]


def test_a_failed_registration_is_tried_again_after_a_pause(monkeypatch):
    jobs, platform, definition = [], Platform(RuntimeError("down"), "id-1"), definition_of(researcher)
    registrar = Registrar(lambda: platform, jobs.append)
    registrar.agent_started(definition)
    with pytest.raises(RuntimeError):
        jobs.pop()()
    registrar.agent_started(definition)
    assert jobs == []
    later = time.monotonic() + 31
    monkeypatch.setattr(_registry.time, "monotonic", lambda: later)
    registrar.agent_started(definition)
    jobs.pop()()
    assert registrar.agent_started(definition) == "id-1"


def test_an_agent_that_is_defined_at_each_call_is_registered_once_and_not_kept():
    jobs, platform, kept = [], Platform("id-1"), []
    registrar = Registrar(lambda: platform, jobs.append)

    def request(body):
        @agent(tools=[])
        def local():
            return body

        kept.append(weakref.ref(definition_of(local)))
        return registrar.agent_started(definition_of(local))

    assert request(object()) is None
    jobs.pop()()
    assert [request(object()) for _ in range(20)] == ["id-1"] * 20
    assert (platform.registrations, jobs) == (["local"], [])
    gc.collect()
    assert [reference() for reference in kept] == [None] * 21


def test_what_was_asked_before_a_fork_is_asked_again_after_it():
    jobs, definition = [], definition_of(researcher)
    registrar = Registrar(lambda: Platform("id-1"), jobs.append)
    registrar.agent_started(definition)
    registrar.after_fork()
    registrar.agent_started(definition)
    assert len(jobs) == 2
