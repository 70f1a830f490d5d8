from __future__ import annotations

import asyncio

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from ams_reference_server.models import METADATA


def test_the_models_are_what_the_migrations_make(database):
    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, METADATA)

    assert asyncio.run(database.read(differences)) == []
