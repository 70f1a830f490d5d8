"""What every list keeps to: `limit`, `cursor`, and filters that have rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ams_sdk.testing.contract.rule import rule

if TYPE_CHECKING:
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__: list[str] = []

_LISTS: Final = ("/api/agents", "/api/traces", "/api/keys")


@rule("everywhere")
def limit_has_bounds(platform: PlatformUnderTest) -> None:
    """`limit` is a whole number from 1 to 200, in digits; another is 422 and named."""
    for path in _LISTS:
        for limit in ("0", "201", "x", "1_0", "%2B5", "5.0", ""):
            platform.member().get(f"{path}?limit={limit}").must_refuse("limit")
        for limit in ("1", "200"):
            platform.member().get(f"{path}?limit={limit}").must_be(200)


@rule("everywhere")
def cursor_of_no_list(platform: PlatformUnderTest) -> None:
    """A `cursor` that no answer of this list contained is 422 `invalid_cursor`."""
    for path in _LISTS:
        for cursor in ("!", "x", "AAAA", "%C3%A4", "bm93"):
            # Some of these may be names of agents, behind which nothing stands.
            if (path, cursor) != ("/api/agents", "bm93"):
                platform.member().get(f"{path}?cursor={cursor}").must_refuse("cursor", code="invalid_cursor")


@rule("everywhere")
def filter_has_bounds(platform: PlatformUnderTest) -> None:
    """A filter that breaks its rule is 422 and named: a status that there is not, NUL, thousands of characters."""
    member = platform.member()
    for path in ("/api/agents", "/api/traces"):
        member.get(f"{path}?q=%00").must_refuse("q")
        member.get(f"{path}?status=odd").must_refuse("status")
        member.get(path, params={"q": "x" * 6000}).must_refuse("q")
    for name in ("agent", "session"):
        member.get("/api/traces", params={name: "x" * 6000}).must_refuse(name)
