"""Programs that are traced, each in a process of its own, and what has arrived of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections import Counter

HEAD = """
    import os, signal, sys, threading, time
    import ams_sdk
    from ams_sdk import agent, tool

    @tool
    def look(where):
        return where

    ams_sdk.configure()
"""

KEPT = 0.2  # the flush interval
MARGIN = 1.0  # two busy cores


class Program:
    """A program in a process of its own."""

    def __init__(self, body, url, tmp_path, *options, head=HEAD, **environ) -> None:
        # Without coverage: it has a handler of its own for SIGTERM, and here it matters who has one.
        left_out = ("PYTEST_VERSION", "COVERAGE_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        kept |= {"AMS_ENDPOINT": url, "AMS_API_KEY": "the-key", "AMS_SPOOL_DIR": str(tmp_path / "spool")}
        kept |= {"AMS_EXIT_TIMEOUT": "30"}  # more than it needs, however busy the machine is
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", *options, "-c", textwrap.dedent(head) + textwrap.dedent(body)],
            env=kept | environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def said(self, line):
        assert self.process.stdout.readline() == f"{line}\n"

    def end(self, *, code=0, errors=""):
        out, err = self.process.communicate(timeout=60)
        assert (self.process.returncode, err) == (code, errors), (self.process.returncode, err)
        return out


def recorded(sink):
    """How often each argument of ``look`` has arrived."""
    return Counter(
        json.loads(one.value.string_value)["where"]
        for span in sink.spans
        for one in span.attributes
        if one.key == "gen_ai.tool.call.arguments"
    )


def deliver(sink, tmp_path, expected):
    """Start a process that does nothing itself, and wait until it has sent what was left behind."""
    sink.answers = [200]
    del sink.requests[:]
    successor = Program("print('up', flush=True); sys.stdin.read()", sink.url, tmp_path)
    successor.said("up")
    with sink.arrived:
        assert sink.arrived.wait_for(lambda: sum(recorded(sink).values()) >= expected, 20), recorded(sink)
    successor.end()
