"""JSON that somebody sent, read without trusting it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Refused", "items_at", "object_at", "objects_of", "required_text", "text_at"]


class Refused(Exception):  # noqa: N818 -- an answer, not an error of the kit
    """A request that a provider would refuse.

    Attributes:
        status: the HTTP status.
        param: which part of the request is meant, in the provider's notation.
        code: what a program would look at; the usual for the status if None.
        is_final: the client is told not to try again.
        details: more for programs, at Anthropic.
    """

    def __init__(  # noqa: PLR0913 -- what an answer can say; all but the message by name
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        is_final: bool = False,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.param = param
        self.code = code
        self.is_final = is_final
        self.details = details


def object_at(document: Mapping[str, object], name: str) -> dict[str, object]:
    """The object under a name; an empty one if there is none."""
    found = document.get(name)
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def text_at(document: Mapping[str, object], name: str) -> str:
    """The text under a name; an empty one if there is none."""
    found = document.get(name)
    return found if isinstance(found, str) else ""


def items_at(document: Mapping[str, object], name: str) -> list[object]:
    """The list under a name; an empty one if there is none."""
    found = document.get(name)
    return cast("list[object]", found) if isinstance(found, list) else []


def required_text(document: Mapping[str, object], name: str) -> str:
    """A text that must be there.

    Raises:
        Refused: it is not, or is empty.
    """
    found = document.get(name)
    if not isinstance(found, str) or not found:
        raise Refused(f"'{name}' must be a text that is not empty.", param=name)
    return found


def objects_of(value: object, place: str) -> list[dict[str, object]]:
    """A list of objects; None is an empty one.

    Raises:
        Refused: it is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise Refused(f"'{place}' must be a list of objects.", param=place)
    found = cast("list[object]", value)
    for number, item in enumerate(found):
        if not isinstance(item, dict):
            raise Refused(f"'{place}[{number}]' must be an object.", param=f"{place}[{number}]")
    return cast("list[dict[str, object]]", found)
