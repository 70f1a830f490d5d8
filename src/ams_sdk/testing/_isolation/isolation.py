"""The SDK of this process for the time of a test: it talks to a mock platform, and goes on as before in the end."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ams_sdk import _lifecycle
from ams_sdk._client.stand_in import stand_in
from ams_sdk._tracing.provider_choice import watchers
from ams_sdk.testing._isolation.environment import of_tracing, replace_settings, restore
from ams_sdk.testing._isolation.network import NetworkBlock
from ams_sdk.testing._trace.routing import SpanSink, router

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from ams_sdk.testing._isolation.environment import Patch
    from ams_sdk.testing._platform import MockPlatform

__all__ = ["Isolation"]

_numbers: Final = itertools.count(1)
_FLUSH_SECONDS: Final = 10.0
_IN_VAIN_SECONDS: Final = 0.1
"""So long at a time is waited for what cannot arrive."""
_ATTEMPT_SECONDS: Final = 1.0
"""At the most, for an attempt in vain: after a 429 none may come for a long while."""


class Isolation:
    """In its ``with`` block the SDK is configured to a mock platform, and nothing leaves the process.

    What was configured before is put aside and put back: providers, the redaction rules, the environment. Connections
    to other machines are refused, and what the SDK itself asks of other machines is asked of the mock.

    Args:
        platform: what the SDK talks to.
        patch: changes the environment, and undoes that itself, as pytest's ``monkeypatch`` does.
        network: whether other machines may be reached, by anything but the SDK.
        settings: arguments of ``ams_sdk.configure`` that the test needs.

    Attributes:
        sink: the spans that were started in the block.
    """

    def __init__(
        self,
        platform: MockPlatform,
        patch: Patch,
        *,
        network: bool = False,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self._platform = platform
        self._network = network
        self._settings: dict[str, Any] = dict(settings or {})
        self._patch = patch
        self._exits = ExitStack()
        self.sink: SpanSink = SpanSink()
        self.block: NetworkBlock = NetworkBlock()

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            exits.callback(_lifecycle.Aside().put_back)
            # Before what was aside is put back, which may ask the environment; ``patch`` undoes its part later.
            exits.callback(restore, of_tracing())
            self._replace_environment(exits)
            if not self._network:
                self.block.close()
                exits.callback(self.block.open)
                self.block.allow(urlsplit(self._platform.url).hostname or "")
            exits.callback(_stand_in(self._platform))
            if router not in watchers:
                watchers.append(router)
                exits.callback(watchers.remove, router)
            exits.callback(self._shut_down)  # while there are watchers, so that providers are left by them too
            router.begin(self.sink)
            exits.callback(router.end, self.sink)
            self._configure()
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        self._exits.close()

    def settle(self) -> None:
        """Have everything that has ended, and every registration that was asked for, arrive at the platform.

        What cannot arrive is tried once more, so that what was tried can be asserted.
        """
        if not self._platform.holds_up_the_sdk:
            _lifecycle.flush(_FLUSH_SECONDS)
            return
        tried = len(self._platform.requests.of("export_traces"))
        deadline = time.monotonic() + _ATTEMPT_SECONDS
        while not _lifecycle.flush(_IN_VAIN_SECONDS) and time.monotonic() < deadline:
            if len(self._platform.requests.of("export_traces")) > tried:
                return

    def _shut_down(self) -> None:
        _lifecycle.shutdown(_IN_VAIN_SECONDS if self._platform.holds_up_the_sdk else None)

    def _replace_environment(self, exits: ExitStack) -> None:
        # It is made only if the test saves something there, by a login for example.
        state = Path(tempfile.gettempdir(), f"ams-test-{os.getpid()}-{next(_numbers)}")
        exits.callback(shutil.rmtree, state, ignore_errors=True)
        settings = {
            "AMS_STATE_DIR": str(state),
            "AMS_ENDPOINT": self._platform.url,
            "AMS_API_KEY": self._platform.api_key,
        }
        replace_settings(self._patch, settings, keeps_proxies=self._network)

    def _configure(self) -> None:
        ours: dict[str, Any] = {
            "endpoint": self._platform.url,
            "api_key": self._platform.api_key,
            "transport": self._platform.transport,
            "spool_dir": "none",
            "sample_rate": 1.0,
            "save_on_sigterm": False,
        }
        _lifecycle.configure(**{**ours, **self._settings})


def _stand_in(platform: MockPlatform) -> Any:  # noqa: ANN401 -- a function without arguments
    before = stand_in.endpoint, stand_in.blocking, stand_in.asynchronous
    stand_in.endpoint = platform.url
    stand_in.blocking = stand_in.asynchronous = platform.transport

    def restore() -> None:
        stand_in.endpoint, stand_in.blocking, stand_in.asynchronous = before

    return restore
