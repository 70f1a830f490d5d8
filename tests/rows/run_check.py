"""`python -m tests.rows.run_check SUBJECT CHECK`: one check in a process of its own; prints one line of JSON."""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from tests.rows.check import NotRun, all_checks
from tests.rows.subject import NAMES, STATES, Setup, made

__all__ = ["main", "outcome_of"]

SECONDS = 120


def outcome_of(subject_name: str, check_name: str, state: str, folder: Path) -> dict[str, str]:
    """What came of a check: ``passed``, ``failed``, ``not run``, and why."""
    chosen = all_checks()[check_name]
    if chosen.sees and state == "unconfigured":
        return {"outcome": "not run", "why": "without configuration there are no spans to see"}
    # Where time is measured nothing is kept in a file: it would be part of the cost.
    file = None if chosen.timed else folder / "spans.jsonl"
    try:
        setup = Setup("down" if chosen.timed and state == "configured" else state, folder, file)
        subject = made(subject_name, setup)
        if not chosen.alone:
            subject.configure()
    except Exception as error:  # noqa: BLE001 -- whatever it is, the check could not be made
        traceback.print_exc()
        return {"outcome": "not run", "why": f"cannot be set up: {_said(error)}"}
    try:
        chosen.run(subject)
    except NotRun as reason:
        return {"outcome": "not run", "why": str(reason)}
    except BaseException as error:  # noqa: BLE001 -- an SDK may raise what it likes
        traceback.print_exc()
        return {"outcome": "failed", "why": _said(error)}
    return {"outcome": "passed", "why": ""}


def _said(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 -- one check has an exception without a text
        text = "…"
    first = text.strip().splitlines()[0] if text.strip() else ""
    kind = type(error).__name__
    short = first if kind == "AssertionError" and first else f"{kind}: {first}" if first else kind
    if short == "AssertionError":
        short = f"not so: `{_line(error)}`"
    return short if len(short) <= 240 else short[:240] + "…"


def _line(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "checks_" in frame.filename]
    return (frames[-1].line or "").removeprefix("assert ").partition("  #")[0] if frames else "…"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subject", choices=NAMES)
    parser.add_argument("check")
    parser.add_argument("--state", choices=STATES, default="configured")
    told = parser.parse_args()
    faulthandler.enable()
    # The answer goes to the standard output that was there at the start; whatever a check prints goes elsewhere.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory(prefix="rows-", ignore_cleanup_errors=True) as folder:
        found = outcome_of(told.subject, told.check, told.state, Path(folder))
    answer.write(json.dumps({"subject": told.subject, "check": told.check, "state": told.state} | found) + "\n")
    answer.flush()
    # Not the ordinary end: an SDK that hangs there fails the checks of row 19 and no other.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    signal.alarm(SECONDS)
    main()
