"""Requests that a test says there will be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk._capture import is_secret_name
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._platform.body_fields import check_fields
from ams_sdk.testing._platform.failures import masked
from ams_sdk.testing._platform.routes import operation_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from ams_sdk.testing._platform.request_log import PlatformRequest
    from ams_sdk.testing._platform.routes import OperationName

__all__ = ["Expectation", "differences", "shown"]

_MISSING: Final = object()
_MOST_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is asked for, how often, and with which fields in its JSON body.

    Attributes:
        operation: what is asked for.
        times: so often; None for once or more.
        fields: what the body has; anything that compares equal to it fits.
        answered: the status of the answer; None for any.
        since: only requests with a higher number count.
    """

    operation: OperationName
    times: int | None
    fields: Mapping[str, Any]
    answered: int | None = None
    since: int = 0

    @classmethod
    def of(  # noqa: PLR0913 -- what a test says of requests
        cls,
        operation: str,
        times: int | None,
        answered: int | None,
        fields: Mapping[str, Any],
        *,
        asked_by: str,
        since: int = 0,
    ) -> Self:
        """What a test says.

        Raises:
            ConfigurationError: there is no such operation, or no request for it can be so.
        """
        asked = operation_of(operation)
        if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 0):
            raise ConfigurationError(
                f"{asked_by}(times={times!r}) cannot be: write how often, 0 for never, or None for once or more."
            )
        is_status = isinstance(answered, int) and 100 <= answered <= 599  # noqa: PLR2004 -- HTTP's
        if answered is not None and not is_status:
            raise ConfigurationError(f"{asked_by}(answered={answered!r}) cannot be: write a status as a number, 201.")
        check_fields(asked, fields, asked_by)
        return cls(asked.name, times, fields, answered, since)

    def fits(self, request: PlatformRequest) -> bool:
        """Whether a request is one of those."""
        if request.operation != self.operation or request.number <= self.since:
            return False
        if self.answered is not None and request.status != self.answered:
            return False
        return not self.fields or not differences(request.json, self.fields)

    def count(self, requests: Iterable[PlatformRequest]) -> int:
        """How many there were."""
        return sum(map(self.fits, requests))

    def is_met(self, count: int) -> bool:
        """Whether so many are as many as there were to be."""
        return count > 0 if self.times is None else count == self.times

    def __repr__(self) -> str:
        said = [repr(self.operation)]
        said += [] if self.times is None else [f"times={self.times}"]
        said += [] if self.answered is None else [f"answered={self.answered}"]
        said += [f"{name}={shown(name, value)}" for name, value in self.fields.items()]
        return f"expect({', '.join(said)})"


def differences(said: Any, wanted: Mapping[str, Any]) -> list[str]:  # noqa: ANN401 -- any JSON value
    """A line for each field that is not as it is wanted."""
    if not isinstance(said, Mapping):
        return ["the body is no JSON object"] if wanted else []
    body = cast("Mapping[str, Any]", said)
    lines: list[str] = []
    for name, value in wanted.items():
        found = body.get(name, _MISSING)
        if found is _MISSING:
            lines.append(f"{name}: expected {shown(name, value)}, not sent")
        elif not (value == found):  # noqa: SIM201 -- what fits anything defines equality, and maybe no inequality
            lines.append(f"{name}: expected {shown(name, value)}, got {shown(name, found)}")
    return lines


def shown(name: str, value: object) -> str:
    """A value in a failure's text: short, and hidden under the name of a secret."""
    if is_secret_name(name):
        return "[redacted]"
    text = masked(repr(value))
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 1]}…"
