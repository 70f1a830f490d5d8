"""A decorated object that is callable and no function: it is what it was, and its calls are traced.

A ``functools.partial``, a function written in C, an instance of a class with ``__call__``. A function in its place
would be something else, so a proxy stands there: every question but the call is answered by the object itself. What
Python asks of an object's type (its length, an operator) needs a type that has it, so each type has proxies of its own.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from dataclasses import replace
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from ams_sdk._decorators.call import traced

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk._decorators.definition import Definition

__all__ = ["TracedCallable", "traced_callable"]

__tracebackhide__ = True  # by which pytest leaves frames of this file out of what it shows of a failure

_OWN: Final = frozenset({"__reduce_ex__", "__wrapped__", "ams_definition"})


class TracedCallable:
    """Stands for a callable object.

    Args:
        subject: the object.
        definition: what is recorded of its calls.
    """

    __slots__ = ("__weakref__", "__wrapped__", "_bound_definition", "_call", "ams_definition")

    __wrapped__: Any
    ams_definition: Definition
    _call: Callable[..., Any]
    _bound_definition: Definition | None

    def __init__(self, subject: Any, definition: Definition) -> None:  # noqa: ANN401 -- any callable
        called = getattr(subject, "__call__", None)  # noqa: B004 -- its own one tells of which kind it is
        function = called if isinstance(called, MethodType) and called.__self__ is subject else subject
        object.__setattr__(self, "__wrapped__", subject)
        object.__setattr__(self, "ams_definition", definition)
        object.__setattr__(self, "_call", traced(function, definition))
        object.__setattr__(self, "_bound_definition", None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the object's own types
        """Call the object."""
        return _call_of(self)(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # noqa: ANN401 -- whatever the object binds to
        """As an attribute of a class it binds if the object does, and to what the object binds to."""
        subject = self.__wrapped__
        kind = cast("Any", type(cast("object", subject)))
        if inspect.getattr_static(kind, "__get__", None) is None:
            return self
        bound: Any = kind.__get__(subject, instance, owner)
        if bound is subject:
            return self
        if type(bound) is MethodType and bound.__func__ is subject:
            return MethodType(self, bound.__self__)
        return _bound(self, bound, instance) if callable(bound) else bound

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 -- the object's own types
        if name == "__call__":  # of the kind that the object's own one is
            return _call_of(self)
        if name in _OWN:
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "__wrapped__"), name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.__wrapped__, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self.__wrapped__, name)

    def __dir__(self) -> list[str]:
        return dir(self.__wrapped__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __str__(self) -> str:
        return str(self.__wrapped__)

    def __eq__(self, other: object) -> Any:  # noqa: ANN401 -- it need not be a bool
        return self.__wrapped__ == _without_proxy(other)

    def __ne__(self, other: object) -> Any:  # noqa: ANN401 -- the same
        return self.__wrapped__ != _without_proxy(other)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Any:  # noqa: ANN401 -- pickle's own
        # A copy, in another process perhaps, is the object as it was before it was decorated.
        subject = self.__wrapped__
        reduced = subject.__reduce_ex__(protocol)
        return (_named, (subject.__module__, reduced)) if isinstance(reduced, str) else reduced


_call_of: Final[Any] = vars(TracedCallable)["_call"].__get__
_bound_definition_of: Final[Any] = vars(TracedCallable)["_bound_definition"].__get__


def _bound(proxy: TracedCallable, bound: Any, instance: object) -> TracedCallable:  # noqa: ANN401 -- whatever it binds to
    """A proxy for what an object has become as an attribute."""
    if instance is None and proxy.ams_definition.takes_self:
        return traced_callable(bound, proxy.ams_definition)  # a method of the class, which is given the instance
    definition = _bound_definition_of(proxy)
    if definition is None:
        # Without the receiver, which it has by now: a partial's parameters are those of its signature.
        definition = replace(proxy.ams_definition, function=functools.partial(bound), receivers=0)
        object.__setattr__(proxy, "_bound_definition", definition)
    return traced_callable(bound, definition)


_OPERATORS: Final = ("add", "sub", "mul", "matmul", "truediv", "floordiv", "mod", "divmod", "pow")
_BITS: Final = ("lshift", "rshift", "and", "xor", "or")
_IN_PLACE: Final = tuple(f"__i{name}__" for name in (*_OPERATORS, *_BITS) if name != "divmod")
_SPECIAL: Final = (
    *("__len__", "__length_hint__", "__bool__", "__iter__", "__reversed__", "__next__", "__contains__"),
    *("__getitem__", "__setitem__", "__delitem__", "__missing__"),
    *("__enter__", "__exit__", "__aenter__", "__aexit__", "__aiter__", "__anext__", "__await__"),
    *("__lt__", "__le__", "__gt__", "__ge__", "__neg__", "__pos__", "__abs__", "__invert__"),
    *("__int__", "__float__", "__complex__", "__index__", "__round__", "__trunc__", "__floor__", "__ceil__"),
    *("__bytes__", "__format__", "__fspath__", "__copy__", "__deepcopy__", "__buffer__", "__release_buffer__"),
    *("__set__", "__delete__", "__set_name__", "__instancecheck__", "__subclasscheck__"),
    *_IN_PLACE,
    *(f"__{before}{name}__" for name in (*_OPERATORS, *_BITS) for before in ("", "r")),
)
_kinds: Final[WeakKeyDictionary[type, type[TracedCallable]]] = WeakKeyDictionary()


def traced_callable(subject: Any, definition: Definition) -> TracedCallable:  # noqa: ANN401 -- any callable
    """A proxy for the object, with the special methods that the object's type has."""
    kind = cast("type[object]", type(subject))
    made = _kinds.get(kind)
    if made is None:
        # What all objects have says nothing; the comparisons of ``object`` only say that there is none.
        names = [name for name in _SPECIAL if getattr(kind, name, None) is not getattr(object, name, None)]
        special: dict[str, Any] = {name: _forwarding(name) for name in names}
        made = _kinds[kind] = type("TracedCallable", (TracedCallable,), {"__slots__": (), **special})
    return made(subject, definition)


def _forwarding(name: str) -> Callable[..., Any]:
    def forward(self: TracedCallable, *args: Any) -> Any:  # noqa: ANN401 -- the object's own types
        subject: Any = object.__getattribute__(self, "__wrapped__")
        method: Any = getattr(cast("type[object]", type(subject)), name)
        result = method(subject, *map(_without_proxy, args))
        return self if result is subject and name in _IN_PLACE else result

    forward.__name__ = name
    return forward


def _without_proxy(value: object) -> object:
    is_proxy = issubclass(type(value), TracedCallable)
    return object.__getattribute__(value, "__wrapped__") if is_proxy else value


def _named(module: str, name: str) -> Any:  # noqa: ANN401 -- whatever has that name
    """What pickle finds by a name."""
    return functools.reduce(getattr, name.split("."), importlib.import_module(module))
