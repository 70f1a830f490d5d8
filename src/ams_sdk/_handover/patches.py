"""Methods of the standard library that are replaced while the SDK is configured, and put back after."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, Final

from ams_sdk._first_import import ImportWatch
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Patch", "install", "uninstall"]


class Patch:
    """One method of one class.

    Args:
        owner: a class that has the method; it is replaced in the class that defines it.
        name: the method's name.
        around: called in its place, with the method before all other arguments.
    """

    def __init__(self, owner: type, name: str, around: Callable[..., Any]) -> None:
        # gevent puts a subclass in the place of ``threading.Thread``, and that one has no ``start`` of its own.
        self._owner = owner = next(one for one in owner.__mro__ if name in vars(one))
        self._name = name
        self._original: Any = vars(owner)[name]
        self._is_active = True
        original = self._original

        @functools.wraps(original)
        def ams_sdk_method(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the method's own types
            return around(original, *args, **kwargs) if self._is_active else original(*args, **kwargs)

        self._patched = ams_sdk_method
        setattr(owner, name, ams_sdk_method)

    def undo(self) -> None:
        """Put the method back; if somebody has put another one over ours, ours does nothing from now on."""
        self._is_active = False
        if vars(self._owner).get(self._name) is self._patched:
            setattr(self._owner, self._name, self._original)


_installed: Final[dict[str, list[Patch]]] = {}


def _patch(module: str) -> None:
    from ams_sdk._handover import processes, threads  # noqa: PLC0415 -- not needed before

    if module not in _installed:
        _installed[module] = {**threads.PATCHES, **processes.PATCHES}[module]()


_watch: Final = ImportWatch(_patch)


def install() -> None:
    """Replace the methods of the modules that are imported, and of others when they are; what was replaced stays so."""
    from ams_sdk._handover import processes, threads  # noqa: PLC0415 -- not needed before

    names = {*threads.PATCHES, *processes.PATCHES}
    _watch.watch(names)
    for module in names & sys.modules.keys():
        with guard(f"handing runs over in {module}"):
            _patch(module)


def uninstall() -> None:
    """Put all of them back."""
    _watch.watch(())
    while _installed:
        for patch in _installed.popitem()[1]:
            patch.undo()
