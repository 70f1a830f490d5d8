"""What a written test is called: after its agent, and the first words of what that was given."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, cast

__all__ = ["name_of_test"]

_WORD: Final = re.compile(r"[a-z0-9]+")
_MOST_WORDS: Final = 5
_LONGEST: Final = 60


def name_of_test(agent: str, given: object) -> str:
    """A name of a function, and of a file with ``.py`` after it.

    Args:
        agent: what the agent is called.
        given: its input.
    """
    words = _words(_first_text(given))[:_MOST_WORDS]
    name = "_".join(["test", *(_words(agent) or ["agent"]), *words])
    return name[:_LONGEST].rstrip("_")


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _WORD.findall(plain.replace("'", ""))


def _first_text(value: object) -> str:
    if isinstance(value, Mapping):
        value = list(cast("Mapping[str, object]", value).values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return next((text for one in cast("Sequence[object]", value) if (text := _first_text(one))), "")
    return value if isinstance(value, str) else ""
