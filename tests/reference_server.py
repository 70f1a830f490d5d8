"""The reference server as a process of its own, over SQLite and over PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

from tests.services import schema_of_postgresql

UNLIMITED = dict.fromkeys(
    ("AMS_LOGIN_LIMIT_PER_ADDRESS", "AMS_LOGIN_LIMIT_PER_CLIENT", "AMS_REGISTRATION_LIMIT_PER_CLIENT"), "off"
)
"""Settings with which anybody may try as often as they like."""


@contextmanager
def started(folder, program=("-m", "ams_reference_server"), **settings):
    """The base URL of a reference server of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AMS_")}
    environ = inherited | {"AMS_STATE_DIR": str(folder), "AMS_BCRYPT_COST": "4"} | settings
    command = [sys.executable, *program, "serve", "--port", "0", "--parent-pid", str(os.getpid())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("AMS reference server listening on http://"), line
        try:
            yield line.split()[-1]
        except BaseException:
            process.kill()  # else whoever failed would wait for it
            raise
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


@contextmanager
def started_over_postgresql(folder, **settings):
    """The same over PostgreSQL, in a schema of its own that is gone afterwards; skips where there is none."""
    with schema_of_postgresql() as address, started(folder, AMS_DATABASE_URL=address, **settings) as url:
        yield url
