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


def _callable(value: Any, subject: object, define: Define, decorator: str, owner: type | None = None) -> Any:  # noqa: ANN401 -- the same
    """The same for what is no class, which may be the entry method of one."""
    if isinstance(value, staticmethod | classmethod):
        inner, kind = cast("staticmethod[..., Any]", value).__func__, type(cast("object", value))
        receivers = 0 if isinstance(value, staticmethod) else 1
        named = inner if subject is value else subject
        return cast("Any", kind)(_function(inner, named, define, decorator, owner=owner, receivers=receivers))
    if isinstance(value, MethodType):
        named = value.__func__ if subject is value else subject
        return MethodType(_function(value.__func__, named, define, decorator, owner=owner, receivers=1), value.__self__)
    binds = owner is not None and inspect.getattr_static(cast("type[object]", type(value)), "__get__", None) is not None
    return _function(value, subject, define, decorator, owner=owner, receivers=1 if binds else None)


def _function(  # noqa: PLR0913 -- what a definition is made of
    value: Any,  # noqa: ANN401 -- the same
    subject: object,
    define: Define,
    decorator: str,
    *,
    owner: type | None,
    receivers: int | None,
) -> Any:  # noqa: ANN401 -- the same
    if type(value) is FunctionType or inspect.isfunction(value):
        definition = define(value, subject, owner=owner, receivers=receivers)
        _check_excluded(definition, decorator)
        outer = definition_of(value)
        if is_traced(value) and type(outer) is type(definition):  # put on twice: the options of the outer one hold
            value = vars(value)["__wrapped__"]
            definition = define(value, subject, owner=owner, receivers=receivers)
        wrapper = traced(value, definition)
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
    # Not setattr: a metaclass may have its own opinion on what is set.
    type.__setattr__(subject, name, _callable(method, subject, define, decorator, owner=subject))
    return subject


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
