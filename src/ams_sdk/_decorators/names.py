"""The names and descriptions of what is decorated."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import PurePath
from typing import Any, Final

from ams_sdk._errors import ConfigurationError

__all__ = ["checked_name", "checked_title", "code_name_of", "description_of", "name_of"]

MAX_NAME: Final = 128
MAX_DESCRIPTION: Final = 4_096
_NAME: Final = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9._-]{{0,{MAX_NAME - 1}}}")


def checked_name(given: object, decorator: str) -> None:
    """Refuse a name that the platform could not take; None means that none was given.

    Raises:
        ConfigurationError: the name is empty, too long, or has characters that cannot stand in a URL.
    """
    if given is not None and (not isinstance(given, str) or not _NAME.fullmatch(given)):
        raise ConfigurationError(
            f"@{decorator}(name={given!r}): a name has 1 to {MAX_NAME} of A-Z a-z 0-9 _ . - "
            "and does not begin with a dot or a hyphen."
        )


def checked_title(given: object, decorator: str) -> None:
    """Refuse a name of a span that is none; None means that none was given.

    Raises:
        ConfigurationError: the name is empty, too long, or has characters that cannot be read.
    """
    if given is not None and (not isinstance(given, str) or not 1 <= len(given) <= MAX_NAME or not given.isprintable()):
        raise ConfigurationError(
            f"@{decorator}(name={given!r}): the name of a span has 1 to {MAX_NAME} characters that can be printed."
        )


def name_of(decorated: object) -> str:
    """A name made from that of what is decorated: made to fit rather than refused, since nobody chose it.

    Letters that are not ASCII lose their marks ("ü" is "u"); others are written by their numbers, so that different
    names stay different.
    """
    name = _said(decorated)
    said = name if name.isascii() else _in_ascii(name)
    return re.sub(r"[^A-Za-z0-9._-]+", "_", said)[:MAX_NAME].lstrip(".-") or "_"


def _in_ascii(name: str) -> str:
    from unicodedata import combining, normalize  # noqa: PLC0415 -- large, and most names need it not

    folded = (sign.casefold() if sign == "\u00df" else sign for sign in normalize("NFKD", name))  # which is "ss"
    signs = (sign for part in folded for sign in part if not combining(sign))
    return "".join(sign if sign.isascii() or not sign.isalnum() else f"u{ord(sign):04x}" for sign in signs)


def code_name_of(decorated: object) -> str | None:
    """Where its code is, as OpenTelemetry's ``code.function.name`` says it: module and qualified name.

    Of the program that was started the module is the name of its file, by which others can import it.
    """
    module, name = getattr(decorated, "__module__", None), getattr(decorated, "__qualname__", None)
    if module == "__main__":
        file = getattr(sys.modules.get("__main__"), "__file__", None)
        module = PurePath(file).stem if isinstance(file, str) else module
    return f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else None


def _said(decorated: object) -> str:
    for one in (decorated, getattr(decorated, "func", None), type(decorated)):  # ``func`` is what a partial calls
        name = getattr(one, "__name__", None)
        if isinstance(name, str):
            return name
    return ""


def description_of(decorated: Any, given: str | None) -> str | None:  # noqa: ANN401 -- whatever can be decorated
    """The given description, or the first paragraph of the docstring, bounded."""
    text = given if given is not None else _docstring(decorated)
    paragraph = (text or "").strip().split("\n\n", 1)[0]
    text = " ".join(paragraph.split())[:MAX_DESCRIPTION]
    return text.encode("utf-8", "replace").decode() or None  # a lone surrogate could not be sent


def _docstring(decorated: Any) -> str | None:  # noqa: ANN401 -- the same
    if not isinstance(decorated, type):
        return inspect.getdoc(decorated) if inspect.isroutine(decorated) else None  # else it is that of its class
    text = vars(decorated).get("__doc__")  # not that of a base, which describes another agent
    if not isinstance(text, str) or text.startswith(f"{decorated.__name__}("):  # written by ``dataclass``
        return None
    return inspect.cleandoc(text)
