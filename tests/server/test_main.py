from __future__ import annotations

import subprocess
import sys

import pytest

from ams_sdk._errors import MissingExtraError

WITHOUT = "import sys, runpy\nsys.modules[{!r}] = None\nrunpy.run_module('ams_reference_server', run_name='__main__')\n"


def run_without(module, environ):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT.format(module)],
        capture_output=True,
        env=environ,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("module", ["uvicorn", "sqlmodel"])
def test_without_the_extra_it_gives_the_same_advice_as_the_sdk(module, environ):
    ended = run_without(module, environ)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == f"{MissingExtraError('server', 'python -m ams_reference_server')}\n"


def test_a_module_that_no_extra_brings_is_a_defect(environ):
    ended = run_without("platformdirs", environ)
    assert ended.returncode == 1
    assert "platformdirs" in ended.stderr
