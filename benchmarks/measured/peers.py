"""Environments that peers run in, each made once and kept in the system's temporary folder."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Peer:
    """A package to measure beside.

    Attributes:
        name: the distribution's name, without extras.
        packages: what is installed.
        same: packages that both sides run on, installed in the version that this environment has.
    """

    name: str
    packages: tuple[str, ...]
    same: tuple[str, ...] = ()

    def python(self) -> str:
        """The interpreter of an environment that has it; the first time, the environment is made.

        Raises:
            subprocess.CalledProcessError: it cannot be installed; pip has said why.
        """
        pins = [f"{name}=={version(name)}" for name in self.same]
        name = "-".join([self.name, platform.python_version(), *pins]).replace("==", "-")
        folder = Path(tempfile.gettempdir(), f"ams-benchmarks-{_owner()}", name)
        python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        finished = folder / "installed"
        if not finished.exists():
            print(f"Installing {self.name} into {folder}, once.", file=sys.stderr)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)  # noqa: S603 -- this interpreter
            install = [str(python), "-m", "pip", "install", "--quiet", *self.packages, *pins]
            subprocess.run(install, check=True, stdout=sys.stderr)  # noqa: S603 -- fixed names
            finished.touch()
        return str(python)

    def version(self) -> str:
        """Its version in that environment.

        Raises:
            subprocess.CalledProcessError: it cannot be installed.
        """
        question = f"from importlib.metadata import version; print(version({self.name!r}))"
        command = [self.python(), "-c", question]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 -- the environment above


FASTAPI_USERS: Final = Peer(
    "fastapi-users", ("fastapi-users[sqlalchemy]", "aiosqlite"), same=("uvicorn", "httptools", "uvloop")
)
LOGFIRE: Final = Peer("logfire", ("logfire",))
LANGFUSE: Final = Peer("langfuse", ("langfuse",))
OPENAI_AGENTS: Final = Peer("openai-agents", ("openai-agents",))


def _owner() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
