"""The reference server as a child process: started, waited for, and ended for sure."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Final, Self, TextIO

from ams_sdk._errors import (
    AMSError,
    ConfigurationError,
    MissingExtraError,
    PortTakenError,
    ServerStartError,
    StateFolderError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

__all__ = ["EXTRA_MODULES", "ServerProcess", "require_extra"]

EXTRA_MODULES: Final = ("starlette", "uvicorn", "sqlmodel", "alembic", "jose", "passlib")
"""What the extra ``server`` installs, by the names that are imported."""

_LISTENING: Final = re.compile(r"AMS reference server listening on (http://\S+)\s*")
_EXTRA: Final = "server"
_MISSING_EXTRA_CODE: Final = 3
_ERRORS: Final[Mapping[int, type[AMSError]]] = {2: ConfigurationError, 8: PortTakenError, 9: StateFolderError}
"""The server's own exit codes; 3 is a missing extra, and any other one is an error without a class of its own."""

_READER_SECONDS: Final = 5.0


def require_extra(purpose: str) -> None:
    """Check that the reference server can be imported, without importing it.

    Args:
        purpose: the command that needs it, for the message.

    Raises:
        MissingExtraError: a package of the extra is missing.
    """
    if any(importlib.util.find_spec(name) is None for name in EXTRA_MODULES):
        raise MissingExtraError(_EXTRA, purpose)


class ServerProcess:
    """A context manager: inside it the reference server serves, after it the process is gone.

    Args:
        purpose: the command that needs the server, for messages.
        port: the port on the loopback interface; 0 takes a free one.
        environment: variables to set for the server besides the present ones.
        state_folder: where the server keeps its database, instead of the user's own folder.
        log: where the server's output goes once it serves; None drops it.
        start_seconds: how long it may take until it serves.
        end_seconds: how long it may take to end before it is killed.

    Raises, on entry:
        MissingExtraError: the extra ``server`` is not installed.
        ConfigurationError: a setting of the server is wrong.
        PortTakenError: another program listens on the port.
        StateFolderError: the folder or the database cannot be used.
        ServerStartError: it ended, or did not serve in time.
    """

    def __init__(  # noqa: PLR0913 -- keyword-only settings of one process
        self,
        purpose: str,
        *,
        port: int,
        environment: Mapping[str, str] | None = None,
        state_folder: Path | None = None,
        log: TextIO | None = None,
        start_seconds: float = 30.0,
        end_seconds: float = 12.0,
    ) -> None:
        self._purpose = purpose
        self._port = port
        self._environment = {**os.environ, **(environment or {})}
        if state_folder is not None:
            self._environment["AMS_STATE_DIR"] = str(state_folder)
        self._log = log
        self._start_seconds = start_seconds
        self._end_seconds = end_seconds
        self._asked = False
        self._last_line = ""
        self._address: str | None = None
        self._settled = threading.Event()

    @property
    def address(self) -> str:
        """Where it serves, for example ``http://127.0.0.1:8787``."""
        if self._address is None:
            raise ServerStartError("The reference server does not serve yet.")
        return self._address

    def __enter__(self) -> Self:
        require_extra(self._purpose)
        # With the parent's id the server notices when this process is killed, and ends itself.
        options = ("--port", str(self._port), "--parent-pid", str(os.getpid()))
        self._process = subprocess.Popen(  # noqa: S603 -- this interpreter and this project's own module
            # -P: a file in the current folder must not be imported instead of a package.
            [sys.executable, "-P", "-m", "ams_reference_server", "serve", *options],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            # Ctrl-C on a terminal reaches the whole session; the server shall hear of it once, from here.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, name="ams-server-output", daemon=True)
        self._reader.start()
        try:
            self._wait_until_it_serves()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def ask_to_end(self) -> None:
        """Ask the server to end in good order; it answers what is in flight first. Asked again, it is killed."""
        if self._asked:
            self._process.kill()
        else:
            self._process.terminate()
        self._asked = True

    def wait(self) -> int:
        """Wait until the server ends, and return its exit code; 128 and the signal's number if a signal ended it."""
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def end(self) -> None:
        """End the process: ask, wait, kill. Safe to call again."""
        self._process.terminate()
        try:
            self._process.wait(self._end_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # A process of the server's own may still hold the pipe; the reader is a daemon and is then left to it.
        self._reader.join(_READER_SECONDS)

    def _wait_until_it_serves(self) -> None:
        if not self._settled.wait(self._start_seconds):
            raise ServerStartError(
                f"The reference server did not serve within {self._start_seconds:g} s. "
                f"{self._last_line or 'It said nothing.'}"
            )
        if self._address is None:
            raise self._failure(self.wait())

    def _failure(self, code: int) -> AMSError:
        if code == _MISSING_EXTRA_CODE:
            return MissingExtraError("postgres" if "'postgres'" in self._last_line else _EXTRA, self._purpose)
        said = (
            self._last_line.removeprefix("Error: ") or f"The reference server ended with code {code} and said nothing."
        )
        return _ERRORS.get(code, ServerStartError)(said)

    def _read(self) -> None:
        stream = self._process.stdout
        if stream is None:  # pragma: no cover -- PIPE was asked for
            return
        with stream:
            for line in stream:
                if self._address is not None:
                    self._pass_on(line)
                elif match := _LISTENING.fullmatch(line):
                    self._address = match[1]
                    self._settled.set()
                elif line.strip():
                    self._last_line = line.strip()
        self._settled.set()

    def _pass_on(self, line: str) -> None:
        if self._log is not None:
            # Whoever read the log is gone; the server still has to be read, or it would block on a full pipe.
            with contextlib.suppress(OSError, ValueError):
                self._log.write(line)
                self._log.flush()
