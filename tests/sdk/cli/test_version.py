from __future__ import annotations

import platform as python

from ams_sdk._version import __version__


def test_the_version_is_printed(ams):
    assert ams("version").out == f"ams-sdk {__version__} (Python {python.python_version()})\n"
