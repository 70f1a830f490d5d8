"""Libraries and instrumentors that exist for one test."""

from __future__ import annotations

import sys

import pytest
from tests.sdk.conftest import Recorder
from tests.sdk.libraries.stub_site import StubSite

from ams_sdk import _lifecycle

STANDS_FOR = {"requests"}
"""Libraries that are really installed here, and that a test puts another one in place of."""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of distributions that is on the path; what was imported from it is forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    # Another test of this process may have imported the real one.
    for name in [name for name in sys.modules if name.partition(".")[0] in STANDS_FOR]:
        monkeypatch.delitem(sys.modules, name)
    before = set(sys.modules)
    yield StubSite(folder)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def openai(site):
    """A library and its official instrumentor."""
    site.library("openai")
    site.instrumentor("opentelemetry-instrumentation-genai-openai", "openai")


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def traced():
    """The libraries that are traced now, and by which distribution."""
    return lambda: {} if _lifecycle._process.libraries is None else _lifecycle._process.libraries.traced()
