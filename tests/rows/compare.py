"""`python -m tests.rows.compare`: every check on every SDK, and docs/conformance.json and .md made of what came out.

Needs the network once, to install the other SDKs; no check uses it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from tests.rows.check import ROWS, Check, all_checks
from tests.rows.conformance_page import page
from tests.rows.environments import about, python_of
from tests.rows.subject import NAMES

__all__ = ["main"]

ROOT = Path(__file__).parents[2]
_JSON = ROOT / "docs" / "conformance.json"
_PAGE = ROOT / "docs" / "conformance.md"
SECONDS = 150  # a check, at the most; each gives up by itself before
# What stands before a file's name, which differs from machine to machine.
_FOLDERS = re.compile(r"/[^\s:]*/(?=[^/\s:]+\.py)")
# Nothing of an SDK that tries to reach its vendor gets out of this machine: the proxy is a port that is closed.
_NOWHERE = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
_CLEAN = ("AMS_", "LANGCHAIN_", "LANGFUSE_", "LANGSMITH_", "LOGFIRE_", "OTEL_", "PYTEST_")


def outcome(python: str, subject: str, check: Check, kept_in: Path) -> dict[str, str]:
    """What came of one check, in a process of its own that cannot leave others behind."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_CLEAN)}
    local = {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
    with tempfile.TemporaryDirectory(prefix="rows-state-", ignore_cleanup_errors=True) as state:
        process = subprocess.Popen(
            [python, "-m", "tests.rows.run_check", subject, check.name],
            cwd=ROOT,
            env=kept | _NOWHERE | local | {"AMS_STATE_DIR": state, "ROWS_KEPT": str(kept_in)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            _end(process)
            return {"outcome": "failed", "why": f"has not ended within {SECONDS} s"}
        finally:
            _end(process)
    for line in out.splitlines():
        if line.startswith('{"subject"'):
            found = json.loads(line)
            return {"outcome": found["outcome"], "why": _FOLDERS.sub("", found["why"])}
    if process.returncode < 0:
        limit = process.returncode == -signal.SIGALRM
        why = "has not ended in time" if limit else f"the process died of {signal.Signals(-process.returncode).name}"
        return {"outcome": "failed", "why": why}
    return {"outcome": "not run", "why": (err.strip().splitlines() or ["it said nothing"])[-1][:200]}


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def compare(subjects: list[str], only: list[str], folder: Path, console: Console) -> dict[str, Any]:
    """Run the checks whose names or rows are in ``only``, or all; what came of each, by check and SDK."""
    chosen = [one for one in all_checks().values() if not only or {one.name, str(one.row)} & {*only}]
    found: dict[str, dict[str, dict[str, str]]] = {one.name: {} for one in chosen}
    said = {}
    with Progress(console=console) as progress:
        for subject in subjects:
            task = progress.add_task(subject, total=len(chosen))
            python = python_of(subject, folder)
            said[subject] = about(python, subject)
            _run(chosen, subject, python, found, lambda task=task: progress.advance(task))
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: one["versions"] for name, one in said.items()},
        "setups": {name: one["setup"] for name, one in said.items()},
        "rows": {str(number): text for number, text in ROWS.items()},
        "checks": {one.name: _entry(one, found[one.name]) for one in chosen},
    }


def _run(chosen, subject, python, found, advance) -> None:
    with tempfile.TemporaryDirectory(prefix="rows-kept-") as kept:
        folder = Path(kept)
        # What a type checker says of the file is kept for the other checks of it, so these are run one by one.
        together = [one for one in chosen if not one.timed and one.row != 8]
        one_by_one = [one for one in chosen if one.timed or one.row == 8]
        with ThreadPoolExecutor(2) as pool:
            running = {pool.submit(outcome, python, subject, one, folder): one for one in together}
            for done in as_completed(running):
                found[running[done].name][subject] = done.result()
                advance()
        for one in one_by_one:
            found[one.name][subject] = outcome(python, subject, one, folder)
            advance()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sdk", action="append", choices=NAMES, help="renew one SDK of the table; may be repeated")
    parser.add_argument("--only", action="append", help="renew one row, by its number, or one check; may be repeated")
    parser.add_argument("--json", action="store_true", help="print what was found, and write nothing")
    parser.add_argument("--environments", type=Path, help="a folder for the environments of the other SDKs, to keep")
    told = parser.parse_args()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="rows-sdks-") as temporary:
        folder = told.environments or Path(temporary)
        found = compare(told.sdk or list(NAMES), told.only or [], folder, console)
    if told.json:
        sys.stdout.write(_text(found))
        return
    if told.only or told.sdk:
        found = renewed(json.loads(_JSON.read_text()), found)
    _JSON.write_text(_text(found))
    _PAGE.write_text(page(found))


def renewed(before: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What was published, with what was found of a part of it now.

    Raises:
        SystemExit: they cannot stand in one table, and more is to be run.
    """
    for name, releases in found["versions"].items():
        is_part = not before["checks"].keys() <= found["checks"].keys()
        if is_part and before["versions"][name] != releases:
            raise SystemExit(f"There is another {name} than in the table: run all of its checks, with --sdk {name}.")
    if (before["python"], before["system"]) != (found["python"], found["system"]):
        raise SystemExit("The table is of another Python or system: run all of it.")
    merged: dict[str, Any] = {key: before[key] | found[key] for key in ("versions", "setups")}
    checks = {}
    for one in all_checks().values():
        old, new = (each["checks"].get(one.name, {"results": {}}) for each in (before, found))
        results = old["results"] | new["results"]
        if results.keys() != merged["versions"].keys():
            raise SystemExit(f"{one.name} is not in the table for each SDK: run it, with --only {one.name}.")
        checks[one.name] = _entry(one, {name: results[name] for name in merged["versions"]})
    return found | merged | {"checks": checks}


def _entry(one: Check, results: dict[str, dict[str, str]]) -> dict[str, Any]:
    return {"row": one.row, "says": one.says, "timed": one.timed, "results": results}


def _text(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
