"""What a check may use of an SDK; which one it is and how it is set up, which children learn from the environment."""

from __future__ import annotations

import importlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from contextlib import AbstractContextManager

    from tests.rows.seen import SeenSpan

__all__ = ["NAMES", "STATES", "NoSuchThing", "Setup", "Subject", "Typed", "closed_port", "from_environment", "made"]

NAMES = ("ams", "logfire", "langfuse", "openinference", "langsmith")
STATES = ("configured", "unconfigured", "down")


class NoSuchThing(TypeError):  # noqa: N818 -- reads as the reason that is shown
    """The SDK does not have what a check wants to use; so the check has failed."""


@dataclass(frozen=True)
class Setup:
    """How an SDK is to be set up.

    Attributes:
        state: "configured", "unconfigured", or "down": with a backend that nothing listens for.
        folder: where it may keep what it wants to.
        file: what keeps its spans, where a check looks at them; None if none does.
        backend: the address to send to; without one nothing is sent.
    """

    state: str
    folder: Path
    file: Path | None
    backend: str | None = None

    def environ(self, name: str) -> dict[str, str]:
        """The same for a child process, with the SDK's name."""
        return {
            "ROWS_SUBJECT": name,
            "ROWS_STATE": self.state,
            "ROWS_FOLDER": str(self.folder),
            "ROWS_FILE": str(self.file or ""),
            "ROWS_BACKEND": self.backend or "",
        }

    @property
    def address(self) -> str | None:
        """Where spans are sent to."""
        return self.backend or (closed_port() if self.state == "down" else None)


@dataclass(frozen=True)
class Typed:
    """The decorators as they stand in a file that type checkers read.

    Attributes:
        header: what defines ``deco``, the decorator.
        called: it with a name, for example ``deco(name="heron")``.
        entrypoint: it on a class whose method is ``search``; the bare one if there is no such option.
    """

    header: str
    called: str
    entrypoint: str = "deco"


class Subject(Protocol):
    """An SDK."""

    name: str
    distributions: tuple[str, ...]
    typed: Typed
    note: str
    """How it is set up, for the page."""
    secret: Any
    """What marks a parameter as secret in ``Annotated``; None if nothing does."""
    setup: Setup

    def __init__(self, setup: Setup) -> None: ...

    @property
    def records(self) -> bool:
        """Whether spans can be seen."""
        ...

    def configure(self) -> None:
        """What a program does when it starts, in the way that the SDK's documentation recommends."""
        ...

    def close(self) -> None:
        """What it does in the end."""
        ...

    def agent(self, function: Any = ..., /, *, name: str | None = None, entrypoint: str | None = None) -> Any:
        """The decorator of an agent, bare or called."""
        ...

    def tool(self, function: Any = ..., /, *, name: str | None = None, entrypoint: str | None = None) -> Any:
        """The decorator of a tool, bare or called."""
        ...

    def spans(self) -> list[SeenSpan]:
        """The spans that have ended, those of children too."""
        ...

    def inject(self, headers: MutableMapping[str, str]) -> None:
        """Put the current trace into the headers of a request."""
        ...

    def extract(self, headers: Mapping[str, str]) -> AbstractContextManager[object]:
        """Continue the trace of a request."""
        ...

    @staticmethod
    def arrived(path: str, body: bytes) -> list[tuple[str, str]]:
        """The spans in a request to its backend: of each an id, and all that it says."""
        ...


def made(name: str, setup: Setup) -> Subject:
    """The SDK of this name, not configured yet."""
    module = importlib.import_module(f"tests.rows.subjects.{name}")
    return module.SUBJECT(setup)


def from_environment() -> Subject:
    """The SDK that the environment names, not configured yet."""
    told = os.environ
    file, backend = told["ROWS_FILE"], told["ROWS_BACKEND"]
    setup = Setup(told["ROWS_STATE"], Path(told["ROWS_FOLDER"]), Path(file) if file else None, backend or None)
    return made(told["ROWS_SUBJECT"], setup)


def closed_port() -> str:
    """An address on loopback that nothing listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
