"""The backend that every side sends to: a process that counts spans, and can be down, hang or fail."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_PROGRAM: Final = Path(__file__).parents[1] / "traced" / "span_sink.py"
_END_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a backend was sent: spans that differ, spans that it had already, requests, and how many were compressed."""

    spans: int
    duplicates: int
    requests: int
    compressed: int


class Sink:
    """A running backend."""

    def __init__(self, commands: IO[str], answers: IO[str]) -> None:
        self._commands = commands
        self._answers = answers
        self.url = f"http://127.0.0.1:{int(answers.readline())}"

    def become(self, mode: str) -> None:
        """Answer in another way from now on: ``take``, ``fail`` (503), ``hang`` or ``refuse``."""
        self._ask(mode)

    def count(self) -> Arrived:
        """What arrived since it last forgot."""
        return Arrived(**self._ask("count"))

    def forget(self) -> None:
        """Count from nothing again."""
        self._ask("forget")

    def _ask(self, command: str) -> dict[str, int]:
        print(command, file=self._commands, flush=True)
        answer: dict[str, int] = json.loads(self._answers.readline())
        return answer


@contextmanager
def running_sink() -> Generator[Sink]:
    """A backend that takes spans, on a free port, until the end of the ``with``."""
    with subprocess.Popen(  # noqa: S603 -- this project's program
        [sys.executable, str(_PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C reaches this process only
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise TypeError(process.args)
        try:
            sink = Sink(process.stdin, process.stdout)
            sink.become("take")
            yield sink
        finally:
            process.stdin.close()  # its input ends, and so does it
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
