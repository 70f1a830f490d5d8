"""Whether instrumentors record content: each project reads a variable of its own, and only those.

============== ======================================================= ================ ==============
project        variable                                                read             content unless told
============== ======================================================= ================ ==============
OpenTelemetry  ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT``  at instrument()  off
OpenLLMetry    ``TRACELOOP_TRACE_CONTENT``                             at each call     on
OpenInference  ``OPENINFERENCE_HIDE_INPUTS``, ``…_OUTPUTS`` and others at instrument()  on
============== ======================================================= ================ ==============

Content is recorded where ``capture_content`` and the project's variable, if the user has set it, both say so; an unset
variable follows ``capture_content``. What is read at ``instrument()`` is in the environment only for its duration.
"""

from __future__ import annotations

import contextlib
import os
import threading
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

__all__ = ["Content", "ContentSwitch"]

_OFFICIAL: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_OPENLLMETRY: Final = "TRACELOOP_TRACE_CONTENT"
_OPENINFERENCE: Final = (
    "OPENINFERENCE_HIDE_INPUTS",
    "OPENINFERENCE_HIDE_OUTPUTS",
    "OPENINFERENCE_HIDE_PROMPTS",
    "OPENINFERENCE_HIDE_CHOICES",
    "OPENINFERENCE_HIDE_RETRIEVAL_DOCUMENTS",
    "OPENINFERENCE_HIDE_EMBEDDINGS_TEXT",
)
_WITHOUT_SPANS: Final = {"SPAN_ONLY": "NO_CONTENT", "SPAN_AND_EVENT": "EVENT_ONLY", "EVENT_ONLY": "EVENT_ONLY"}


class _Environment:
    """Variables that are set for a while, by several threads perhaps: the last one puts back what was there."""

    def __init__(self) -> None:
        # Never held while something is imported or instrumented. Reentrant: a signal handler may configure.
        self._lock = threading.RLock()
        self._users = 0
        self._before: dict[str, str | None] = {}

    def hold(self, values: Mapping[str, str]) -> None:
        with self._lock:
            self._users += 1
            for name, value in values.items():
                self._before.setdefault(name, os.environ.get(name))
                os.environ[name] = value

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                before, self._before = self._before, {}
                for name, value in before.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value


_environment: Final = _Environment()


class Content(Enum):
    """When an instrumentor asks whether content is recorded."""

    ASKED_ONCE = auto()
    ASKED_AT_EACH_CALL = auto()
    NONE = auto()
    """It has none to record."""


class ContentSwitch:
    """Says to instrumentors what ``capture_content`` says.

    Args:
        captures: the setting.
    """

    def __init__(self, *, captures: bool) -> None:
        self.captures = captures
        self._before: str | None = None
        self._is_held = False

    @contextlib.contextmanager
    def instrumenting(self) -> Generator[None]:
        """For the duration of ``instrument()``."""
        values = _on() if self.captures else _off()
        _environment.hold(values)
        try:
            yield
        finally:
            _environment.release()

    def hold(self) -> None:
        """For as long as OpenLLMetry's instrumentors are in use; it reads its variable at each call."""
        if not self.captures and not self._is_held:
            self._is_held, self._before = True, os.environ.get(_OPENLLMETRY)
            os.environ[_OPENLLMETRY] = "false"

    def release(self) -> None:
        """Put it back."""
        if self._is_held:
            self._is_held = False
            if self._before is None:
                os.environ.pop(_OPENLLMETRY, None)
            else:
                os.environ[_OPENLLMETRY] = self._before


def _on() -> dict[str, str]:
    return {} if os.environ.get(_OFFICIAL) else {_OFFICIAL: "SPAN_ONLY"}


def _off() -> dict[str, str]:
    official = _WITHOUT_SPANS.get(os.environ.get(_OFFICIAL, "").strip().upper(), "NO_CONTENT")
    return {_OFFICIAL: official} | dict.fromkeys(_OPENINFERENCE, "true")
