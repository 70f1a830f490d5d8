"""The credential for the server that takes spans, a provider of the test's own, and spools in a folder of their own."""

from __future__ import annotations

import pytest
from tests.sdk.tracing.two_providers import Kept, own_provider

from ams_sdk._connection import Connection
from ams_sdk._tracing import encoder
from ams_sdk._tracing.spool import Spool


@pytest.fixture
def connection(sink):
    return Connection(sink.url, "the-key", "argument")


@pytest.fixture(scope="module")
def unredacted():
    """Spans are encoded as they are: what is compared is the encoding, and generated texts may look like secrets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "redact_attributes", lambda attributes: attributes)
        patch.setattr(encoder, "redact_line", lambda text: text)
        yield


@pytest.fixture
def kept():
    return Kept()


@pytest.fixture
def provider(kept):
    return own_provider(kept)


@pytest.fixture
def make_spool(tmp_path):
    made = []

    def spool(endpoint="http://127.0.0.1:8787", identity="ada@example.com"):
        made.append(Spool(tmp_path / "spool", endpoint, identity))
        return made[-1]

    yield spool
    for one in made:
        one.close()
