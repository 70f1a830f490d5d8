"""The credential for the server that takes spans."""

from __future__ import annotations

import pytest

from ams_sdk._connection import Connection


@pytest.fixture
def connection(sink):
    return Connection(sink.url, "the-key", "argument")
