"""After which answers a sender of spans keeps them and tries again (OTLP 1.x, "OTLP/HTTP"), as the SDK does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ams_sdk.testing._platform.faults import Disconnect, Malformed, RateLimit, Status, Timeout, TokenExpired

if TYPE_CHECKING:
    from ams_sdk.testing._http import Response
    from ams_sdk.testing._platform.faults import Fault

__all__ = ["keeps_spans_back", "lets_nothing_arrive"]

_TRIED_AGAIN: Final = frozenset({401, 403, 429, 502, 503, 504})
_OK: Final = 200


def lets_nothing_arrive(fault: Fault) -> bool:
    """Whether spans that meet this are sent again, and were not taken or at least not acknowledged."""
    match fault:
        case Status(status):
            return status in _TRIED_AGAIN
        case Malformed(kind):
            return kind == "html"  # the others say 200, and of that the body is a courtesy
        case RateLimit() | Timeout() | TokenExpired() | Disconnect():
            return True
        case _:
            return False


def keeps_spans_back(answer: Response) -> bool:
    """Whether spans that are answered so are sent again."""
    kind = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
    is_page = answer.status == _OK and kind.partition(";")[0].strip().lower() == "text/html"
    return answer.status in _TRIED_AGAIN or is_page
