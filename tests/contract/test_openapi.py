"""The document against the server: schemathesis makes up requests from the one, and holds the answers to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

FOLDER = Path(__file__).parent
# A program of its own, and not the plugin: every run of pytest would load that, whatever it tests.
SCHEMATHESIS = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(FOLDER / "schemathesis.toml"), "run"]
CHAINED = {"register", "logIn", "logOut", "me", "makeKey", "listKeys", "deleteKey"}
CHAINED |= {"registerAgent", "listAgents", "getAgent", "exportTraces", "listTraces"}


@pytest.fixture
def drive(unlimited_platform, tmp_path):
    """Runs schemathesis and gives the calls that succeeded at least once."""
    environ = os.environ | {"AMS_FUZZ_URL": unlimited_platform, "AMS_FUZZ_HOOKS": str(FOLDER / "schemathesis_hooks.py")}

    def run(*options):
        report = tmp_path / "answers.har"
        command = [*SCHEMATHESIS, f"{unlimited_platform}/openapi.json", f"--report-har-path={report}"]
        done = subprocess.run(
            [*command, *options], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=170, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return succeeded(json.loads(report.read_bytes())["log"]["entries"])

    return run


def succeeded(entries):
    document = json.loads((FOLDER.parents[1] / "docs" / "openapi.json").read_bytes())
    names = {
        (method.upper(), re.sub(r"\{\w+\}", "[^/]+", path)): operation["operationId"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    answered = [
        (entry["request"]["method"], urlsplit(entry["request"]["url"]).path)
        for entry in entries
        if 200 <= entry["response"]["status"] < 300
    ]
    return {
        name
        for (method, pattern), name in names.items()
        if any(method == sent and re.fullmatch(pattern, path) for sent, path in answered)
    }


def test_the_document_is_served_to_everybody(sqlite_server, checked):
    answer = checked(sqlite_server).get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["openapi"].startswith("3.1.")


@pytest.mark.slow
def test_a_few_requests_made_up_from_the_document_are_answered_as_it_says(drive):
    # What makes up OTLP takes longer to start than all the rest; the slower tests have it.
    answered = drive("--phases=fuzzing", "--max-examples=1", "--exclude-operation-id=exportTraces")
    assert answered >= {"register", "logIn", "live", "ready"}


@pytest.mark.slow
def test_requests_made_up_from_the_document_are_answered_as_it_says(drive):
    assert drive("--phases=coverage,fuzzing", "--max-examples=40") >= {*CHAINED, "live", "ready"}


@pytest.mark.slow
def test_calls_that_follow_from_answers_are_answered_as_the_document_says(drive):
    # One run ends after some thirty chains, whatever it is asked for.
    answered = [drive("--phases=stateful", "--max-examples=50", f"--seed={seed}") for seed in (3, 5, 6)]
    assert set().union(*answered) >= {*CHAINED, "getTrace"}
