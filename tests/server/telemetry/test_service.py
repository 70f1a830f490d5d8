from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from google.protobuf import json_format

from ams_reference_server.errors import ExcessiveBodyError
from ams_reference_server.telemetry.service import Telemetry


def test_a_body_for_which_memory_is_short_is_refused(database, monkeypatch):
    def allocate(*_, **__):
        raise MemoryError

    monkeypatch.setattr(json_format, "ParseDict", allocate)
    telemetry = Telemetry(database, 1000)
    with pytest.raises(ExcessiveBodyError, match="more memory than there is") as caught:
        asyncio.run(telemetry.take_in(uuid4(), b"{}", media_type="application/json", encoding=""))
    assert caught.value.status == 413
