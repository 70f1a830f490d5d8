"""What Alembic runs: the steps, on the connection and in the transaction that the caller opened."""

from __future__ import annotations

from alembic import context

from ams_reference_server.models import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
