"""Which libraries of this process are traced: those that are asked for, each from its first import on."""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING

from ams_sdk._first_import import ImportWatch
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from opentelemetry.trace import TracerProvider

    from ams_sdk._libraries.content_switch import ContentSwitch
    from ams_sdk._libraries.instrumentation import Instrumentation
    from ams_sdk._libraries.table import Library

__all__ = ["LibraryTracing"]

logger = logging.getLogger("ams_sdk")


class LibraryTracing:
    """The libraries of this process that are traced.

    The lock is not held while anything is imported or instrumented: an import holds the module's lock, and whoever
    waits for a module while holding a lock that the import needs would wait for ever. A library is taken out of what is
    pending, which one thread can do, and nobody else takes it until that thread is done with it.
    """

    def __init__(self) -> None:
        self._serving: Callable[[], TracerProvider | None] = lambda: None
        self._captures = False
        self._content: ContentSwitch | None = None
        self._wanted: frozenset[str] = frozenset()
        self._pending: dict[str, Library] = {}
        self._busy: set[str] = set()
        self._traced: dict[str, Instrumentation] = {}
        # Reentrant: a signal handler of the program may configure or import while this thread is in here.
        self._lock = threading.RLock()
        self._watch = ImportWatch(self._imported)

    def trace(
        self, libraries: Collection[Library], serving: Callable[[], TracerProvider | None], *, captures: bool
    ) -> None:
        """Trace these libraries, and none else: those that are imported now, the others when they are.

        Those that are traced already stay as they are, and write to the new provider. Only if content is recorded
        otherwise than before, those that asked for that once are instrumented anew.

        Args:
            libraries: which ones.
            serving: gives the provider that serves, or None.
            captures: whether content is recorded.
        """
        self._watch.watch(())
        self._wanted = frozenset(library.name for library in libraries)
        self._serving = serving
        self._set_content(captures=captures)
        for name in list(self._traced):
            if name not in self._wanted:
                self._undo(name)
        with self._lock:
            known = self._traced.keys() | self._busy
            self._pending = {library.name: library for library in libraries if library.name not in known}
        self._renew_watch()
        with self._watch.waiting():
            for library in list(self._pending.values()):
                if library.modules[0] in sys.modules:
                    self._take(library)
        self._renew_watch()

    def stop(self) -> None:
        """Take back what we instrumented."""
        self._wanted = frozenset()
        self._pending = {}
        self._watch.watch(())
        for name in list(self._traced):
            self._undo(name)
        if self._content is not None:
            self._content.release()

    def after_fork(self) -> None:
        """Begin anew in the child of a fork: what another thread of the parent was in the midst of nobody will end."""
        self._lock = threading.RLock()
        self._busy = set()

    def traced(self) -> dict[str, str]:
        """What is traced, and by which distribution."""
        return {name: traced.by for name, traced in self._traced.copy().items()}

    def _provider(self) -> TracerProvider | None:
        return self._serving()

    def _set_content(self, *, captures: bool) -> None:
        if self._content is None or captures == self._captures:
            self._captures = captures
            return
        from ams_sdk._libraries.content_switch import Content, ContentSwitch  # noqa: PLC0415 -- loaded before

        self._content.release()
        self._captures, self._content = captures, ContentSwitch(captures=captures)
        for name, traced in list(self._traced.items()):
            if traced.content is Content.ASKED_ONCE:
                self._undo(name)
            elif traced.content is Content.ASKED_AT_EACH_CALL:
                self._content.hold()

    def _imported(self, module: str) -> None:
        root = module.partition(".")[0]
        for library in list(self._pending.values()):
            if (module in library.modules or root in library.packages) and library.modules[0] in sys.modules:
                self._take(library)
                self._renew_watch()

    def _renew_watch(self) -> None:
        waiting = list(self._pending.values())
        self._watch.watch(
            [module for library in waiting for module in library.modules],
            [package for library in waiting for package in library.packages],
        )

    def _take(self, library: Library) -> None:
        with self._lock:
            if self._pending.pop(library.name, None) is None:
                return
            self._busy.add(library.name)
        try:
            with guard(f"tracing {library.name}"):
                self._instrument(library)
        finally:
            with self._lock:
                self._busy.discard(library.name)

    def _instrument(self, library: Library) -> None:
        # Loaded where there is a library to trace: a program without one does not pay for them.
        from ams_sdk._libraries.content_switch import Content, ContentSwitch  # noqa: PLC0415 -- see above
        from ams_sdk._libraries.instrumentation import instrument  # noqa: PLC0415 -- the same
        from ams_sdk._libraries.survey import Survey  # noqa: PLC0415 -- the same

        used = None
        while used is None or used is not self._content:  # else the SDK was configured anew in the meantime
            self._undo(library.name)
            used = self._content = self._content or ContentSwitch(captures=self._captures)
            survey = Survey.latest()
            made = instrument(survey.of(library), survey, self._provider, used)
            if isinstance(made, str):
                logger.debug("ams_sdk does not trace %s: %s", library.name, made)
                return
            if made.content is Content.ASKED_AT_EACH_CALL:
                used.hold()
            self._traced[library.name] = made
            if library.entry_points:
                made.give_way(lambda: self._undo(library.name))
            logger.debug("ams_sdk traces %s with %s", library.name, made.by)
        if library.name not in self._wanted:
            self._undo(library.name)

    def _undo(self, name: str) -> None:
        traced = self._traced.pop(name, None)
        if traced is not None:
            with guard(f"ending to trace {name}"):
                traced.undo()
