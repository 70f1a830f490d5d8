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
    import os
    import ams_sdk
    from ams_sdk import tool

    @tool
    def look(where, depth):
        return where

    def resident():
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def calls(times):
        for number in range(times):
            look("around", number)
        assert ams_sdk.flush(60)

    ams_sdk.configure()
    calls(100_000)
    before = resident()
    for _ in range(9):
        calls(100_000)
    after = resident()
    stats = ams_sdk.stats()
    assert stats.dropped == stats.swallowed == {}, stats
    print(stats.exported["platform"], after - before)
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
    exported, added = map(int, done.stdout.split())
    assert exported == 1_000_000
    assert added < 16 * 2**20
    assert list((tmp_path / "spool").rglob("*.batch")) == []
