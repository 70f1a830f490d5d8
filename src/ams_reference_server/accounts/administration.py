"""What whoever runs the server does with its accounts, on the command line and without HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection, delete, select, update

from ams_reference_server.accounts.api_keys import make_key
from ams_reference_server.accounts.email_address import EmailAddress, InvalidEmailError
from ams_reference_server.db import Database
from ams_reference_server.errors import NoSuchUserError
from ams_reference_server.models import users

if TYPE_CHECKING:
    from ams_reference_server.settings import Settings
    from ams_sdk.wire import NewApiKey

__all__ = ["Administration", "UserRecord"]

_COLUMNS = (
    users.c.id,
    users.c.email,
    users.c.name,
    users.c.created_at,
    users.c.updated_at,
    users.c.disabled_at,
)


@dataclass(frozen=True, slots=True)
class UserRecord:
    """An account as its administrator sees it; one that is disabled can neither log in nor be used."""

    id: UUID
    email: str
    name: str | None
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None


class Administration:
    """The accounts in the database of these settings.

    Accounts are named by their e-mail address, in any spelling, or by their id.

    Raises:
        StartError: the database cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings.database_url)
        self._database.migrate()

    def users(self) -> list[UserRecord]:
        """All accounts, oldest first."""
        query = select(*_COLUMNS).order_by(users.c.created_at, users.c.id)
        return self._database.read_now(lambda connection: [UserRecord(*row) for row in connection.execute(query)])

    def disable(self, who: str) -> UserRecord:
        """Keep somebody out: logins, access tokens and API keys are refused from now on, and nothing is deleted.

        Raises:
            NoSuchUserError: nobody has this address or id.
        """

        def change(connection: Connection) -> UserRecord:
            found = _find(connection, who)
            if found.disabled_at is None:
                connection.execute(update(users).where(users.c.id == found.id).values(disabled_at=datetime.now(UTC)))
            return _find(connection, str(found.id))

        return self._database.write_now(change)

    def enable(self, who: str) -> UserRecord:
        """Let somebody in again, also with the tokens and keys from before that have not expired.

        Raises:
            NoSuchUserError: nobody has this address or id.
        """

        def change(connection: Connection) -> UserRecord:
            found = _find(connection, who)
            if found.disabled_at is not None:
                connection.execute(update(users).where(users.c.id == found.id).values(disabled_at=None))
            return _find(connection, str(found.id))

        return self._database.write_now(change)

    def delete(self, who: str) -> UserRecord:
        """Delete an account with its keys, agents and traces.

        Raises:
            NoSuchUserError: nobody has this address or id.
        """

        def change(connection: Connection) -> UserRecord:
            found = _find(connection, who)
            connection.execute(delete(users).where(users.c.id == found.id))
            return found

        return self._database.write_now(change)

    def create_key(self, who: str, name: str, expires_at: datetime | None) -> NewApiKey:
        """Make an API key for somebody.

        Raises:
            NoSuchUserError: nobody has this address or id.
            InvalidRequestError: its time is over already.
        """
        return self._database.write_now(
            lambda connection: make_key(connection, _find(connection, who).id, name, expires_at)
        )

    def close(self) -> None:
        """Close the database."""
        self._database.dispose()


def _find(connection: Connection, who: str) -> UserRecord:
    try:
        condition = users.c.id == UUID(who)
    except ValueError:
        try:
            condition = users.c.email_key == EmailAddress.parse(who).key
        except InvalidEmailError:
            raise NoSuchUserError(f"{who!r} is neither an e-mail address nor an id of a user.") from None
    row = connection.execute(select(*_COLUMNS).where(condition)).first()
    if row is None:
        raise NoSuchUserError(f"Nobody is registered as {who}; python -m ams_reference_server users list shows all.")
    return UserRecord(*row)
