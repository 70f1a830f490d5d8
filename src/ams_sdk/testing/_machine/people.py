"""Those who use the platform: they open accounts, log in, and ask with what they got."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, cast

from ams_sdk.testing._machine.known import Credential, KnownAccount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ams_sdk.testing._machine.asking import Answer, Asking

__all__ = ["People"]


class People:
    """Everybody of one example.

    Attributes:
        latest: what was asked with last.

    Args:
        ask: the client that looks at every answer.
    """

    def __init__(self, ask: Asking) -> None:
        self.latest: Credential | None = None
        self._ask = ask
        self._accounts: list[KnownAccount] = []

    def __iter__(self) -> Iterator[KnownAccount]:
        return iter(self._accounts)

    def register(self, password: str, name: str | None) -> KnownAccount:
        """Open an account with an address that nobody has yet, and log in.

        Raises:
            PlatformAssertionError: the platform does otherwise than the contract says.
        """
        email = f"machine-{secrets.token_hex(8)}@example.org"
        self._ask.keep_secret(password)
        body = {"email": email, "password": password} | ({} if name is None else {"name": name})
        says = "a new address and a good password open an account"
        answer = self._ask(says, "POST", "/api/auth/register", body=body, expect=201)
        self._ask.see("the e-mail address", email, answer.json["email"])
        self._ask.see("the name", name, answer.json["name"])
        account = KnownAccount(email, password, answer.json)
        account.login = self.log_in(account)
        self._accounts.append(account)
        return account

    def log_in(self, account: KnownAccount, spell: Callable[[str], str] = str) -> Credential:
        """Log in, with the address in some spelling.

        Raises:
            PlatformAssertionError: the same.
        """
        answer = self._ask(
            "the right password gives a token",
            *("POST", "/api/auth/login"),
            body={"email": spell(account.email), "password": account.password},
            expect=200,
        )
        self._ask.see("token_type", "Bearer", answer.json["token_type"])
        self._ask.see("whether expires_in is more than nothing", True, answer.json["expires_in"] > 0)  # noqa: FBT003 -- what is seen
        return self.take(account, answer.json["access_token"])

    def take(self, account: KnownAccount, text: str, key_id: str | None = None) -> Credential:
        """Keep what the platform has issued; its text is never shown."""
        self._ask.keep_secret(text)
        self.latest = Credential(account, text, key_id)
        return self.latest

    def ask(  # noqa: PLR0913 -- as ``Asking`` takes it
        self,
        credential: Credential,
        says: str,
        method: str,
        path: str,
        *,
        expect: int,
        code: str | None = None,
        **sent: Any,  # noqa: ANN401 -- as ``Asking`` takes it
    ) -> Answer | None:
        """Ask with a credential; one that is no longer good gets 401 whatever is asked, and then there is no answer.

        Raises:
            PlatformAssertionError: the answer is not that.
        """
        self.latest = credential
        if credential.is_good:
            return self._ask(says, method, path, bearer=credential.text, expect=expect, code=code, **sent)
        says = "a token that was logged out and a key that was deleted are refused everywhere"
        self._ask(says, method, path, bearer=credential.text, expect=401, code="invalid_token", **sent)
        return None

    def pages(self, credential: Credential, says: str, path: str, limit: int) -> list[Any] | None:
        """All items of a list, page by page; None if the credential is not good.

        Raises:
            PlatformAssertionError: a page is not as the contract says.
        """
        items: list[Any] = []
        query = {"limit": str(limit)}
        while True:
            answer = self.ask(credential, says, "GET", path, query=query, expect=200)
            if answer is None:
                return None
            page = cast("Sequence[Any]", answer.json["items"])
            items += page
            cursor = answer.json["next_cursor"]
            if cursor is None:
                return items
            self._ask.see("how many items a page has that another one follows", limit, len(page))
            query = {"limit": str(limit), "cursor": cursor}
