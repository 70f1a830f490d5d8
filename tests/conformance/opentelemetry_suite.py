"""OpenTelemetry's own tests of spans, samplers, processors and providers, run on the provider of ams_sdk.

The tests come with the source distribution of the opentelemetry-sdk that is installed. They are run twice: as they are,
and with ``TracerProvider`` replaced by ours. What passes as it is must pass with ours; what does not, does not count:
it fails for reasons of its own, a tool that is missing for example. Left out is one folder, whose tests draw random ids
and make no spans: those of the composite samplers.

    python tests/conformance/opentelemetry_suite.py

Needs pytest and opentelemetry-test-utils, and pip to get the source. ``nox -s conformance`` does all of it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

CONFTEST = """
import os
import opentelemetry.sdk.trace
from ams_sdk._tracing.provider import OwnProvider

if os.environ["WHOSE"] == "ours":
    opentelemetry.sdk.trace.TracerProvider = OwnProvider


def pytest_report_header():
    return f"the provider under test: {opentelemetry.sdk.trace.TracerProvider.__module__}"
"""
COMPOSITE = "tests/trace/composite_sampler"
FEWEST = 150
"""Tests that must have run: fewer, and something else was tested."""


def source(folder: str) -> Path:
    """Get the source of the installed opentelemetry-sdk."""
    wanted = f"opentelemetry-sdk=={version('opentelemetry-sdk')}"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "opentelemetry-sdk"]
    subprocess.run([*pip, "--dest", folder, wanted], check=True)
    (archive,) = Path(folder).glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    (unpacked,) = (path for path in Path(folder).iterdir() if path.is_dir())
    (unpacked / "tests" / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    return unpacked


def results(unpacked: Path, whose: str) -> dict[str, str]:
    """Run the tests; answer with the outcome of each."""
    # Some of the tests start "python": it has to be this one.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/trace", f"--ignore={COMPOSITE}", "-rA", "-q", "-p", "no:cacheprovider"],
        cwd=unpacked,
        env=os.environ | {"WHOSE": whose, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) (tests/\S+)", done.stdout, re.MULTILINE)
    if len(found) < FEWEST:
        sys.exit(f"Only {len(found)} tests have run:\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}")
    return {name: outcome for outcome, name in found}


def main() -> int:
    """Compare, print, and answer with the exit code."""
    with TemporaryDirectory() as folder:
        unpacked = source(folder)
        stock, ours = results(unpacked, "stock"), results(unpacked, "ours")
    worse = sorted(name for name, outcome in stock.items() if outcome == "PASSED" and ours.get(name) != "PASSED")
    own_reasons = sorted(name for name, outcome in stock.items() if outcome in {"FAILED", "ERROR"})
    print(f"opentelemetry-sdk {version('opentelemetry-sdk')}: {len(stock)} tests of its trace folder")
    print(f"they fail as they are, and do not count: {', '.join(own_reasons) or 'none'}")
    print(f"they pass as they are and fail with ours: {', '.join(worse) or 'none'}")
    print(f"{sum(outcome == 'PASSED' for outcome in ours.values())} passed, {len(worse)} failed")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
