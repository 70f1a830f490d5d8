"""The platform as the transport in process has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk.testing._http import Request, Response
    from ams_sdk.testing._platform.service import Service

__all__ = ["InProcess"]


class InProcess:
    """An application of HTTP whose client may mean another host, which no port is asked for.

    Args:
        service: what answers.
        is_ours: whether a host is the platform's.
    """

    def __init__(self, service: Service, is_ours: Callable[[str], bool]) -> None:
        self._service = service
        self._is_ours = is_ours

    def body_limit(self, head: Request, /) -> int:
        """How many bytes of a request's body are read."""
        return self._service.body_limit(head)

    def answer(self, request: Request, /) -> Response:
        """The answer to a request."""
        host = (request.header("host") or "").lower()
        return self._service.answer(request, None if self._is_ours(host) else host)
