"""What the exit code of ``ams`` means: one table, which docs/cli.md repeats for its readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ams_sdk._errors import (
    AMSError,
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    DemoMismatchError,
    InvalidCredentialsError,
    InvalidRequestError,
    MissingExtraError,
    NotFoundError,
    NotLoggedInError,
    PermissionDeniedError,
    PlatformUnreachableError,
    PortTakenError,
    ProtocolError,
    RateLimitedError,
    ServerError,
    ServerStartError,
    StateFolderError,
)

__all__ = ["CONTRACT_BROKEN", "FINE", "INTERRUPTED", "OTHER", "TABLE", "USAGE", "ExitCode", "of"]

FINE: Final = 0
OTHER: Final = 1
USAGE: Final = 2
CONTRACT_BROKEN: Final = 13
INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class ExitCode:
    """One row: the number, what it means to a reader, and the errors that lead to it."""

    number: int
    meaning: str
    errors: tuple[type[AMSError], ...] = ()


TABLE: Final = (
    ExitCode(FINE, "Fine. Also when the reader of a pipe has seen enough and closes it."),
    ExitCode(OTHER, "An error that has no number of its own.", (AMSError,)),
    ExitCode(USAGE, "Wrong usage, or a setting that cannot work.", (ConfigurationError,)),
    ExitCode(3, "An optional part is not installed.", (MissingExtraError,)),
    ExitCode(4, "Nothing answered at the endpoint, or not in time.", (PlatformUnreachableError,)),
    ExitCode(5, "Wrong address or password.", (InvalidCredentialsError,)),
    ExitCode(
        6, "Not logged in, or the platform does not accept the credential.", (NotLoggedInError, AuthenticationError)
    ),
    ExitCode(7, "There is no such thing, or it is somebody else's.", (NotFoundError,)),
    ExitCode(8, "Another program listens on the port.", (PortTakenError,)),
    ExitCode(9, "The state folder cannot be used.", (StateFolderError,)),
    ExitCode(
        10,
        "The platform refused the request.",
        (InvalidRequestError, ConflictError, PermissionDeniedError, RateLimitedError),
    ),
    ExitCode(11, "The demo read back something else than what ran.", (DemoMismatchError,)),
    ExitCode(
        12,
        "The platform failed, did not start, or what answered is no platform.",
        (ServerError, ServerStartError, ProtocolError),
    ),
    ExitCode(CONTRACT_BROKEN, "A platform that was held to the contract does not keep it."),
    ExitCode(INTERRUPTED, "Ended with Ctrl-C."),
)

_NUMBERS: Final = {error: row.number for row in TABLE for error in row.errors}


def of(error: AMSError) -> int:
    """Return the exit code of an error: that of its own class, else of the nearest class above it."""
    return next(_NUMBERS[kind] for kind in type(error).__mro__ if kind in _NUMBERS)
