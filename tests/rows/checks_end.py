"""Row 19: however a process ends, the spans have arrived, or the next process sends them; and it ends in time."""

from __future__ import annotations

import functools
import signal

from tests.rows.backend import Backend, hanging
from tests.rows.check import check
from tests.rows.programs import NEXT, run
from tests.rows.subject import closed_port

_ARRIVES = 5.0  # seconds, of the process that comes next
_PROGRAM = """
    @tool
    def heron(what):
        return what

    for number in range(20):
        heron(f"word-{number}-end")
    PAUSE
    print("done", flush=True)
    ENDING
"""
# How it ends, the seconds that it has before, the code that it ends with.
_ENDINGS = {
    "normal": ("", 0, 0),
    "sys_exit": ("sys.exit(3)", 0, 3),
    "exception": ("raise LookupError('the end')", 0, 1),
    "os_exit": ("os._exit(4)", 1, 4),
    "sigterm": ("os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)", 0, -signal.SIGTERM),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", 1, -signal.SIGKILL),
}
_SAYS = {
    "normal": "a normal end",
    "sys_exit": "`sys.exit`",
    "exception": "an exception that nobody catches",
    "os_exit": "`os._exit`, a second after the last call",
    "sigterm": "SIGTERM, which the program does not handle",
    "kill": "`kill -9`, a second after the last call",
}


def _program(ending):
    what, pause, _ = _ENDINGS[ending]
    return _PROGRAM.replace("PAUSE", f"time.sleep({pause})").replace("ENDING", what)


def _missing(backend):
    return [number for number in range(20) if not backend.ids(f"word-{number}-end")]


def _delivered(subject, *, ending):
    with Backend(subject) as backend:
        ran = run(subject, _program(ending), backend=backend.url, file=False, state="configured")
        assert ran.code == _ENDINGS[ending][2], f"it ends with {ran.code}: {ran.err[-200:]}"
        if not _missing(backend):
            return
        run(subject, NEXT, backend=backend.url, file=False, state="configured")
        backend.wait_for("word-19-end", _ARRIVES)
        missing = _missing(backend)
    assert not missing, f"{len(missing)} of 20 spans are lost"


for _ending, _what in _SAYS.items():
    check(
        row=19,
        says=f"{_what}: the exit code stays, and every span arrives, now or with the next process",
        alone=True,
        slow=_ENDINGS[_ending][1] > 0,
    )(functools.partial(_delivered, ending=_ending))


def _survives(subject, *, ending):
    """The backend is down until the process has ended, and comes back at the same address."""
    backend = Backend(subject)
    url = backend.url
    address = backend.server_address
    backend.server_close()
    ran = run(subject, _program(ending), backend=url, file=False, state="configured")
    assert ran.code == _ENDINGS[ending][2], f"it ends with {ran.code}: {ran.err[-200:]}"
    with Backend(subject, address) as again:
        run(subject, NEXT, backend=again.url, file=False, state="configured")
        again.wait_for("word-19-end", _ARRIVES)
        missing = _missing(again)
    assert not missing, f"{len(missing)} of 20 spans are lost"


for _ending, _what in _SAYS.items():
    check(row=19, says=f"{_what}, with the backend down: all arrives with the next process", alone=True, slow=True)(
        functools.partial(_survives, ending=_ending)
    )


def _in_time(subject, *, ending, platform):
    took = []
    with hanging() as hung:
        # The best of three, unless one takes so long that the machine cannot be the reason.
        while len(took) < 3 and min(took, default=3) > 2 and max(took, default=0) < 6:
            url = hung if platform == "hangs" else closed_port()
            ran = run(subject, _program(ending), backend=url, file=False, state="configured", patience=12)
            took.append(ran.ending)
    assert min(took) <= 2, f"it takes {min(took):.1f} s to end"


for _platform, _where in {"down": "nothing listens at the address", "hangs": "the backend never answers"}.items():
    for _ending in ("normal", "sys_exit", "exception", "sigterm"):
        check(row=19, says=f"{_SAYS[_ending]}, where {_where}: within 2 s", alone=True, timed=True)(
            functools.partial(_in_time, ending=_ending, platform=_platform)
        )


@check(
    row=19,
    says="an exception that nobody catches: its traceback is all that is said",
    alone=True,
)
def traceback_is_all_that_is_said(subject):
    ran = run(subject, _program("exception"), backend=closed_port(), file=False, state="configured")
    assert ran.code == 1
    lines = ran.err.strip().splitlines()
    assert lines, "there is no traceback"
    assert lines[0].startswith("Traceback"), f"it says: {lines[0][:120]}"
    assert lines[-1] == "LookupError: the end", f"it says: {lines[-1][:120]}"
