"""What to say when the platform does not have what the user named."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ams_sdk._cli.plain_text import shortened
from ams_sdk._errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["looking_for"]

_NAME = 80


@contextmanager
def looking_for(what: str, name: str, endpoint: str) -> Generator[None]:
    """Turn the platform's 404 into a sentence that names what was looked for and where.

    Args:
        what: the kind of thing, for example ``trace``.
        name: what the user called it.
        endpoint: the platform that was asked.

    Raises:
        NotFoundError: it is not there, or belongs to somebody else.
    """
    command = f"ams {what.rsplit(maxsplit=1)[-1]}s list"
    try:
        yield
    except NotFoundError as error:
        raise NotFoundError(
            f"There is no {what} '{shortened(name, _NAME)}' of yours at {endpoint}. See: {command}",
            status=error.status,
            code=error.code,
            request_id=error.request_id,
        ) from None
