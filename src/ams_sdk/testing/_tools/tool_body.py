"""Where the body of a decorated tool stands, and how another one gets into its place for the time of a test.

The wrapper that the decorator made calls what its closure cell ``function`` holds. The cell's content is replaced, so
everything around the body stays as it is: the span, the signature, references that other modules have. While nothing is
stubbed there is nothing to ask, and no call pays for it.
"""

from __future__ import annotations

import functools
import threading
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk._decorators.call import is_traced
from ams_sdk._decorators.callable_object import TracedCallable
from ams_sdk._decorators.decoration import definition_of
from ams_sdk._decorators.definition import ToolDefinition
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.masked_text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CellType

__all__ = ["ToolBody", "tool_body"]

_CELL: Final = "function"
_DEEPEST: Final = 5
_MOST: Final = 300
"""Objects that are looked at in what a framework made of a tool."""
_NO_HOME: Final = (type, ModuleType, BuiltinFunctionType, str, bytes, int, float, type(None), list, tuple, dict, set)


class ToolBody:
    """The body of one tool.

    Attributes:
        definition: what the decorator knows of the tool.
        wrapper: the function that calls the body.
        original: what it calls when nothing is stubbed.
    """

    def __init__(self, wrapper: FunctionType, definition: ToolDefinition) -> None:
        self.wrapper: FunctionType = wrapper
        self.definition: ToolDefinition = definition
        cells = cast("tuple[CellType, ...]", wrapper.__closure__)
        self._cell: CellType = cells[wrapper.__code__.co_freevars.index(_CELL)]
        self.original: Callable[..., Any] = _places.original_of(self._cell)

    @property
    def identity(self) -> int:
        """The same for every reference to this tool."""
        return id(self._cell)

    def replace(self, other: Callable[..., Any]) -> None:
        """Put another body there, above any that is there already."""
        _places.put(self._cell, other)

    def restore(self, other: Callable[..., Any]) -> None:
        """Take it away again, in whatever order several are taken away."""
        _places.take(self._cell, other)


class _Places:
    """Which cells hold what is not theirs; of several bodies for one, the last one serves."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._held: dict[int, tuple[CellType, list[Any]]] = {}

    def original_of(self, cell: CellType) -> Any:  # noqa: ANN401 -- any callable
        with self._lock:
            held = self._held.get(id(cell))
            return cell.cell_contents if held is None else held[1][0]

    def put(self, cell: CellType, other: object) -> None:
        with self._lock:
            _, bodies = self._held.setdefault(id(cell), (cell, [cell.cell_contents]))
            bodies.append(other)
            cell.cell_contents = other

    def take(self, cell: CellType, other: object) -> None:
        with self._lock:
            _, bodies = self._held[id(cell)]
            # By identity: a body is any callable, and may have an opinion on what it is equal to.
            at = next(at for at, one in enumerate(bodies) if one is other)
            del bodies[at]
            cell.cell_contents = bodies[-1]
            if len(bodies) == 1:
                del self._held[id(cell)]


_places: Final = _Places()


def tool_body(tool: object, asked_by: str) -> ToolBody:
    """The body of a tool: of the decorated function, ``Class.method``, class or callable object.

    What a framework made of a decorated function is looked into as well.

    Raises:
        ConfigurationError: it is no tool; the message says what to write instead.
    """
    if isinstance(tool, str):
        raise ConfigurationError(
            f"{asked_by} takes the tool itself, not its name {shown(tool, 60)}: import the function that is decorated "
            "with @tool, so that the test breaks where it is renamed."
        )
    found = _nearest(tool)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(body.definition.name for body in found[:5])
        raise ConfigurationError(f"{asked_by} was given {shown(tool, 60)}, which holds several tools ({names}).")
    raise ConfigurationError(
        f"{asked_by} was given {shown(tool, 80)}, which is no tool: write the function that is decorated with "
        "@ams_sdk.tool, or Class.method."
    )


def _nearest(tool: object) -> list[ToolBody]:
    """The tools that are found in the fewest steps from here."""
    level, seen, left = [tool], {id(tool)}, _MOST
    for _ in range(_DEEPEST):
        found = {body.identity: body for one in level for body in (_body_of(one),) if body is not None}
        if found:
            return list(found.values())
        below: list[object] = []
        for one in level:
            for inner in _inside(one):
                if id(inner) not in seen and left:
                    seen.add(id(inner))
                    left -= 1
                    below.append(inner)
        level = below
    return []


def _body_of(value: object) -> ToolBody | None:
    """The body, if this value itself is what ``@tool`` made."""
    kind = type(value)
    if issubclass(kind, TracedCallable):
        definition = cast("TracedCallable", value).ams_definition
        wrapper = object.__getattribute__(value, "_call")
        return ToolBody(wrapper, definition) if isinstance(definition, ToolDefinition) else None
    if kind is FunctionType and is_traced(cast("FunctionType", value)):
        function = cast("FunctionType", value)
        # Not what a wrapper has taken over from a wrapper below: each says of itself what it is.
        said = definition_of(function)
        return ToolBody(function, said) if isinstance(said, ToolDefinition) else None
    return None


def _inside(value: object) -> Iterator[object]:
    """What a value may call: behind methods, wrappers, partials, closures and the fields of an object."""
    kind = type(value)
    if issubclass(kind, type):
        yield from _entry_methods(cast("type", value))
        return
    if issubclass(kind, TracedCallable):  # another decorator's: what it stands for
        yield object.__getattribute__(value, "__wrapped__")
        return
    if issubclass(kind, MethodType | staticmethod | classmethod):
        yield cast("MethodType", value).__func__
        return
    if kind is FunctionType:
        for cell in cast("FunctionType", value).__closure__ or ():
            try:
                inner = cell.cell_contents
            except ValueError:  # it is empty yet
                continue
            if not isinstance(inner, _NO_HOME):
                yield inner
    elif issubclass(kind, functools.partial):
        yield cast("functools.partial[Any]", value).func
    yield from (one for one in _fields(value) if not isinstance(one, _NO_HOME))


def _fields(value: object) -> list[object]:
    try:
        return list(vars(value).values())
    except Exception:  # noqa: BLE001 -- it has none, or code of its class answered
        return []


def _entry_methods(kind: type) -> Iterator[object]:
    for base in kind.__mro__:
        for one in vars(base).values():
            method = cast("object", one)
            definition = definition_of(method) if isinstance(one, FunctionType | staticmethod | classmethod) else None
            if definition is not None and definition.owner is not None:
                yield method
