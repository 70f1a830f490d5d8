"""``Secret``: what marks a parameter or a field whose value is never recorded."""

from __future__ import annotations

import re
from types import GenericAlias, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

from ams_sdk._capture.introspection import type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Secret", "is_marked_secret", "marks_secret"]


class Secret:
    """Marks a parameter, or a field of a dataclass, a pydantic model or an attrs class, whose value is never recorded.

    Written in the annotation, so the value keeps its own type: ``def login(user: str, pin: Annotated[str, Secret])``.
    """


_WORD: Final = re.compile(r"\bSecret\b")
_Annotated: Final = cast("type[object]", type(Annotated[int, 0]))
_DEEPEST: Final = 16


def marks_secret(metadata: object) -> bool:
    """Whether what stands beside the type in ``Annotated`` is the mark: the class, or an instance of it."""
    return metadata is Secret or issubclass(type(metadata), Secret)


def is_marked_secret(annotation: object, scope: Mapping[str, Any] | None = None) -> bool:
    """Whether ``Secret`` stands in an annotation; runs no code of the classes that stand there.

    Args:
        annotation: the annotation, or its text where annotations are not evaluated (PEP 563).
        scope: the names that the text may use. A text that cannot be evaluated is taken by its words.
    """
    return _is_marked(annotation, scope or {}, _DEEPEST)


def _is_marked(annotation: object, scope: Mapping[str, Any], depth: int) -> bool:
    kind = type(annotation)
    if depth <= 0 or issubclass(kind, type):  # a class as such
        return False
    if issubclass(kind, str):
        return _is_marked_in_text(str.__str__(cast("str", annotation)), scope, depth)
    if kind is _Annotated and any(map(marks_secret, vars(annotation)["__metadata__"])):
        return True
    return any(_is_marked(one, scope, depth - 1) for one in _parts(annotation, kind))


def _parts(annotation: object, kind: type) -> tuple[object, ...]:
    """What an annotation is made of."""
    module, _, name = type_name(kind).rpartition(".")
    if name == "ForwardRef":
        return (_asked(annotation, "__forward_arg__"),)
    if name == "TypeAliasType":  # type Pin = Annotated[str, Secret]
        return (_asked(annotation, "__value__"),)
    if kind is GenericAlias or kind is UnionType or module == "typing":
        args = _asked(annotation, "__args__")
        if type(args) is tuple:
            # A text within is one of the words of ``Literal``; what names a type is a ForwardRef.
            return tuple(one for one in cast("tuple[object, ...]", args) if type(one) is not str)
    return ()


def _is_marked_in_text(text: str, scope: Mapping[str, Any], depth: int) -> bool:
    if _WORD.search(text):
        return True
    try:
        found = eval(text, dict(scope))  # noqa: S307 -- the program's own code, as typing.get_type_hints runs it
    except Exception:  # noqa: BLE001 -- any expression may stand there, with names that only a type checker imports
        return False
    return _is_marked(found, scope, depth - 1)


def _asked(annotation: object, name: str) -> object:
    try:
        return getattr(annotation, name, None)
    except Exception:  # noqa: BLE001 -- an alias is evaluated here, and may name what only a type checker imports
        return None
