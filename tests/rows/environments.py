"""An environment for each SDK: a virtual one for others, with type checkers for row 8; this one for ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["about", "python_of"]

ROOT = Path(__file__).parents[2]
# What some checks use, and what not each of them brings.
_ALL = ("pydantic", "opentelemetry-sdk")
_INSTALLED = {
    "logfire": ("logfire",),
    "langfuse": ("langfuse",),
    "openinference": ("openinference-instrumentation", "opentelemetry-exporter-otlp-proto-http"),
    "langsmith": ("langsmith",),
}
CHECKERS = ("mypy==2.4.1", "pyright[nodejs]==1.1.414")


def python_of(name: str, folder: Path) -> str:
    """The interpreter of an SDK's environment, which is made if it is not there, with the newest release."""
    if name == "ams":
        return sys.executable
    place = folder / name
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (place / "complete").exists():
        venv.create(place, with_pip=True, clear=True)
        wanted = (*_INSTALLED[name], *_ALL, *CHECKERS)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (place / "complete").touch()
    return str(python)


def about(python: str, name: str) -> dict[str, dict[str, str] | str]:
    """Of an environment: which releases it has, and how the SDK is set up there."""
    program = f"""
import json
from importlib.metadata import version
from tests.rows.subjects.{name} import SUBJECT
print(json.dumps({{"versions": {{one: version(one) for one in SUBJECT.distributions}}, "setup": SUBJECT.note}}))
"""
    ended = subprocess.run([python, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(ended.stdout.splitlines()[-1])
