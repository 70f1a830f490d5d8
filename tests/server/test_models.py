from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from ams_reference_server.models import Instant


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
def test_an_instant_is_read_back_in_utc(dialect):
    moment = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    kept = Instant().process_bind_param(moment, dialect)
    back = Instant().process_result_value(kept, dialect)
    assert (back, back.tzinfo) == (moment, UTC)
    assert Instant().process_bind_param(None, dialect) is None
    assert Instant().process_result_value(None, dialect) is None
