"""The environment that fastapi-users runs in, made once and kept in the system's temporary folder."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

PACKAGES = ["fastapi-users[sqlalchemy]", "aiosqlite"]
SAME = ["uvicorn", "httptools", "uvloop"]
"""What both sides run on, in one version."""


def peer_python() -> str:
    """The interpreter of an environment with fastapi-users and this environment's uvicorn, httptools and uvloop.

    Raises:
        subprocess.CalledProcessError: it cannot be installed; pip has said why.
    """
    pins = [f"{name}=={version(name)}" for name in SAME]
    name = "-".join(["fastapi-users", platform.python_version(), *pins]).replace("==", "-")
    folder = Path(tempfile.gettempdir(), f"ams-benchmarks-{_owner()}", name)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    finished = folder / "installed"
    if not finished.exists():
        print(f"Installing fastapi-users into {folder}, once.", file=sys.stderr)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)  # noqa: S603 -- this interpreter
        install = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES, *pins]
        subprocess.run(install, check=True, stdout=sys.stderr)  # noqa: S603 -- fixed names
        finished.touch()
    return str(python)


def peer_version(python: str, package: str) -> str:
    """The version of a package in that environment."""
    question = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", question], check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 -- the environment above


def _owner() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
