"""From a request to its answer: stubs, faults and the contract, and a line in the log."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._http import Response
from ams_sdk.testing._platform import bodies, otlp
from ams_sdk.testing._platform.fault_effects import answer_despite
from ams_sdk.testing._platform.fault_plan import FaultPlan
from ams_sdk.testing._platform.gateway import Gateway
from ams_sdk.testing._platform.refusals import Refusal, refusal_with
from ams_sdk.testing._platform.request_log import PlatformRequest, RequestHeaders
from ams_sdk.testing._platform.stubs import Stubs, check_headers

if TYPE_CHECKING:
    from ams_sdk.testing._http import Request
    from ams_sdk.testing._platform.clock import PlatformClock
    from ams_sdk.testing._platform.fault_plan import Met
    from ams_sdk.testing._platform.gateway import Exchange
    from ams_sdk.testing._platform.request_log import AnsweredBy, RequestLog

__all__ = ["Service"]

_ERRORS: Final = 400


class Service:
    """What answers; called by several threads at once.

    Args:
        log: where each request is kept.
        clock: what time it is.

    Attributes:
        gateway: the contract and its state.
        stubs: the answers that a test gives.
        faults: what goes wrong.
    """

    def __init__(self, log: RequestLog, clock: PlatformClock) -> None:
        self._log = log
        self._clock = clock
        self.reset(Gateway())

    def reset(self, gateway: Gateway) -> None:
        """Begin anew, with this state."""
        self.gateway: Gateway = gateway
        self.stubs: Stubs = Stubs()
        self.faults: FaultPlan = FaultPlan()

    def body_limit(self, head: Request) -> int:
        """How many bytes of a request's body are read."""
        exchange = self.gateway.begin(head, self._clock.now())
        operation = exchange.route.operation
        if self.stubs.has(exchange.operation):  # answers whoever asks
            return otlp.OTLP_LIMIT if operation and operation.body == "otlp" else bodies.API_LIMIT
        exchange.now += timedelta(seconds=self.faults.skew(operation))
        return self.gateway.body_limit(exchange)

    def answer(self, request: Request, elsewhere: str | None = None) -> Response:
        """The answer to a request.

        Args:
            request: what is asked.
            elsewhere: the host that it is meant for, if that is not this platform.
        """
        exchange = self.gateway.begin(request, self._clock.now())
        if elsewhere is not None:
            exchange.elsewhere = elsewhere
            response = self.gateway.refuse(exchange, Refusal("misdirected"))
            self._remember(exchange, response, "platform", str(exchange.refusal))
            return self.gateway.finished(exchange, response)
        met = self.faults.take(exchange.route.operation)
        exchange.now += timedelta(seconds=met.skew)
        is_stubbed = False

        def handle() -> Response:
            nonlocal is_stubbed
            stubbed = self._stubbed(exchange)
            is_stubbed = stubbed is not None
            return stubbed or self.gateway.answer(exchange)

        response = answer_despite(met.fault, exchange, self.gateway, handle)
        answered_by: AnsweredBy = "stub" if is_stubbed else "fault" if met.fault is not None else "platform"
        if answered_by == "fault" and exchange.account is None:
            self.gateway.identify(exchange)
        self._remember(exchange, response, answered_by, _note(exchange, met, answered_by))
        finished = self.gateway.finished(exchange, response)
        return replace(finished, delay=finished.delay + met.delay) if met.delay else finished

    def _stubbed(self, exchange: Exchange) -> Response | None:
        stub = self.stubs.take(exchange.operation)
        if stub is None:
            return None
        self.gateway.identify(exchange)
        try:
            response = _checked(stub.answer(self._request(exchange, None, "stub", number=0)))
        except Exception as error:
            self._remember(exchange, Response(500), "stub", f"{stub!r} raised {type(error).__name__}")
            raise
        if response is not None and response.status >= _ERRORS and response.body == b"":
            # An error of the contract has a body, and a test that names only the status means such an error.
            return self.gateway.refuse(exchange, refusal_with(response.status, response.headers))
        return response

    def _remember(
        self,
        exchange: Exchange,
        response: Response,
        answered_by: AnsweredBy,
        note: str,
    ) -> None:
        status = None if response.ending in {"no_answer", "hang"} else response.status

        def make(number: int) -> PlatformRequest:
            return self._request(exchange, status, answered_by, number=number, note=note)

        self._log.add(make)

    def _request(
        self,
        exchange: Exchange,
        status: int | None,
        answered_by: AnsweredBy,
        *,
        number: int,
        note: str = "",
    ) -> PlatformRequest:
        request = exchange.request
        return PlatformRequest(
            number=number,
            operation=exchange.operation,
            method=request.method,
            path=exchange.path,
            query=bodies.query_of(request),
            headers=RequestHeaders(request.headers),
            body=request.body,
            status=status,
            account=None if exchange.account is None else exchange.account.email,
            at=exchange.now,
            answered_by=answered_by,
            note=note,
            host=exchange.elsewhere or request.header("host") or "",
            is_elsewhere=exchange.elsewhere is not None,
        )


def _note(exchange: Exchange, met: Met, answered_by: AnsweredBy) -> str:
    said = [str(met)]
    if answered_by == "stub":
        said.append("stub")
    elif answered_by == "platform" and exchange.refusal is not None:
        said.append(str(exchange.refusal))
    return "; ".join(filter(None, said))


def _checked(value: object) -> Response | None:
    if value is None:
        return None
    if isinstance(value, Response):
        check_headers(value.headers)
        return value
    raise ConfigurationError(
        f"respond_with() was given a function that answered with a {type(value).__name__}: "
        "return a Response, or None for the platform's own answer."
    )
