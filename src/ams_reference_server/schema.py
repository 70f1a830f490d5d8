"""The schema of a database, brought from one revision of ``migrations/versions`` to another."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ams_reference_server.errors import SchemaTooNewError, SettingsError

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["bring", "newest", "revision_of"]


def bring(connection: Connection, to: str) -> tuple[str | None, str | None]:
    """Bring the schema up or down, in the transaction that is open.

    Args:
        connection: alone on the database: whoever else migrates waits.
        to: a revision, ``head`` for this release's or ``base`` for an empty database.

    Returns:
        The revision before and after, None for an empty database.

    Raises:
        SettingsError: there is no such revision.
        SchemaTooNewError: a newer release has been here.
    """
    config = _alembic()
    before = revision_of(connection)
    order = [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()]  # newest first
    if before is not None and before not in order:
        raise SchemaTooNewError(
            "The database was written by a newer release of ams-sdk than this one. "
            "Install that release, or name another database in AMS_DATABASE_URL."
        )
    known = {"head": order[0], "base": None} | {revision: revision for revision in order}
    if to not in known:
        raise SettingsError(f"There is no revision {to}; write {', '.join(known)}.")
    config.attributes["connection"] = connection
    steps = [*order, None]
    go = command.upgrade if steps.index(known[to]) <= steps.index(before) else command.downgrade
    go(config, to)
    return before, revision_of(connection)


def revision_of(connection: Connection) -> str | None:
    """The revision that a database has, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def newest() -> str | None:
    """The revision that this release expects."""
    return ScriptDirectory.from_config(_alembic()).get_current_head()


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    return config
