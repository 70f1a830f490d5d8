"""What tests need of the machine besides Python: where it is, and what happens where it is not."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

POSTGRESQL = os.environ.get("AMS_TEST_POSTGRESQL", "postgresql://root@127.0.0.1:5432/test")
REDIS = os.environ.get("AMS_TEST_REDIS", "redis://127.0.0.1:6379")
REQUIRES_SERVICES = os.environ.get("AMS_REQUIRE_SERVICES") == "1"


def no_service(reason: str) -> NoReturn:
    """Skip a test for which a service is missing; where the services must be there, fail it."""
    if REQUIRES_SERVICES:
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def schema_of_postgresql() -> Iterator[str]:
    """The URL of an empty schema of PostgreSQL that is gone afterwards; skips where there is none."""
    psycopg = pytest.importorskip("psycopg")
    try:
        connection = psycopg.connect(POSTGRESQL, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        no_service(f"no PostgreSQL answers at {POSTGRESQL}; name one in AMS_TEST_POSTGRESQL ({error})")
    schema = f"ams_{uuid4().hex}"
    with connection:
        connection.execute(f'CREATE SCHEMA "{schema}"')
        try:
            yield f"{POSTGRESQL}?options=-csearch_path%3D{schema}"
        finally:
            connection.execute(f'DROP SCHEMA "{schema}" CASCADE')
