"""Small programs, each in a process of its own that sets the SDK up as any program would."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.rows.subject import Setup, Subject

__all__ = ["NEXT", "Ran", "run", "scratch"]

ROOT = Path(__file__).parents[2]
HEAD = """\
import asyncio, os, signal, sys, threading, time
from tests.rows.subject import from_environment

subject = from_environment()
agent, tool = subject.agent, subject.tool
"""
NEXT = """
    @tool
    def stork(what):
        return what

    stork("next")
    time.sleep(3)
    subject.close()
"""
"""The next process of a program: it does little, and stays some seconds in which what was left behind can be sent."""
# What the programs must not share with whoever runs the checks. Coverage has a handler of its own for SIGTERM.
_LEFT_OUT = ("AMS_", "COVERAGE_", "LANGCHAIN_", "LANGFUSE_", "LANGSMITH_", "LOGFIRE_", "OTEL_", "PYTEST_", "ROWS_")


@dataclass(frozen=True)
class Ran:
    """A program that has ended.

    Attributes:
        code: its exit code.
        out: what it wrote to standard output.
        err: what it wrote to standard error.
        ending: the seconds between the line "done" and its end.
    """

    code: int
    out: str
    err: str
    ending: float

    @property
    def reason(self) -> str:
        """Why it has failed, as its last line says."""
        return (self.err.strip().splitlines() or [f"it ends with {self.code}"])[-1][:200]


def scratch(subject: Subject, name: str) -> Path:
    """A folder of the check's own."""
    folder = subject.setup.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(  # noqa: PLR0913 -- what a program is made of
    subject: Subject,
    body: str,
    *,
    configured: bool = True,
    backend: str | None = None,
    file: bool = True,
    state: str | None = None,
    patience: float = 60.0,
) -> Ran:
    """Run a program and wait for its end.

    Args:
        subject: the SDK that it has under ``subject``, with its decorators as ``agent`` and ``tool``.
        body: the rest of it. What it does from the line "done" on is its end.
        configured: whether the SDK is configured before.
        backend: where its spans are sent to.
        file: whether they are kept in the file of the subject.
        state: the state of the SDK, that of the subject if None is given.
        patience: the seconds that its end may take.
    """
    setup = replace(
        subject.setup, backend=backend, file=subject.setup.file if file else None, state=state or subject.setup.state
    )
    script = scratch(subject, "programs") / "program.py"
    script.write_text(HEAD + ("subject.configure()\n" if configured else "") + textwrap.dedent(body))
    process = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=ROOT,
        env=environ(subject, setup),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, done = "", time.monotonic()
        for line in process.stdout:
            out += line
            if line == "done\n":
                done = time.monotonic()
                process.wait(patience)
                break
        ended = time.monotonic()
        rest, err = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the program has not ended within {patience:.0f} s") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    return Ran(process.returncode, out + rest, err, ended - done)


def environ(subject: Subject, setup: Setup) -> dict[str, str]:
    """The environment of a program."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_LEFT_OUT)}
    path = os.pathsep.join(filter(None, (str(ROOT), kept.get("PYTHONPATH"))))
    state = str(setup.folder / "state")
    return kept | setup.environ(subject.name) | {"PYTHONPATH": path, "AMS_STATE_DIR": state}
