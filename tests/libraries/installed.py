"""Which tests can run here: ``nox -s libraries`` installs everything that they need."""

from __future__ import annotations

from importlib import metadata

import pytest


def needs(*distributions):
    """Skip a module's tests where a distribution is missing."""
    missing = [name for name in distributions if not _is_installed(name)]
    return pytest.mark.skipif(bool(missing), reason=f"nox -s libraries installs {', '.join(missing)}")


def _is_installed(name):
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
