from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, inspect, select, text, update

from ams_reference_server import migrations
from ams_reference_server.db import Database
from ams_reference_server.errors import SchemaTooNewError, SettingsError
from ams_reference_server.models import METADATA, users

STEPS = sorted(
    re.findall(
        r'^revision = "(\d+)"$',
        "\n".join(
            file.read_text(encoding="utf-8") for file in (Path(migrations.__file__).parent / "versions").glob("v*.py")
        ),
        re.MULTILINE,
    )
)
USER = {
    "id": uuid4(),
    "email": "ada@example.org",
    "email_key": "ada@example.org",
    "password_hash": "$2b$hash",
    "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    "updated_at": datetime(2026, 1, 1, tzinfo=UTC),
}


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, settings):
    return settings.database_url if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


@pytest.fixture
def empty(database_url):
    opened = Database(database_url)
    yield opened
    opened.dispose()


def differences(connection):
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return compare_metadata(context, METADATA)


def tables(connection):
    return set(inspect(connection).get_table_names()) - {"alembic_version"}


def test_the_models_are_what_the_migrations_make(empty):
    assert empty.migrate() == (None, STEPS[-1])
    assert empty.read_now(differences) == []
    assert empty.migrate() == (STEPS[-1], STEPS[-1])


def test_every_step_can_be_taken_back_and_again(empty):
    for step in STEPS:
        assert empty.migrate(step)[1] == step
    for before, after in zip(STEPS[:0:-1], STEPS[-2::-1], strict=True):
        assert empty.migrate(after) == (before, after)
    assert empty.migrate("base") == (STEPS[0], None)
    assert empty.read_now(tables) == set()
    assert empty.migrate() == (None, STEPS[-1])
    assert empty.read_now(differences) == []


def test_who_is_disabled_stays_out_through_an_older_schema(empty):
    empty.migrate()
    disabled = USER | {"disabled_at": datetime(2026, 1, 2, tzinfo=UTC)}
    other = USER | {"id": uuid4(), "email": "bob@example.org", "email_key": "bob@example.org", "disabled_at": None}
    empty.write_now(lambda connection: connection.execute(insert(users), [disabled, other]))
    empty.migrate("0001")
    kept = empty.read_now(
        lambda connection: connection.execute(text("SELECT email, password_hash FROM users ORDER BY email")).all()
    )
    assert kept == [("ada@example.org", "!$2b$hash"), ("bob@example.org", "$2b$hash")]
    empty.migrate()
    back = select(users.c.password_hash, users.c.disabled_at.is_not(None)).order_by(users.c.email)
    assert empty.read_now(lambda connection: connection.execute(back).all()) == [
        ("$2b$hash", True),
        ("$2b$hash", False),
    ]


def test_updated_at_follows_every_change(empty):
    empty.migrate()
    empty.write_now(lambda connection: connection.execute(insert(users).values(USER)))
    empty.write_now(lambda connection: connection.execute(update(users).values(name="Ada")))
    changed = empty.read_now(lambda connection: connection.execute(select(users.c.updated_at)).scalar_one())
    assert abs((datetime.now(UTC) - changed).total_seconds()) < 60
    assert (
        empty.read_now(lambda connection: connection.execute(select(users.c.created_at)).scalar_one())
        == USER["created_at"]
    )


def test_a_revision_that_is_not_there_is_refused_with_those_that_are(empty):
    with pytest.raises(SettingsError, match=r"There is no revision 9999; write head, base, .*0001"):
        empty.migrate("9999")


def test_a_database_of_a_newer_release_is_refused_and_left_alone(empty):
    empty.migrate()
    newer = text("UPDATE alembic_version SET version_num = '9999'")
    empty.write_now(lambda connection: connection.execute(newer))
    for to in ("head", "0001", "base"):
        with pytest.raises(SchemaTooNewError, match="newer release"):
            empty.migrate(to)
    assert "users" in empty.read_now(tables)


@pytest.mark.slow
def test_eight_processes_that_start_at_once_make_one_schema(database_url, empty):
    # Each waits for a line, so that the start of Python is not what they race on.
    program = (
        "import sys; from ams_reference_server.db import Database; database = Database(sys.argv[1]);"
        "print('ready', flush=True); sys.stdin.readline(); print(database.migrate())"
    )
    command = [sys.executable, "-c", program, database_url]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda process: process.stdout.readline(), processes)) == {"ready\n"}
        said = list(threads.map(lambda process: process.communicate("go\n", timeout=60), processes))
    assert [process.returncode for process in processes] == [0] * 8, said
    assert sorted(out for out, _ in said) == [f"({STEPS[-1]!r}, {STEPS[-1]!r})\n"] * 7 + [f"(None, {STEPS[-1]!r})\n"]
    assert empty.read_now(differences) == []


def test_reading_goes_on_while_nothing_is_migrated(empty):
    empty.migrate()
    assert asyncio.run(empty.is_current())
    empty.migrate("0001")
    assert not asyncio.run(empty.is_current())
