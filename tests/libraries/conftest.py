"""Real libraries, their real instrumentors, and a fake model that says what it is told."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.sdk.conftest import Recorder, sink

from ams_sdk import _lifecycle
from ams_sdk.testing._model import FakeLLM

__all__ = ["sink"]

pytest.register_assert_rewrite("tests.libraries.traces")


def pytest_collection_modifyitems(items):
    for item in items:
        # What other people's libraries warn of is theirs.
        if "tests/libraries/" in item.nodeid:
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture
def model():
    with FakeLLM() as made:
        yield made


class _Kept(InMemorySpanExporter):
    """Goes on when the SDK is configured anew."""

    def shutdown(self):
        pass


@pytest.fixture
def recorder():
    made = Recorder()
    made.exporter = _Kept()
    return made.configure()


@pytest.fixture
def traced():
    """The libraries that are traced now, and by which distribution."""
    return lambda: {} if _lifecycle._process.libraries is None else _lifecycle._process.libraries.traced()
