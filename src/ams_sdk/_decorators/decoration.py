"""What can be decorated, and what becomes of it: it stays what it is, and its calls are traced."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cached_property, partialmethod, singledispatchmethod
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, TypeVar, cast

from ams_sdk._decorators.call import is_traced, traced
from ams_sdk._decorators.callable_object import TracedCallable, traced_callable
from ams_sdk._decorators.definition import Captured, Definition
from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Capture", "DecoratedT", "Decorator", "captured_by", "decorated", "definition_of"]

Capture: TypeAlias = Literal["all", "input", "output", "none"]
DecoratedT = TypeVar("DecoratedT", bound="Callable[..., Any] | staticmethod[..., Any] | classmethod[Any, ..., Any]")
_ATTRIBUTE: Final = "__ams_definition__"
_ENTRYPOINTS: Final = ("run", "__call__")
_METHODS: Final = (FunctionType, staticmethod, classmethod, TracedCallable)


class Decorator(Protocol):
    """A decorator that gives back what it gets, by type."""

    def __call__(self, decorated: DecoratedT, /) -> DecoratedT:
        """Decorate a function, a method, a class or another callable."""
        ...


Define: TypeAlias = "Callable[..., Definition]"
"""Makes a definition of what is called and what the decorator was put on, with ``owner`` and ``receivers``."""


def decorated(subject: Any, define: Define, decorator: str, entrypoint: str | None = None) -> Any:  # noqa: ANN401 -- what comes in goes out
    """What was decorated, with its calls traced; of the same kind, and a class is the same class.

    Args:
        subject: what the decorator was put on.
        define: makes the definition.
        decorator: the decorator's name.
        entrypoint: the name of the method whose calls are traced, if it is a class.

    Raises:
        ConfigurationError: this cannot be decorated; the message says what to write instead.
    """
    if isinstance(subject, type):
        return _class(subject, define, decorator, entrypoint)
    if entrypoint is not None:
        raise ConfigurationError(f"@{decorator}(entrypoint={entrypoint!r}) is for a class; leave it out here.")
    return _callable(subject, subject, define, decorator)


def definition_of(value: object) -> Definition | None:
    """What the decorated says of itself, or None if the value is not decorated."""
    # By the type, and not isinstance, which asks the value: it may be a lazy one of the program's.
    kind = type(value)
    if issubclass(kind, TracedCallable):
        return cast("TracedCallable", value).ams_definition
    if issubclass(kind, type):
        value = cast("type", value)
        found = (definition_of(one) for one in vars(value).values() if issubclass(type(one), _METHODS))
        return next((one for one in found if one is not None and _is_same(one.owner, value)), None)
    if issubclass(kind, MethodType | staticmethod | classmethod):
        return definition_of(cast("MethodType", value).__func__)
    definition = inspect.getattr_static(value, _ATTRIBUTE, None)
    return definition if isinstance(definition, Definition) else None


def captured_by(capture: object, excluded: object, decorator: str, description: object, entrypoint: object) -> Captured:
    """What is recorded, as the options of a decorator say; those that all have are checked here.

    Raises:
        ConfigurationError: an option cannot be used.
    """
    if not isinstance(capture, str) or capture not in {"all", "input", "output", "none"}:
        raise ConfigurationError(f'@{decorator}(capture={capture!r}): write "all", "input", "output" or "none".')
    if isinstance(excluded, str) or not isinstance(excluded, Iterable):
        raise ConfigurationError(f'@{decorator}(exclude={excluded!r}): write the names of parameters, ("password",).')
    given = list(cast("Iterable[object]", excluded))
    if not all(isinstance(name, str) for name in given):
        raise ConfigurationError(f'@{decorator}(exclude={excluded!r}): write the names of parameters, ("password",).')
    names = frozenset(cast("list[str]", given))
    for option, value in (("description", description), ("entrypoint", entrypoint)):
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(f"@{decorator}({option}={value!r}): write a text, or leave it out.")
    return Captured(capture in {"all", "input"}, capture in {"all", "output"}, names)


def _is_same(owner: type | None, found: type) -> bool:
    # ``dataclass(slots=True)`` makes another class of the one that was decorated.
    return owner is found or (
        owner is not None and (owner.__module__, owner.__qualname__) == (found.__module__, found.__qualname__)
    )


def _callable(  # noqa: PLR0913 -- what a definition is made of
    value: Any,  # noqa: ANN401 -- the same
    subject: object,
    define: Define,
    decorator: str,
    *,
    owner: type | None = None,
    inherited: str | None = None,
) -> Any:  # noqa: ANN401 -- the same
    """The same for what is no class, which may be the entry method of one, of its own or ``inherited`` by this name."""
    # By the type, and not isinstance: a wrapper that pretends to be what it wraps cannot be taken apart as that.
    kind = cast("type[object]", type(value))
    if issubclass(kind, staticmethod | classmethod):
        inner = cast("staticmethod[..., Any]", value).__func__
        is_static = issubclass(kind, staticmethod)
        named = inner if subject is value else subject
        via = None if is_static else inherited  # without a class nobody can say whose method comes next
        made = _function(inner, named, define, decorator, owner=owner, receivers=1 - is_static, inherited=via)
        return cast("Any", kind)(made)
    if issubclass(kind, MethodType):
        method = cast("MethodType", value)
        named = method.__func__ if subject is value else subject
        made = _function(method.__func__, named, define, decorator, owner=owner, receivers=1)
        return MethodType(made, method.__self__)
    binds = owner is not None and inspect.getattr_static(cast("type[object]", type(value)), "__get__", None) is not None
    receivers = 1 if binds else None
    return _function(value, subject, define, decorator, owner=owner, receivers=receivers, inherited=inherited)


def _function(  # noqa: PLR0913 -- what a definition is made of
    value: Any,  # noqa: ANN401 -- the same
    subject: object,
    define: Define,
    decorator: str,
    *,
    owner: type | None,
    receivers: int | None,
    inherited: str | None = None,
) -> Any:  # noqa: ANN401 -- the same
    if issubclass(cast("type[object]", type(value)), FunctionType):
        found = function = cast("FunctionType", value)
        definition = define(function, subject, owner=owner, receivers=receivers)
        _check_excluded(definition, decorator)
        outer = definition_of(found)
        if is_traced(found) and type(outer) is type(definition):  # put on twice: the options of the outer one hold
            function = vars(found)["__wrapped__"]
            definition = define(function, subject, owner=owner, receivers=receivers)
        if owner is None or inherited is None:
            wrapper = traced(function, definition)
        else:
            wrapper = traced(_next_in_line(owner, inherited, found, function), definition, function)
        setattr(wrapper, _ATTRIBUTE, definition)
        return wrapper
    _refuse(value, decorator)
    definition = define(value, subject, owner=owner, receivers=receivers)
    _check_excluded(definition, decorator)
    return traced_callable(value, definition)


def _class(subject: type, define: Define, decorator: str, entrypoint: str | None) -> type:
    names = _ENTRYPOINTS if entrypoint is None else (entrypoint,)
    for name in names:
        # Not getattr: a metaclass has methods too, and those of the class are meant.
        method = next((vars(base)[name] for base in subject.__mro__ if name in vars(base)), None)
        if method is not None:
            break
    else:
        wanted = " nor ".join(names) if entrypoint is None else entrypoint
        raise ConfigurationError(
            f"@{decorator} traces a method of the class {subject.__qualname__!r}, which has "
            f'{"neither " if entrypoint is None else "no "}{wanted}: write @{decorator}(entrypoint="…").'
        )
    if isinstance(method, property | cached_property) or not (
        callable(method) or isinstance(method, staticmethod | classmethod)
    ):
        raise ConfigurationError(
            f"@{decorator} cannot trace {subject.__qualname__}.{name}, which is no method: "
            f'write @{decorator}(entrypoint="…") with the name of one.'
        )
    inherited = None if name in vars(subject) else name
    made = _callable(method, subject, define, decorator, owner=subject, inherited=inherited)
    # Not setattr: a metaclass may have its own opinion on what is set.
    type.__setattr__(subject, name, made)
    return subject


def _next_in_line(owner: type, name: str, found: FunctionType, function: FunctionType) -> Callable[..., Any]:
    """Calls the inherited method as if ``owner`` had none of its own.

    Which method that is, is decided when it is called: the class of the instance may have put another one in between,
    and somebody may have replaced it.

    Args:
        owner: the class that was decorated.
        name: of the method.
        found: what it was when the class was decorated.
        function: what is called for that one: the same, or what it is the traced form of.
    """

    def next_in_line(receiver: Any, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the user's own types
        kind = cast("type[object]", type(receiver))
        line = (cast("type[object]", receiver) if issubclass(kind, type) else kind).__mro__
        home = owner if owner in line else next(one for one in line if _is_same(owner, one))
        method: Any = getattr(cast("object", super(home, receiver)), name)
        if getattr(method, "__func__", None) is found:
            return function(receiver, *args, **kwargs)
        return method(*args, **kwargs)

    return next_in_line


def _check_excluded(definition: Definition, decorator: str) -> None:
    for name in sorted(definition.captured.excluded):
        if not definition.takes(name):
            raise ConfigurationError(f"@{decorator}(exclude=…): {definition.name} has no parameter {name!r}.")


def _refuse(value: object, decorator: str) -> None:
    if isinstance(value, property | cached_property | partialmethod | singledispatchmethod):
        kind = type(cast("object", value)).__name__
        raise ConfigurationError(f"@{decorator} goes below @{kind}, directly above the function.")
    if isinstance(value, str):
        raise ConfigurationError(f"Write @{decorator}(name={value!r}): the name is a keyword argument.")
    if not callable(value):
        raise ConfigurationError(
            f"@{decorator} goes on a function, a method, a class or another callable, not on a {type(value).__name__}."
        )
