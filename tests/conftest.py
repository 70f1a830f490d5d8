"""What every test starts from: no setting in the environment, an empty state folder, an SDK that nobody configured."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

import ams_sdk
from ams_sdk import _guard
from ams_sdk._decorators import runtime

# Two busy cores: a deadline would fail for reasons that are not the test's.
settings.register_profile("ams", deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("ams")


@pytest.fixture(autouse=True)
def untouched_process(monkeypatch, tmp_path):
    for name in list(os.environ):
        # AMS_REQUIRE_SERVICES speaks to the tests, not to the SDK.
        if name.startswith(("AMS_", "OTEL_")) and name != "AMS_REQUIRE_SERVICES":
            monkeypatch.delenv(name)
    # What the output looks like must not depend on who runs the tests.
    for name in ("COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AMS_STATE_DIR", str(tmp_path / "state"))
    yield
    ams_sdk.shutdown()
    runtime.reset()


@pytest.fixture(autouse=True)
def held_back():
    """The errors that the SDK kept from its user; a test that expects some looks at them and clears the list."""
    seen: list[tuple[str, Exception]] = []

    def observe(place: str, error: Exception) -> None:
        seen.append((place, error))

    _guard.observers.append(observe)
    yield seen
    _guard.observers.remove(observe)
    assert not seen, f"the SDK held back errors: {seen}"
