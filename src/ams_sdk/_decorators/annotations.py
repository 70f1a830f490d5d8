"""What the annotations of a function say, where some of them cannot be evaluated."""

from __future__ import annotations

import functools
import inspect
import sys
from types import MethodType
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk._capture import is_marked_secret

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["annotations_of", "function_of", "secret_parameters"]


def annotations_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations as they are written: values, or texts where they were not evaluated (PEP 563).

    Raises:
        TypeError: it has none, and cannot have any.
    """
    if sys.version_info >= (3, 14):
        # Annotations are evaluated when they are asked for (PEP 649); one that cannot be must not cost the others.
        import annotationlib  # noqa: PLC0415 -- new in 3.14

        return annotationlib.get_annotations(function, format=annotationlib.Format.FORWARDREF)
    return inspect.get_annotations(function)


def secret_parameters(function: Callable[..., Any]) -> frozenset[str]:
    """The parameters whose annotation has the mark ``Secret``; ``return`` stands for the result."""
    try:
        inner = function_of(function)
        scope = cast("dict[str, Any]", getattr(inner, "__globals__", {}))
        return frozenset(name for name, one in annotations_of(inner).items() if is_marked_secret(one, scope))
    except Exception:  # noqa: BLE001 -- annotations may be anything, and what is no function may have none
        return frozenset()


def function_of(called: Any) -> Any:  # noqa: ANN401 -- any callable
    """The function that runs when it is called: behind wrappers, partials, methods and ``__call__``; or itself."""
    for _ in range(_MOST_LAYERS):
        try:
            called = inspect.unwrap(called)
        except ValueError:  # it claims to wrap itself
            return called
        if isinstance(called, functools.partial):
            called = called.func
        elif isinstance(called, MethodType):
            called = called.__func__
        elif inspect.isfunction(called):
            return called
        else:
            inner = inspect.getattr_static(cast("type[object]", type(called)), "__call__", None)
            return inner if inspect.isfunction(inner) else called
    return called


_MOST_LAYERS: Final = 32
