"""A million spans through the whole way out, in a process whose memory is looked at."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read where Linux tells it"),
]

PROGRAM = """
    import ctypes, gc, os, sys
    import ams_sdk
    from ams_sdk import tool

    @tool
    def look(where, depth):
        return where

    def resident():
        # What was freed still belongs to the process, up to 30 MB of it, now more and now less.
        gc.collect()
        getattr(ctypes.CDLL(None), "malloc_trim", int)(0)
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def calls(times):
        for number in range(times):
            look("around", number)
        assert ams_sdk.flush(60)

    ams_sdk.configure()
    calls(100_000)
    before, blocks = resident(), sys.getallocatedblocks()
    for _ in range(9):
        calls(100_000)
    after, blocks_after = resident(), sys.getallocatedblocks()
    stats = ams_sdk.stats()
    assert stats.dropped == stats.swallowed == {}, stats
    print(stats.exported["platform"], after - before, blocks_after - blocks)
"""


def test_memory_is_flat_over_a_million_spans(sink, tmp_path):
    def take_and_forget(handler):
        handler.server.requests.clear()
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    sink.answers = [take_and_forget]
    kept = {name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        env=kept | {"AMS_ENDPOINT": sink.url, "AMS_API_KEY": "the-key", "AMS_SPOOL_DIR": str(tmp_path / "spool")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    exported, added, objects = map(int, done.stdout.split())
    assert exported == 1_000_000
    assert objects < 100  # one for each request would be three times as many
    assert added < 16 * 2**20  # 18 bytes a span, for what is no object of Python's
    assert list((tmp_path / "spool").rglob("*.batch")) == []
