"""What is started inside of a run goes on in it, wherever it runs; row 14 of what a decorator leaves untouched."""

import asyncio
import concurrent.futures
import multiprocessing.pool
import threading

import pytest
from opentelemetry import context as otel_context

import ams_sdk
from ams_sdk import _handover, agent, current_run, tool


@tool
def look(where=""):
    return current_run().id


class Walker(threading.Thread):
    """A thread whose class has a ``run`` of its own."""

    def run(self):
        self.seen = look()


def in_a_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(look()))
    thread.start()
    thread.join()
    assert "run" not in vars(thread)
    return found[0]


def in_a_thread_of_ones_own():
    thread = Walker()
    thread.start()
    thread.join()
    return thread.seen


def in_a_timer():
    found = []
    timer = threading.Timer(0, lambda: found.append(look()))
    timer.start()
    timer.join()
    return found[0]


def in_a_pool():
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return pool.submit(look).result()


def in_a_mapped_pool():
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return next(pool.map(look, ["a"]))


def in_an_old_pool():
    with multiprocessing.pool.ThreadPool(1) as pool:
        return pool.apply_async(func=look).get()


def in_an_old_mapped_pool():
    with multiprocessing.pool.ThreadPool(1) as pool:
        results = [pool.map(look, "a"), list(pool.imap(look, "a")), list(pool.imap_unordered(func=look, iterable="a"))]
        results.append(pool.starmap(look, [("a",)]))
        (result,) = {one[0] for one in results}
        return result


def in_a_task():
    async def main():
        return await asyncio.create_task(asyncio.to_thread(look))

    return asyncio.run(main())


def in_an_executor():
    async def main():
        return await asyncio.get_running_loop().run_in_executor(None, look)

    return asyncio.run(main())


WAYS = [
    *(in_a_thread, in_a_thread_of_ones_own, in_a_timer, in_a_pool, in_a_mapped_pool, in_an_old_pool),
    *(in_an_old_mapped_pool, in_a_task, in_an_executor),
]


@pytest.mark.parametrize("way", WAYS)
def test_a_call_elsewhere_is_in_the_run(recorder, way):
    @agent
    def walker():
        return current_run().id, way()

    here, there = walker()
    assert here == there
    run = recorder.one("invoke_agent walker")
    calls = [span for span in recorder.spans if span.name == "execute_tool look"]
    assert calls
    assert {call.parent.span_id for call in calls} == {run.context.span_id}


@pytest.mark.parametrize("way", WAYS)
def test_outside_of_a_run_there_is_none_elsewhere(recorder, way):
    assert not way()


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_replaced_while_the_sdk_is_not_configured(way):
    for owner, name in (
        (threading.Thread, "start"),
        (concurrent.futures.ThreadPoolExecutor, "submit"),
        (concurrent.futures.ProcessPoolExecutor, "submit"),
        (multiprocessing.pool.Pool, "apply_async"),
        (multiprocessing.process.BaseProcess, "start"),
    ):
        assert vars(owner)[name].__name__ == name
        assert not hasattr(vars(owner)[name], "__wrapped__")
    assert not way()


def test_a_thread_of_a_pool_does_not_stay_in_the_run_that_needed_it_first(recorder):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:

        @agent
        def walker():
            return pool.submit(look).result()

        assert walker()
        assert pool.submit(look).result() == ""
        assert pool.submit(otel_context.get_current).result() == {}


def test_a_thread_that_cannot_start_is_as_it_was(recorder, monkeypatch):
    thread = threading.Thread(target=look)
    mine = thread.run
    thread.run = mine

    @agent
    def walker():
        with pytest.raises(RuntimeError, match="no threads left"):
            thread.start()

    def fail(*_, **__):
        raise RuntimeError("no threads left")

    # From Python 3.13 on it has the second name.
    monkeypatch.setattr(threading, "_start_new_thread", fail, raising=False)
    monkeypatch.setattr(threading, "_start_joinable_thread", fail, raising=False)
    walker()
    assert vars(thread)["run"] is mine


def test_what_others_have_put_over_ours_stays_and_ours_does_nothing(unconfigured_recorder):
    original = threading.Thread.start
    unconfigured_recorder.configure()
    ours = threading.Thread.start
    seen = []

    def theirs(thread):
        seen.append(thread)
        return ours(thread)

    threading.Thread.start = theirs
    try:
        ams_sdk.shutdown()
        assert threading.Thread.start is theirs
        with_context = otel_context.attach(otel_context.set_value("a", "b"))
        assert in_a_thread() == ""
        otel_context.detach(with_context)
        assert len(seen) == 1
    finally:
        threading.Thread.start = original


def test_installing_twice_replaces_once(recorder):
    before = threading.Thread.start
    _handover.install()
    assert threading.Thread.start is before
    ams_sdk.shutdown()
    assert threading.Thread.start is not before
