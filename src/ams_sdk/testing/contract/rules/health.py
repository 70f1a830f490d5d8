"""What is asked by whoever runs the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ams_sdk.testing.contract.rule import rule

if TYPE_CHECKING:
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest

__all__: list[str] = []


@rule("health")
def live(platform: PlatformUnderTest) -> None:
    """`GET /health/live` is 200 with `status` `ok` while the platform serves, and needs no credential."""
    answer = platform.stranger.get("/health/live")
    answer.must_equal("status", answer.must_have_json()["status"], "ok")


@rule("health")
def ready(platform: PlatformUnderTest) -> None:
    """`GET /health/ready` is 200 with `status` `ok` and `checks` that are all `ok`, and needs no credential."""
    answer = platform.stranger.get("/health/ready")
    body = answer.must_have_json()
    answer.must_equal("status", body["status"], "ok")
    bad = [name for name, said in body["checks"].items() if said != "ok"]
    answer.must(not bad, f"the checks {', '.join(bad)} are not 'ok'.")
