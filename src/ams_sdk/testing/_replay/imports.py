"""The names of a written test: each is imported once, and none hides another."""

from __future__ import annotations

import builtins
import keyword
import sys
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._replay.python_code import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ams_sdk.testing._replay.code_place import CodePlace

__all__ = ["Imports"]

_KIT: Final = "ams_sdk.testing"
_OURS: Final = (
    *("FakeLLM", "ToolStubs", "TraceCapture", "agent_step", "error", "model_step", "refusal", "run", "text"),
    *("thinking", "tool_call", "tool_calls", "tool_step", "turn", "ANY", "pytest", "re"),
    *("agent_run", "ams_llm", "ams_tools", "ams_trace"),
)


class Imports:
    """What is imported.

    Args:
        own: top-level packages of the program.
    """

    def __init__(self, own: Iterable[str]) -> None:
        self._own = frozenset(own)
        self._modules: set[str] = set()
        self._names: dict[tuple[str, str], str] = {}
        self._taken = {*_OURS, *keyword.kwlist, *dir(builtins)}

    def module(self, name: str) -> str:
        """Import a module as a whole; gives its name."""
        self._modules.add(name)
        return name

    def ours(self, name: str) -> str:
        """Import a name of the testing kit."""
        self._names[_KIT, name] = name
        return name

    def standard(self, module: str, name: str) -> str:
        """Import a name of a module that no name of the program hides."""
        self._names[module, name] = name
        return name

    def of(self, place: CodePlace) -> str:
        """Import what stands at a place; gives the expression for it."""
        if not place.module:
            return place.name
        key = place.module, place.imported
        if key not in self._names:
            alias = place.imported
            if alias in self._taken or alias.startswith("test"):  # pytest would take it for a test
                alias = f"{place.module.rpartition('.')[2]}_{alias}"
                while alias in self._taken:
                    alias += "_"
            self._taken.add(alias)
            self._names[key] = alias
        return f"{self._names[key]}{place.rest}"

    def lines(self) -> list[str]:
        """The statements: Python's own modules, those of others, those of the program."""
        groups: list[list[str]] = []
        for at in range(3):
            plain = [f"import {name}" for name in sorted(self._modules) if self._group(name) == at]
            froms = sorted({module for module, _ in self._names if self._group(module) == at}, key=_order)
            lines = [*plain, *(line for module in froms for line in self._from(module))]
            if lines:
                groups.append(lines)
        return [line for at, group in enumerate(groups) for line in ([""] if at else []) + group]

    def _from(self, module: str) -> list[str]:
        names = sorted((name for home, name in self._names if home == module), key=_member_order)
        written = [
            name if self._names[module, name] == name else f"{name} as {self._names[module, name]}" for name in names
        ]
        # As ruff sorts imports: a name that gets another one has a statement of its own.
        plain = [one for one in written if " as " not in one]
        lines = [f"from {module} import {', '.join(plain)}"] if plain else []
        if lines and len(lines[0]) > WIDTH:
            lines = [f"from {module} import (", *(f"    {one}," for one in plain), ")"]
        return [*lines, *(f"from {module} import {one}" for one in written if " as " in one)]

    def _group(self, module: str) -> int:
        top = module.partition(".")[0]
        if top in sys.stdlib_module_names:
            return 0
        return 2 if top in self._own else 1


def _order(module: str) -> tuple[str, str]:
    return module.lower(), module


def _member_order(name: str) -> tuple[int, str, str]:
    """Constants, classes, the rest."""
    is_constant = name.isupper() and len(name) > 1
    return (0 if is_constant else 1 if name[:1].isupper() else 2), name.lower(), name
