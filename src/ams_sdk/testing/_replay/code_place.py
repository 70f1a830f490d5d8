"""Where the code of an agent or a tool can be imported from."""

from __future__ import annotations

import builtins
import re
from typing import Final, NamedTuple

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._replay.python_code import is_name

__all__ = ["CodePlace", "error_place", "given_place", "recorded_place"]

_CLASS: Final = re.compile(r"_*[A-Z]")
_FORM: Final = "--agent-code package.module:function"


class CodePlace(NamedTuple):
    """A module and what is in it.

    Attributes:
        module: dotted; empty for what Python has itself.
        name: with the class before it, ``Desk.answer``.
    """

    module: str
    name: str

    @property
    def imported(self) -> str:
        """The name that is imported."""
        return self.name.partition(".")[0]

    @property
    def rest(self) -> str:
        """What follows it, from the dot on."""
        return self.name[len(self.imported) :]


def recorded_place(code_name: object) -> CodePlace | None:
    """The place that ``code.function.name`` tells, if it can be imported.

    That is one text; the name begins with the class, which is known by its capital letter, or is the last part.
    """
    if not isinstance(code_name, str):
        return None
    parts = code_name.split(".")
    if len(parts) < 2 or not all(map(is_name, parts)) or parts[0] == "__main__":  # noqa: PLR2004 -- a module and a name
        return None
    at = next((at for at, part in enumerate(parts) if at and _CLASS.match(part)), len(parts) - 1)
    return CodePlace(".".join(parts[:at]), ".".join(parts[at:]))


def given_place(text: str) -> CodePlace:
    """The place that a person has written, ``package.module:function``.

    Raises:
        ConfigurationError: it is none.
    """
    module, sign, name = text.partition(":")
    if not sign or not all(is_name(part) for part in [*module.split("."), *name.split(".")]):
        raise ConfigurationError(f"{text!r} names no code: write {_FORM}, or package.module:Class.method.")
    return CodePlace(module, name)


def error_place(kind: str, program: str) -> CodePlace | None:
    """Where the class of an exception is, by ``error.type``; None if that names no class.

    Args:
        kind: such as ``LookupError`` or ``package.errors.NotFoundError``.
        program: the module that stands for ``__main__``.
    """
    found = getattr(builtins, kind, None)
    if isinstance(found, type) and issubclass(found, BaseException):
        return CodePlace("", kind)
    return recorded_place(re.sub(r"^__main__\.", f"{program}.", kind))
