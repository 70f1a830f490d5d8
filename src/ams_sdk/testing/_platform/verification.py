"""What of a platform's traffic a test has not accounted for."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._platform.expectations import differences
from ams_sdk.testing._platform.failures import masked
from ams_sdk.testing._platform.routes import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ams_sdk.testing._platform.expectations import Expectation
    from ams_sdk.testing._platform.fault_plan import Planned
    from ams_sdk.testing._platform.request_log import PlatformRequest
    from ams_sdk.testing._platform.stubs import Stub

__all__ = ["Allowed", "complaints_of"]

_BREAKS: Final = frozenset({400, 413, 415, 422})
_MOST_NEAR: Final = 3
_UNKNOWN: Final = frozenset({401, 404, 405})


@dataclass(slots=True)
class Allowed:
    """What a test lets pass."""

    operations: set[str] = field(default_factory=set[str])
    paths: set[str] = field(default_factory=set[str])
    hosts: set[str] = field(default_factory=set[str])


def complaints_of(  # noqa: PLR0913 -- keyword-only, put together in one place
    *,
    requests: Sequence[PlatformRequest],
    is_strict: bool,
    allowed: Allowed,
    expectations: Sequence[Expectation],
    stubs: Sequence[Stub],
    faults: Sequence[Planned],
    failures: Sequence[Exception],
) -> list[str]:
    """A paragraph for each thing that is not accounted for, each with how to relax it."""
    found = [text for error in failures for text in _raised(error)]
    if is_strict:
        unexpected = [one for one in requests if not any(expectation.fits(one) for expectation in expectations)]
        found += _together(unexpected, allowed)
    for expectation in expectations:
        count = expectation.count(requests)
        if not expectation.is_met(count):
            found.append(_unmet(expectation, count, requests))
    if is_strict:
        found += [_unused(stub) for stub in stubs]
        found += [_not_happened(planned) for planned in faults]
    return found


def _together(requests: Sequence[PlatformRequest], allowed: Allowed) -> Iterator[str]:
    """A paragraph for all requests that are unexpected in the same way."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for request in requests:
        key = (request.method, request.path, request.status, request.host if request.is_elsewhere else "", request.note)
        for text in _unexpected(request, allowed):
            alike.setdefault(key, []).append(text)
    for first, *others in alike.values():
        yield f"{first}\n    (and {_requests(len(others))} more like it)" if others else first


def _raised(error: Exception) -> Iterator[str]:
    yield (
        f"{type(error).__name__} was raised while a request was answered, and the client got 500: "
        f"{masked(str(error))}\n"
        "    Look at what respond_with() was given."
    )


def _unexpected(request: PlatformRequest, allowed: Allowed) -> Iterator[str]:
    if request.is_elsewhere:
        if request.host not in allowed.hosts:
            yield (
                f"{request!r}\n    It was for {request.host!r}, which is another host than the platform's.\n"
                f"    If it is meant for the platform: allow(host={request.host!r})."
            )
    elif request.operation is None:
        if request.path not in allowed.paths and request.status in _UNKNOWN:
            meant = f"allow(path={masked(request.path)!r})"
            yield f"{request!r}\n    {_why_unknown(request)}\n    If that is meant: {meant}."
    elif (
        request.answered_by == "platform" and request.status in _BREAKS and request.operation not in allowed.operations
    ):
        yield (
            f"{request!r}\n    It breaks the contract.\n"
            f"    If that is meant: expect({request.operation!r}, answered={request.status}), "
            f"or allow({request.operation!r})."
        )


def _why_unknown(request: PlatformRequest) -> str:
    methods = sorted({operation.method for operation in OPERATIONS if operation.path == request.path})
    if methods:
        return f"{request.path} does not know {request.method}, only {', '.join(methods)}."
    paths = sorted({operation.path for operation in OPERATIONS})
    near = difflib.get_close_matches(request.path, paths, 1)
    return f"The contract has no such path.{f' The nearest is {near[0]}.' if near else ''}"


def _unmet(expectation: Expectation, count: int, requests: Sequence[PlatformRequest]) -> str:
    wanted = "once or more" if expectation.times is None else _times(expectation.times)
    lines = [f"{expectation!r} was to happen {wanted} and happened {_times(count)}."]
    if count < (expectation.times or 1) and expectation.times != 0:
        lines += [f"    {line}" for line in _near(expectation, requests)]
    if expectation.times is None:
        lines.append("    If it need not happen, leave it out.")
    else:
        lines.append(f"    If the number does not matter: expect({expectation.operation!r}) without times=.")
    return "\n".join(lines)


def _near(expectation: Expectation, requests: Sequence[PlatformRequest]) -> Iterator[str]:
    """What differs in requests for the same operation."""
    candidates = (one for one in requests if one.operation == expectation.operation and one.number > expectation.since)
    for request in islice((one for one in candidates if not expectation.fits(one)), _MOST_NEAR):
        differs = differences(request.json, expectation.fields)
        if expectation.answered not in {None, request.status}:
            differs.append(f"answered: expected {expectation.answered}, got {request.status}")
        yield f"#{request.number} differs: {'; '.join(differs)}"


def _unused(stub: Stub) -> str:
    return f"{stub!r} was used {_times(stub.used)}.\n    If it need not be used: times=None, or leave it out."


def _not_happened(planned: Planned) -> str:
    where = "" if planned.on is None else f", on={planned.on!r}"
    after = f", after={planned.after}" if planned.after else ""
    met = f"happened {_times(planned.met)}" if planned.met else "never happened"
    return (
        f"fault({planned.fault!r}{where}, times={planned.times}{after}) {met}: "
        f"{_requests(planned.seen)} could have met it.\n    If it need not happen: times=None, or leave it out."
    )


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count or 'no'} requests"
