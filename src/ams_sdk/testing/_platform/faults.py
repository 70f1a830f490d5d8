"""What can go wrong between a client and a platform, each as a value that says it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from ams_sdk._errors import ConfigurationError

__all__ = [
    "FAULTS",
    "ClockSkew",
    "Disconnect",
    "DuplicateDelivery",
    "Fault",
    "Latency",
    "Malformed",
    "PartialSuccess",
    "RateLimit",
    "Status",
    "Timeout",
    "TokenExpired",
]


@dataclass(frozen=True, slots=True)
class Latency:
    """The answer comes so many seconds later; it is what it would have been, or what another fault makes of it."""

    seconds: float

    def __post_init__(self) -> None:
        _check(_is_number(self.seconds) and self.seconds >= 0, self, "write seconds of 0 or more")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """429 with ``Retry-After`` in whole seconds (RFC 6585, section 4); nothing is done."""

    retry_after: int = 1

    def __post_init__(self) -> None:
        _check(_is_whole(self.retry_after), self, "write whole seconds of 0 or more")


@dataclass(frozen=True, slots=True)
class Status:
    """An error of this status as the contract tells it (a problem; for OTLP a ``google.rpc.Status``); nothing is done.

    Attributes:
        status: 400 to 599; for any other answer stub the operation: ``on("login").respond(204)``.
        retry_after: whole seconds, sent as ``Retry-After``; without it 429 and 503 are as of a proxy, and not of a
            platform.
    """

    status: int
    retry_after: int | None = None

    def __post_init__(self) -> None:
        fits = isinstance(self.status, int) and 400 <= self.status <= 599  # noqa: PLR2004 -- HTTP's errors
        _check(fits, self, "write a status from 400 to 599, or stub the operation: on(…).respond(…)")
        _check(self.retry_after is None or _is_whole(self.retry_after), self, "write whole seconds of 0 or more")


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The connection breaks.

    Attributes:
        where: ``"before"``: the request is lost, nothing is done. ``"headers"`` and ``"mid_body"``: the request is
            done, and the answer breaks off in its head or its body; one without a body breaks off in its head.
    """

    where: Literal["before", "headers", "mid_body"] = "before"

    def __post_init__(self) -> None:
        _check(self.where in {"before", "headers", "mid_body"}, self, "write 'before', 'headers' or 'mid_body'")


@dataclass(frozen=True, slots=True)
class Timeout:
    """No answer ever comes; nothing is done. In process the client's read timeout is raised at once."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Status 200, and a body that is not what the contract says.

    Attributes:
        kind: ``"cut"``: JSON that ends too early. ``"html"``: a page, as of a proxy that stands before the platform;
            the request has not reached it, so nothing is done. ``"wrong_type"``: JSON of another shape. With the first
            and the last the request is done.
    """

    kind: Literal["cut", "html", "wrong_type"] = "cut"

    def __post_init__(self) -> None:
        _check(self.kind in {"cut", "html", "wrong_type"}, self, "write 'cut', 'html' or 'wrong_type'")


@dataclass(frozen=True, slots=True)
class TokenExpired:
    """401 ``token_expired`` to an operation that needs a credential, whichever was sent; nothing is done.

    For a token that stays expired use ``expire()``.
    """


@dataclass(frozen=True, slots=True)
class ClockSkew:
    """The platform's clock is so many seconds ahead, or behind if negative.

    It shows in the header ``Date``, in every time that is written, and in which credentials are still good.
    """

    seconds: float

    def __post_init__(self) -> None:
        _check(_is_number(self.seconds) and abs(self.seconds) < 1e9, self, "write seconds")  # noqa: PLR2004 -- 30 years


@dataclass(frozen=True, slots=True)
class PartialSuccess:
    """Of a batch of spans the last ``rejected`` are not taken, as OTLP's ``partial_success`` says; of fewer, all."""

    rejected: int = 1

    def __post_init__(self) -> None:
        _check(_is_whole(self.rejected) and self.rejected > 0, self, "write a number of spans of 1 or more")


@dataclass(frozen=True, slots=True)
class DuplicateDelivery:
    """The request is done twice, one after the other, and the client gets the second answer.

    So it is when the first answer was lost and whatever is in between sent the request again: an agent that registers
    is answered 200 and not 201, an account 409, and spans are kept once. The log has it as one request.
    """


Fault: TypeAlias = (
    Latency
    | RateLimit
    | Status
    | Disconnect
    | Timeout
    | Malformed
    | TokenExpired
    | ClockSkew
    | PartialSuccess
    | DuplicateDelivery
)
"""What can be asked for."""

FAULTS: Final[tuple[type, ...]] = get_args(Fault)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check(fits: bool, fault: object, instead: str) -> None:  # noqa: FBT001 -- a condition, as of an assertion
    if not fits:
        raise ConfigurationError(f"{fault!r} cannot be: {instead}.")
