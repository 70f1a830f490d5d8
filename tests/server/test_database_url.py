from __future__ import annotations

import pytest
from sqlalchemy import make_url

from ams_reference_server.database_url import postgresql_limits, read_database_url
from ams_reference_server.errors import SettingsError


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?uri=true",
        "postgresql://h:abc/db",
    ],
)
def test_an_address_that_is_not_understood_is_refused(url):
    with pytest.raises(SettingsError, match=r"^AMS_DATABASE_URL cannot be used"):
        read_database_url(url)


def test_postgresql_is_spoken_to_by_one_driver():
    assert read_database_url("postgresql://h/d").drivername == "postgresql+psycopg"
    assert read_database_url("sqlite:////x.db").database == "/x.db"


def test_what_the_address_says_wins_over_the_limits():
    plain = postgresql_limits(make_url("postgresql://h/d"), 5000, 30)
    assert (plain["connect_timeout"], plain["options"]) == (
        5,
        "-c lock_timeout=5000 -c statement_timeout=30000 -c timezone=UTC",
    )
    said = make_url("postgresql://h/d?connect_timeout=2&options=-csearch_path%3Dx&options=-cwork_mem%3D1MB")
    limits = postgresql_limits(said, 1, 2)
    assert "connect_timeout" not in limits
    assert (
        limits["options"]
        == "-c lock_timeout=1 -c statement_timeout=2000 -csearch_path=x -cwork_mem=1MB -c timezone=UTC"
    )
