"""Something is told of a module right after its first import, so that one which is never imported costs nothing.

A finder at the head of ``sys.meta_path`` wraps the loaders of the modules that are watched (PEP 451). Nothing here
holds a lock while a module is being imported: whoever imports holds that module's lock already.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any

from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["ImportWatch"]


class _Here(threading.local):
    """What this thread is in the middle of."""

    def __init__(self) -> None:
        self.looking_for: set[str] = set()
        self.depth = 0
        self.imported: list[str] = []


class ImportWatch:
    """Tells when watched modules have been imported.

    It tells when the outermost watched import of a thread is over: a framework that imports a model's library half-way
    is complete by then, and an instrumentor may look into both.

    Args:
        tell: called with the name of a module; what it raises is held back.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._names: frozenset[str] = frozenset()
        self._packages: frozenset[str] = frozenset()
        self._here = _Here()

    def watch(self, names: Iterable[str], packages: Iterable[str] = ()) -> None:
        """Watch these modules from now on, and no others; with none the finder leaves ``sys.meta_path``.

        Args:
            names: full names of modules.
            packages: top-level packages each of whose modules is watched.
        """
        self._names, self._packages = frozenset(names), frozenset(packages)
        if not self._names:
            sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
        elif self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a watched module as the other finders do, and wrap its loader; None for any other module."""
        if not self._is_watched(name) or name in self._here.looking_for:
            return None
        self._here.looking_for.add(name)  # other finders that wrap ask all finders anew, us included
        try:
            return self._wrapped(self._found_by_others(name, path, target), name)
        finally:
            self._here.looking_for.discard(name)

    def _is_watched(self, name: str) -> bool:
        return name in self._names or name.partition(".")[0] in self._packages

    def _found_by_others(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            find_spec = None if finder is self else getattr(finder, "find_spec", None)
            spec = None if find_spec is None else find_spec(name, path, target)
            if spec is not None:
                return spec  # type: ignore[no-any-return]  # what a finder gives
        return None

    def _wrapped(self, spec: ModuleSpec | None, name: str) -> ModuleSpec | None:
        loader: Any = None if spec is None else spec.loader
        if spec is not None and hasattr(loader, "exec_module"):
            spec.loader = _Loader(loader, name, self)  # type: ignore[assignment]  # it has what a loader has
        return spec

    @contextlib.contextmanager
    def waiting(self) -> Generator[None]:
        """Tell what is imported in here, by this thread, when the outermost such block is over."""
        here = self._here
        here.depth += 1
        try:
            yield
        finally:
            try:
                # Still inside: an instrumentor imports too, and must be complete before it is asked for the next one.
                while here.depth == 1 and here.imported:
                    name = here.imported.pop(0)
                    with guard(f"after the first import of {name}"):
                        self._tell(name)
            finally:  # also after Ctrl-C
                here.depth -= 1

    def imported(self, name: str) -> None:
        """A watched module has run."""
        self._here.imported.append(name)


class _Loader:
    """A loader that tells when its module has run, and is not to be seen from then on."""

    def __init__(self, loader: Any, name: str, watch: ImportWatch) -> None:  # noqa: ANN401 -- of any finder
        self._loader = loader
        self._name = name
        self._watch = watch

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- whatever the loader has
        return getattr(object.__getattribute__(self, "_loader"), name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        create = getattr(self._loader, "create_module", None)
        return None if create is None else create(spec)

    def exec_module(self, module: ModuleType) -> None:
        # A module may look at its loader while it runs, and others later; both are to find the real one.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        with self._watch.waiting():
            self._loader.exec_module(module)
            self._watch.imported(self._name)
