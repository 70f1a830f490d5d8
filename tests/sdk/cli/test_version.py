from __future__ import annotations

import platform as python

from ams_sdk._version import __version__


def test_the_version_is_printed(ams):
    assert ams("version").out == f"ams-sdk {__version__} (Python {python.python_version()})\n"


def test_the_option_says_the_same_as_the_command(ams):
    assert ams("--version").out == ams("version").out
    assert ams("--version").code == 0


def test_short_help_is_help(ams):
    assert ams("traces", "show", "-h").out == ams("traces", "show", "--help").out
