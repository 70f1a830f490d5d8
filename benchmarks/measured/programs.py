"""The programs of ``traced``, run for one side each, in a process with a clean environment."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from measured.sides import NotMeasuredError, NotOfferedError

if TYPE_CHECKING:
    from collections.abc import Generator

    from measured.sides import Side

MOST_SECONDS: Final = 90
"""A program that takes longer is killed."""
_PROGRAMS: Final = Path(__file__).parents[1] / "traced"
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR")
"""Of the environment; nothing that configures a side passes."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that ended by itself.

    Attributes:
        said: what it printed.
        started: when it was started, by ``time.monotonic``.
        ended: when it had ended.
    """

    said: str
    started: float
    ended: float


@contextmanager
def empty_folder() -> Generator[Path]:
    """A folder for what one program, or several after each other, keep on disk."""
    with tempfile.TemporaryDirectory(prefix="ams-benchmark-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def started(
    side: Side, program: str, *arguments: str, folder: Path, **environ: str
) -> Generator[subprocess.Popen[str]]:
    """Start a program; at the end of the ``with`` it is killed if it still runs.

    Args:
        side: whose interpreter.
        program: the file.
        arguments: of the program.
        folder: its home and its working folder, with the folders for state and spool in it.
        environ: more variables.
    """
    clean = {name: os.environ[name] for name in _KEPT if name in os.environ}
    clean |= {"HOME": str(folder), "AMS_STATE_DIR": str(folder / "state"), "AMS_SPOOL_DIR": str(folder / "spool")}
    with (
        (folder / "stderr").open("w") as errors,
        subprocess.Popen(  # noqa: S603 -- this project's programs
            [side.python, str(_PROGRAMS / program), *arguments],
            env=clean | environ,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C reaches this process only, which then ends the program
        ) as process,
    ):
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            if process.stdin is not None:
                with suppress(BrokenPipeError):  # what was not read any more
                    process.stdin.close()


def failure(side: Side, process: subprocess.Popen[str], folder: Path) -> NotMeasuredError:
    """The error for a program that did not end well."""
    lines = (folder / "stderr").read_text().strip().splitlines() or ["it said nothing"]
    arguments = " ".join(map(str, cast("list[str]", process.args)[2:]))
    return NotMeasuredError(f"{side.name}: {arguments}: exit code {process.returncode}: {lines[-1]}")


def run_to_end(side: Side, program: str, *arguments: str, folder: Path, **environ: str) -> Ended:
    """Start a program and wait for its end.

    Raises:
        NotMeasuredError: it failed, or was killed because it took too long.
    """
    began = time.monotonic()
    with started(side, program, *arguments, folder=folder, **environ) as process:
        try:
            said, _ = process.communicate(timeout=MOST_SECONDS)
        except subprocess.TimeoutExpired:
            what = f"{side.name}: {program} {' '.join(arguments)}"
            raise NotMeasuredError(f"{what}: killed after {MOST_SECONDS} s") from None
        ended = time.monotonic()
    if process.returncode:
        raise failure(side, process, folder)
    return Ended(said, began, ended)


def many_calls(side: Side, case: str, url: str, how: str = "on", **environ: str) -> dict[str, float]:
    """Run one case of ``many_calls.py``; answer with what it found.

    Raises:
        NotMeasuredError: it failed or took too long.
        NotOfferedError: the side has nothing of that kind.
    """
    with empty_folder() as folder:
        ended = run_to_end(side, "many_calls.py", side.module, case, url, how, folder=folder, **environ)
    found = json.loads(ended.said)
    if "not offered" in found:
        raise NotOfferedError(f"{side.name} has no such mode: {found['not offered']}")
    return cast("dict[str, float]", found)
