"""Which requests meet which faults."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._platform.delivery import lets_nothing_arrive
from ams_sdk.testing._platform.faults import FAULTS, ClockSkew, Latency, PartialSuccess, TokenExpired
from ams_sdk.testing._platform.routes import operation_of

if TYPE_CHECKING:
    from ams_sdk.testing._platform.faults import Fault
    from ams_sdk.testing._platform.routes import Operation, OperationName

__all__ = ["FaultPlan", "Met", "Planned", "check_times"]


@dataclass(slots=True)
class Planned:
    """A fault, and when it happens.

    Attributes:
        on: the operation; None for every request that the fault can happen to.
        times: so often; None for ever.
        after: so many requests pass before.
        seen: how many that it could have happened to have come.
        met: how often it has happened.
    """

    fault: Fault
    on: OperationName | None
    times: int | None
    after: int
    seen: int = 0
    met: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it has happened as often as it was to."""
        return self.times is not None and self.met >= self.times


@dataclass(frozen=True, slots=True)
class Met:
    """What one request meets: a fault at the most, latency and a wrong clock beside it."""

    fault: Fault | None = None
    delay: float = 0.0
    skew: float = 0.0

    def __str__(self) -> str:
        said = [repr(self.fault)] if self.fault else []
        said += [repr(Latency(self.delay))] if self.delay else []
        said += [repr(ClockSkew(self.skew))] if self.skew else []
        return ", ".join(said)


class FaultPlan:
    """The faults that a test has asked for.

    ``Latency`` and ``ClockSkew`` add to whatever else happens; of the others the one that was asked for first has a
    request for itself, and the next counts from the request after.
    """

    def __init__(self) -> None:
        self._planned: list[Planned] = []
        self._lock = threading.Lock()

    def holds_up(self, operation: Operation) -> bool:
        """Whether from now on every request for this operation is lost, by a fault without end."""
        with self._lock:
            for planned in self._planned:
                is_beside = isinstance(planned.fault, (Latency, ClockSkew))
                if is_beside or not _concerns(planned, operation) or planned.seen < planned.after:
                    continue
                if not lets_nothing_arrive(planned.fault):
                    return False
                if planned.times is None:
                    return True
        return False

    def add(self, fault: Fault, on: OperationName | None, times: int | None, after: int) -> None:
        """Plan a fault.

        Raises:
            ConfigurationError: it cannot happen in that way.
        """
        if not isinstance(fault, FAULTS):
            names = ", ".join(kind.__name__ for kind in FAULTS)
            raise ConfigurationError(f"{fault!r} is no fault. There are: {names}.")
        check_times(times, "fault")
        if not isinstance(after, int) or after < 0:
            raise ConfigurationError(f"after={after!r} cannot be: write how many requests pass before, 0 or more.")
        operation = None if on is None else operation_of(on)
        if operation is not None and not _can_meet(fault, operation):
            where = "export_traces" if isinstance(fault, PartialSuccess) else "operations that need a credential"
            raise ConfigurationError(f"{fault!r} cannot happen to {on!r}, only to {where}.")
        with self._lock:
            self._planned.append(Planned(fault, on, times, after))

    def take(self, operation: Operation | None) -> Met:
        """What the next request for this operation meets; it is counted."""
        fault: Fault | None = None
        delay = skew = 0.0
        with self._lock:
            for planned in self._planned:
                if not _concerns(planned, operation):
                    continue
                is_beside = isinstance(planned.fault, (Latency, ClockSkew))
                if fault is not None and not is_beside:
                    continue
                planned.seen += 1
                if planned.seen <= planned.after:
                    continue
                planned.met += 1
                if isinstance(planned.fault, Latency):
                    delay += planned.fault.seconds
                elif isinstance(planned.fault, ClockSkew):
                    skew += planned.fault.seconds
                else:
                    fault = planned.fault
        return Met(fault, delay, skew)

    def skew(self, operation: Operation | None) -> float:
        """How wrong the clock is for the next request for this operation; nothing is counted."""
        with self._lock:
            return sum(
                planned.fault.seconds
                for planned in self._planned
                if isinstance(planned.fault, ClockSkew)
                and _concerns(planned, operation)
                and planned.seen >= planned.after
            )

    def unmet(self) -> list[Planned]:
        """Those that were to happen so often and have not."""
        with self._lock:
            return [planned for planned in self._planned if planned.times is not None and not planned.is_over]


def check_times(times: int | None, what: str) -> None:
    """Check a number of times.

    Raises:
        ConfigurationError: it is none.
    """
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise ConfigurationError(f"{what}(times={times!r}) cannot be: write 1 or more, or None for any number.")


def _concerns(planned: Planned, operation: Operation | None) -> bool:
    if planned.is_over or (planned.on is not None and (operation is None or operation.name != planned.on)):
        return False
    return _can_meet(planned.fault, operation)


def _can_meet(fault: Fault, operation: Operation | None) -> bool:
    if isinstance(fault, PartialSuccess):
        return operation is not None and operation.name == "export_traces"
    if isinstance(fault, TokenExpired):
        return operation is not None and not operation.is_open
    return True
