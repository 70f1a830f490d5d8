"""Row 14: what is started in a call is below its span, wherever it runs."""

from __future__ import annotations

import asyncio
import functools
import re
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.rows.check import check
from tests.rows.programs import run
from tests.rows.seen import below, only, read


def _threads(subject):  # noqa: C901 -- ten ways, a few lines each
    @subject.tool
    def stork(what=1):
        return what

    @subject.tool
    async def astork(what=1):
        await asyncio.sleep(0)
        return what

    def thread():
        worker = threading.Thread(target=stork)
        worker.start()
        worker.join()

    def thread_subclass():
        class Worker(threading.Thread):
            def run(self):
                stork()

        worker = Worker()
        worker.start()
        worker.join()

    def submit():
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(stork).result() == 1

    def pool_map():
        with ThreadPoolExecutor(1) as pool:
            assert list(pool.map(stork, [1])) == [1]

    async def create_task():
        await asyncio.create_task(astork())

    async def gather():
        await asyncio.gather(astork())

    async def task_group():
        async with asyncio.TaskGroup() as group:
            group.create_task(astork())

    async def to_thread():
        await asyncio.to_thread(stork)

    async def executor():
        await asyncio.get_running_loop().run_in_executor(None, stork)

    async def wait_for():
        await asyncio.wait_for(astork(), 5)

    return locals()


def _below(subject, *, way):
    start = _threads(subject)[way]

    @subject.agent
    def heron():
        start()

    @subject.agent
    async def aheron():
        await start()

    if asyncio.iscoroutinefunction(start):
        asyncio.run(aheron())
    else:
        heron()
    if subject.records:
        spans = subject.spans()
        child, parent = only(spans, "stork"), only(spans, "heron")
        assert child.trace_id == parent.trace_id, "it is in a trace of its own"
        assert below(child, parent), "its parent is another span"


for _way, _what in {
    "thread": "`threading.Thread`",
    "thread_subclass": "a subclass of `threading.Thread` with a `run` of its own",
    "submit": "`ThreadPoolExecutor.submit`",
    "pool_map": "`ThreadPoolExecutor.map`",
    "create_task": "`asyncio.create_task`",
    "gather": "`asyncio.gather`",
    "task_group": "`asyncio.TaskGroup`",
    "to_thread": "`asyncio.to_thread`",
    "executor": "`loop.run_in_executor`",
    "wait_for": "`asyncio.wait_for`",
}.items():
    check(row=14, says=_what)(functools.partial(_below, way=_way))


@check(row=14, says="a pool that lives on: work from two calls is below the call that each came from", sees=True)
def pool_that_lives_on(subject):
    @subject.tool
    def stork(what):
        return what

    with ThreadPoolExecutor(1) as pool:

        @subject.agent(name="heronone")
        def first():
            assert pool.submit(stork, "a").result() == "a"

        @subject.agent(name="herontwo")
        def second():
            assert pool.submit(stork, "b").result() == "b"

        first()
        second()
        assert pool.submit(stork, "c").result() == "c"
    spans = subject.spans()
    ids = [only(spans, name).span_id for name in ("heronone", "herontwo")]
    assert [one.parent_id for one in spans if "stork" in one.name] == [*ids, None]


_PROCESSES = """
    import concurrent.futures, multiprocessing

    @tool
    def stork(what):
        return os.getpid()

    def work(what):
        return stork(what)

    @agent
    def heron(way, method):
        context = multiprocessing.get_context(method)
        if way == "process":
            process = context.Process(target=work, args=(1,))
            process.start()
            process.join(30)
            assert process.exitcode == 0, process.exitcode
        elif way == "executor":
            with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
                assert pool.submit(work, 1).result(30) != os.getpid()
        else:
            with context.Pool(1) as pool:
                assert pool.map(work, [1]) != [os.getpid()]
                pool.close()
                pool.join()

    if __name__ == "__main__":
        heron({way!r}, {method!r})
        subject.close()
"""


def _processes(subject, *, way, method):
    ran = run(subject, _PROCESSES.format(way=way, method=method))
    assert ran.code == 0, ran.reason
    if subject.records:
        spans = read(subject.setup.file)
        child, parents = only(spans, "stork"), [one for one in spans if "heron" in one.name]
        # That a child sends the parent's span too is another matter, of row 15.
        assert any(child.process != one.process for one in parents)
        assert any(below(child, one) for one in parents), "its parent is not the span of the call that started it"


for _way, _what in {
    "process": "`multiprocessing.Process`",
    "executor": "`ProcessPoolExecutor`",
    "pool": "`multiprocessing.Pool`",
}.items():
    for _method in ("fork", "spawn"):
        check(row=14, says=f"{_what}, with {_method}", alone=True, slow=_method == "spawn")(
            functools.partial(_processes, way=_way, method=_method)
        )


@check(row=14, says="HTTP out: the headers of a request carry the current span (W3C `traceparent`)", sees=True)
def http_out(subject):
    headers = {}

    @subject.agent
    def heron():
        subject.inject(headers)

    heron()
    assert "traceparent" in headers, f"there is no traceparent, but {sorted(headers)}"
    span = only(subject.spans(), "heron")
    found = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", headers["traceparent"])
    assert found is not None, headers["traceparent"]
    assert found.groups()[:2] == (span.trace_id, span.span_id)
    assert int(found[3], 16) & 1, "it says that the span is not sampled"


@check(row=14, says="HTTP in: what serves a request is below the span in its headers (W3C `traceparent`)", sees=True)
def http_in(subject):
    trace_id, span_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

    @subject.agent
    def heron():
        return 1

    with subject.extract({"traceparent": f"00-{trace_id}-{span_id}-01"}):
        heron()
    span = only(subject.spans(), "heron")
    assert (span.trace_id, span.parent_id) == (trace_id, span_id)
