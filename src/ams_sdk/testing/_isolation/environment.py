"""The variables of the environment that speak to the SDK, for the time of a test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    import pytest

__all__ = ["Environment", "KeptPatch", "Patch", "of_tracing", "replace_settings", "restore"]

_PREFIXES: Final = ("AMS_", "OTEL_")
_PROXIES: Final = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"})
_OF_TESTS: Final = frozenset({"AMS_REQUIRE_SERVICES"})
"""Speaks to tests and not to the SDK."""


class Patch(Protocol):
    """What pytest's ``monkeypatch`` does; it undoes its changes itself."""

    def setenv(self, name: str, value: str) -> None:
        """Set a variable."""
        ...

    def delenv(self, name: str) -> None:
        """Remove one that is there."""
        ...


class Environment:
    """The same without pytest: at the end of its ``with`` block each variable is as it was."""

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}

    def setenv(self, name: str, value: str) -> None:
        """Set a variable."""
        self._before.setdefault(name, os.environ.get(name))
        os.environ[name] = value

    def delenv(self, name: str) -> None:
        """Remove one that is there."""
        self._before.setdefault(name, os.environ.get(name))
        os.environ.pop(name, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before.clear()


class KeptPatch:
    """pytest's ``monkeypatch``, whose ``undo()`` in the middle of a test leaves what was set here.

    What is set here is among what a test sets itself, in the order in which both happened; only so does each variable
    become in the end what it was before both. In the ``with`` block ``undo()`` sets these again.

    Args:
        monkeypatch: of the test.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._kept: dict[str, str | None] = {}

    def setenv(self, name: str, value: str) -> None:
        """Set a variable."""
        self._kept[name] = value
        self._monkeypatch.setenv(name, value)

    def delenv(self, name: str) -> None:
        """Remove one, and whatever it becomes until the end."""
        self._kept[name] = None
        self._monkeypatch.setenv(name, "")  # so that it is known as one that was not there
        self._monkeypatch.delenv(name)

    def __enter__(self) -> Self:
        undo = self._monkeypatch.undo

        def undo_and_set_again() -> None:
            undo()
            for name, value in self._kept.items():
                if value is None:
                    self.delenv(name)
                else:
                    self.setenv(name, value)

        self._monkeypatch.undo = undo_and_set_again  # type: ignore[method-assign]  # of this object only
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        del self._monkeypatch.undo


def of_tracing() -> dict[str, str]:
    """What the environment says of tracing, and of proxies, by which a test would get out."""
    return {name: value for name, value in os.environ.items() if _concerns(name)}


def restore(before: Mapping[str, str]) -> None:
    """Let the environment say that again."""
    for name in [name for name in os.environ if _concerns(name) and name not in before]:
        del os.environ[name]
    os.environ.update(before)


def _concerns(name: str) -> bool:
    return (name.startswith(_PREFIXES) and name not in _OF_TESTS) or name.upper() in _PROXIES


def replace_settings(patch: Patch, settings: Mapping[str, str], *, keeps_proxies: bool) -> None:
    """Remove whatever configures tracing, and set these: a test goes alike on any machine."""
    for name in of_tracing():
        if name not in settings and (name.upper() not in _PROXIES or not keeps_proxies):
            patch.delenv(name)
    for name, value in settings.items():
        patch.setenv(name, value)
