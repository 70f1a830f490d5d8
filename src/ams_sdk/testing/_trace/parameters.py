"""What a decorated tool can be given, and its defaults: of a call only what it was given is recorded."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

from ams_sdk import _semconv
from ams_sdk._decorators.decoration import definition_of
from ams_sdk._decorators.definition import REST, Definition
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._trace.advice import near_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ams_sdk.testing._trace.captured_span import CapturedSpan

__all__ = ["NO_DEFAULT", "Parameters", "definition_of_kind", "parameters_at", "parameters_of"]

NO_DEFAULT: Final = inspect.Parameter.empty
_DEEPEST: Final = 5
"""Decorators on one function."""


class Parameters:
    """The parameters of a decorated function.

    Attributes:
        names: in their order, without ``self``, ``*args`` and ``**kwargs``.
        defaults: by name, of those that have one.
    """

    def __init__(self, definition: Definition) -> None:
        found = _declared(definition)
        self.defaults: Mapping[str, Any] = {
            name: one.default for name, one in (found or {}).items() if one.default is not NO_DEFAULT
        }
        kinds = {one.kind for one in (found or {}).values()}
        self._takes_all = found is None or inspect.Parameter.VAR_KEYWORD in kinds
        self._takes_rest = inspect.Parameter.VAR_POSITIONAL in kinds
        variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        self.names: list[str] = [name for name, one in (found or {}).items() if one.kind not in variadic]
        self.names += [name for name in definition.positional if name not in self.names]

    def takes(self, name: str) -> bool:
        """Whether an argument can be recorded under this name."""
        return self._takes_all or name in self.names or (name == REST and self._takes_rest)

    def refuse_others(self, names: Iterable[str], tool: str, asked_by: str) -> None:
        """Refuse arguments that the tool cannot be given.

        Raises:
            ConfigurationError: it cannot be given one of them.
        """
        for name in names:
            if not self.takes(name):
                near = "".join(f" {hint}" for hint in near_name(name, self.names))
                raise ConfigurationError(
                    f"{asked_by}: {tool} has no parameter {name!r}; it has {', '.join(self.names) or 'none'}.{near}"
                )


def definition_of_kind(value: object, kind: type[Definition]) -> Definition | None:
    """What the decorated says of itself as a tool, or as an agent; the outermost decorator of that kind counts."""
    found = definition_of(value) if callable(value) else None
    for _ in range(_DEEPEST):
        if found is None or isinstance(found, kind):
            break
        found = definition_of(found.function)
    return found if isinstance(found, kind) else None


def parameters_of(tool: object) -> Parameters | None:
    """Those of a decorated function, class or other callable; None of a name."""
    found = definition_of(tool) if callable(tool) else None
    return None if found is None else Parameters(found)


def parameters_at(span: CapturedSpan) -> Parameters | None:
    """Those of what a span is of, if its definition is found in this process; nothing is imported for it."""
    where, name = span.attributes.get(_semconv.CODE_FUNCTION_NAME), span.attributes.get(_semconv.TOOL_NAME)
    if not isinstance(where, str) or span.scope_name != _semconv.SCOPE:
        return None
    parts = where.split(".")
    for at in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:at]))
        if module is not None:
            found: object = module
            for part in parts[at:]:
                found = inspect.getattr_static(found, part, None)
            definition = None if found is None else definition_of(found)
            return Parameters(definition) if definition is not None and definition.name == name else None
    return None


def _declared(definition: Definition) -> dict[str, inspect.Parameter] | None:
    """Without ``self``; None if nobody can tell."""
    try:
        found = list(inspect.signature(definition.function).parameters.items())
    except Exception:  # noqa: BLE001 -- it has none, as what is written in C, or code of its class answered
        return None
    return dict(found[definition.skipped :])
