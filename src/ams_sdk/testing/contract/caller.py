"""Somebody who asks a platform, with a credential or without."""

from __future__ import annotations

import json as json_text
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ams_sdk.testing.contract.exchange import JSON

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ams_sdk.testing.contract.exchange import Answer
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__ = ["ACCOUNT_PASSWORD", "LOGIN", "ME", "Caller", "log_in"]

LOGIN: Final = "/api/auth/login"
ME: Final = "/api/users/me"
ACCOUNT_PASSWORD: Final = "Quiet-lanterns-7-drift"  # noqa: S105 -- of accounts that live for a run; good under each policy
_MOST_PAGES: Final = 50


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks.

    Attributes:
        platform: whom they ask.
        bearer: their token or key; None without one.
        email: the address of their account.
    """

    platform: PlatformUnderTest
    bearer: str | None = field(default=None, repr=False)
    email: str = ""

    def ask(  # noqa: PLR0913 -- what a request is made of, keyword-only
        self,
        method: str,
        path: str,
        *,
        json: object = ...,
        content: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str | bytes] | Sequence[tuple[str, str | bytes]] = (),
        params: Mapping[str, str | int] | None = None,
    ) -> Answer:
        """The answer to a request; a credential among the headers stands for the caller's own."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        names = {name.lower() for name, _ in pairs}
        if json is not ...:
            content = json_text.dumps(json).encode()
            if "content-type" not in names:
                pairs.append(("Content-Type", JSON))
        if self.bearer is not None and "authorization" not in names:
            pairs.append(("Authorization", f"Bearer {self.bearer}"))
        return self.platform.ask(method, path, headers=pairs, content=content, params=params)

    def get(self, path: str, **sent: Any) -> Answer:  # noqa: ANN401 -- as ``ask`` takes it
        """Ask for something."""
        return self.ask("GET", path, **sent)

    def post(self, path: str, **sent: Any) -> Answer:  # noqa: ANN401 -- as ``ask`` takes it
        """Send something."""
        return self.ask("POST", path, **sent)

    def delete(self, path: str) -> Answer:
        """Delete something."""
        return self.ask("DELETE", path)

    def using(self, bearer: str) -> Caller:
        """The same account with another credential."""
        self.platform.keep_secret(bearer)
        return Caller(self.platform, bearer, self.email)

    def pages(self, path: str, **params: str | int) -> Iterator[list[Any]]:
        """The pages of a list, each by the cursor of the one before."""
        answer = self.get(path, params=params)
        for _ in range(_MOST_PAGES):
            page = answer.must_have_json()
            yield page["items"]
            if page["next_cursor"] is None:
                return
            answer.must(page["items"], "a page is empty, and has a cursor of a next one.")
            answer = self.get(path, params=params | {"cursor": page["next_cursor"]})
        answer.must(holds=False, wrong=f"the list does not end: {_MOST_PAGES} pages, and still a cursor.")


def log_in(platform: PlatformUnderTest, email: str, password: str) -> Caller:
    """Somebody who has logged in to this account."""
    answer = platform.stranger.post(LOGIN, json={"email": email, "password": password})
    token: str = answer.must_have_json()["access_token"]
    platform.keep_secret(token)
    return Caller(platform, token, email)
