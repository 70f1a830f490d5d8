"""Answers that a test gives in the platform's place."""

from __future__ import annotations

import json as json_text
import re
import threading
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._http import Response
from ams_sdk.testing._platform.delivery import keeps_spans_back
from ams_sdk.testing._platform.fault_plan import check_times
from ams_sdk.testing._platform.refusals import JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ams_sdk.testing._platform.fault_plan import FaultPlan
    from ams_sdk.testing._platform.faults import Fault
    from ams_sdk.testing._platform.request_log import PlatformRequest
    from ams_sdk.testing._platform.routes import OperationName

__all__ = ["OperationHandle", "Stub", "Stubs", "check_headers"]

_BODILESS: Final = frozenset({204, 304})
_OF_THE_BODY: Final = frozenset({"content-length", "transfer-encoding"})
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.1
_VALUE: Final = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")  # the same, section 5.5


class Stub:
    """An answer for an operation, instead of the platform's.

    Attributes:
        operation: whose answer it is.
        times: so often; None for ever.
        used: how often it was given.
        fixed: the answer, if it is the same for each request.
    """

    def __init__(
        self,
        operation: OperationName,
        answer: Response | Callable[[PlatformRequest], Response | None],
        times: int | None,
        text: str,
    ) -> None:
        check_times(times, "respond")
        self.operation: OperationName = operation
        self.fixed: Response | None = answer if isinstance(answer, Response) else None
        self._answer = answer
        self.times: int | None = times
        self.used: int = 0
        self._text = text

    def answer(self, request: PlatformRequest) -> Response | None:
        """What it says to a request; None for what the platform says."""
        return self._answer if isinstance(self._answer, Response) else self._answer(request)

    def __repr__(self) -> str:
        times = "" if self.times is None else f", times={self.times}"
        return f"on({self.operation!r}).{self._text}{times})"


class Stubs:
    """The stubs of a platform, in the order in which they were made; the first that is not used up answers."""

    def __init__(self) -> None:
        self._stubs: list[Stub] = []
        self._lock = threading.Lock()

    def add(self, stub: Stub) -> None:
        """Take one more."""
        with self._lock:
            self._stubs.append(stub)

    def has(self, operation: OperationName | None) -> bool:
        """Whether the next answer for this operation is a stub's."""
        with self._lock:
            return self._next(operation) is not None

    def holds_up(self, operation: OperationName) -> bool:
        """Whether from now on this operation is answered so that spans are sent again, by a stub without end."""
        with self._lock:
            for stub in self._stubs:
                if stub.operation == operation and (stub.times is None or stub.used < stub.times):
                    # What a function will answer is not known.
                    if stub.fixed is None or not keeps_spans_back(stub.fixed):
                        return False
                    if stub.times is None:
                        return True
        return False

    def take(self, operation: OperationName | None) -> Stub | None:
        """The stub that answers now; it is counted."""
        with self._lock:
            stub = self._next(operation)
            if stub is not None:
                stub.used += 1
            return stub

    def unused(self) -> list[Stub]:
        """Those that were to answer so often and have not."""
        with self._lock:
            return [stub for stub in self._stubs if stub.times is not None and stub.used < stub.times]

    def _next(self, operation: OperationName | None) -> Stub | None:
        for stub in self._stubs:
            if stub.operation == operation and (stub.times is None or stub.used < stub.times):
                return stub
        return None


class OperationHandle:
    """One operation of the platform, whose answers a test changes: what ``on("login")`` gives.

    Args:
        operation: its name.
        stubs: takes the answers.
        faults: takes the faults.
    """

    def __init__(self, operation: OperationName, stubs: Stubs, faults: FaultPlan) -> None:
        self._operation: OperationName = operation
        self._stubs = stubs
        self._faults = faults

    def respond(
        self,
        status: int = 200,
        *,
        json: Any = None,  # noqa: ANN401 -- any JSON value, or a model of the wire
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        times: int | None = None,
    ) -> Stub:
        """Answer with this, whoever asks, and do nothing; after ``times`` the next stub answers, or the platform again.

        Args:
            status: of HTTP.
            json: the body as JSON; a model of ``ams_sdk.wire`` as it is sent.
            headers: besides those that every answer has.
            body: the body as it is sent, instead of ``json``. An error without a body has the one of the contract.
            times: so often; None for ever.

        Raises:
            ConfigurationError: there are two bodies, one that is no JSON, no such status, or a header that cannot be
                sent.
        """
        if not isinstance(status, int) or not 200 <= status <= 599:  # noqa: PLR2004 -- HTTP's final answers
            raise ConfigurationError(f"respond(status={status!r}) cannot be: write a status from 200 to 599.")
        if json is not None and body is not None:
            raise ConfigurationError("respond() takes json= or body=, not both.")
        content = body.encode() if isinstance(body, str) else body
        check_headers((headers or {}).items())
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        if content is None and json is not None:
            content = _json(json)
            sent.setdefault("content-type", "application/problem+json" if status >= 400 else JSON)  # noqa: PLR2004 -- errors
        if content and status in _BODILESS:
            raise ConfigurationError(f"respond({status}) has no body (RFC 9110): leave out json= and body=.")
        response = Response(status, tuple(sent.items()), content or b"")
        return self._add(Stub(self._operation, response, times, f"respond({status}"))

    def respond_with(self, answer: Callable[[PlatformRequest], Response | None], *, times: int | None = None) -> Stub:
        """Answer with what a function makes of the request; None lets the platform answer.

        What it raises is raised in the client in process; on a port the client gets 500, and ``verify()`` tells of it.
        """
        if not callable(answer):
            raise ConfigurationError(
                "respond_with() takes a function of the request; for a fixed answer use respond()."
            )
        name = getattr(answer, "__name__", "…")
        return self._add(Stub(self._operation, answer, times, f"respond_with({name}"))

    def fault(self, fault: Fault, *, times: int | None = 1, after: int = 0) -> None:
        """Let this go wrong: ``MockPlatform.fault`` for this operation alone."""
        self._faults.add(fault, self._operation, times, after)

    def _add(self, stub: Stub) -> Stub:
        self._stubs.add(stub)
        return stub


def check_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Check that headers can be sent.

    Raises:
        ConfigurationError: one of them cannot.
    """
    for name, value in headers:
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise ConfigurationError(
                f"The header {name!r} cannot be sent: a name is a word, and a value one line of ASCII."
            )
        if name.lower() in _OF_THE_BODY:
            raise ConfigurationError(f"The header {name!r} follows from the body: leave it out.")


def _json(value: Any) -> bytes:  # noqa: ANN401 -- any JSON value, or a model
    if isinstance(value, BaseModel):
        return value.model_dump_json().encode()
    try:
        return json_text.dumps(value).encode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"respond(json=…) cannot be sent as JSON: {error}.") from error
