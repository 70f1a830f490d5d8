"""Processes, forked and spawned, and their pools: their spans arrive, below the run that started them."""

import textwrap

import pytest
from tests.sdk.programs import Program

PROGRAM = """
    import concurrent.futures, multiprocessing, os, sys
    import ams_sdk
    from ams_sdk import agent, current_run, tool

    METHOD = os.environ["METHOD"]

    @tool
    def look(where="a"):
        return current_run().id, os.getpid()

    class Process(multiprocessing.get_context(METHOD).Process):
        def __init__(self, queue):
            super().__init__()
            self.queue = queue

        def run(self):
            self.queue.put(look())

    def report(queue):
        queue.put(look())

    def in_a_process():
        context = multiprocessing.get_context(METHOD)
        queue = context.SimpleQueue()
        process = context.Process(target=report, args=(queue,))
        process.start()
        seen = queue.get()
        process.join()
        return [seen]

    def in_a_process_of_ones_own():
        queue = multiprocessing.get_context(METHOD).SimpleQueue()
        process = Process(queue)
        process.start()
        assert "run" not in vars(process)
        seen = queue.get()
        process.join()
        return [seen]

    def in_an_executor():
        context = multiprocessing.get_context(METHOD)
        with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
            return [pool.submit(look).result(), *pool.map(look, "bc")]

    def in_a_pool():
        with multiprocessing.get_context(METHOD).Pool(1) as pool:
            seen = [pool.apply(look), *pool.map(look, "b"), *pool.imap(look, "c")]
            pool.close()
            pool.join()
            return seen

    @agent
    def walker(way):
        return current_run().id, globals()[way]()

    def main(way):
        here, seen = walker(way)
        assert {run for run, _ in seen} == {here}, (here, seen)
        assert os.getpid() not in {process for _, process in seen}
        assert {run for run, _ in globals()[way]()} == {""}

    ams_sdk.configure()
    if __name__ == "__main__":
        main(sys.argv[1])
        assert ams_sdk.flush()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("way", ["in_a_process", "in_a_process_of_ones_own", "in_an_executor", "in_a_pool"])
def test_a_call_in_another_process_is_in_the_run(sink, tmp_path, method, way):
    script = tmp_path / "walker.py"
    script.write_text(textwrap.dedent(PROGRAM))
    # Some fork with threads running, which newer Pythons warn of.
    options = ("-W", "ignore::DeprecationWarning", str(script), way)
    program = Program("", sink.url, tmp_path, *options, head="", METHOD=method)
    program.end()
    with sink.arrived:
        assert sink.arrived.wait_for(lambda: len(calls_of(sink)) >= expected_of(way), 20), calls_of(sink)
    (run,) = [span for span in sink.spans if span.name == "invoke_agent walker"]
    below = [call for call in calls_of(sink) if call.parent_span_id]
    assert {call.parent_span_id for call in below} == {run.span_id}
    assert {call.trace_id for call in below} == {run.trace_id}
    assert len(below) * 2 == len(calls_of(sink))


def calls_of(sink):
    return [span for span in sink.spans if span.name == "execute_tool look"]


def expected_of(way):
    return {"in_a_process": 2, "in_a_process_of_ones_own": 2}.get(way, 6)
