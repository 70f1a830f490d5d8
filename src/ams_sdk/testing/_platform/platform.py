"""A platform for tests, in memory: all of the HTTP contract, in process and on a port."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._http import InProcessTransport, LoopbackServer, Response
from ams_sdk.testing._platform.assertions import misregistered, registered_anyway, requested_otherwise
from ams_sdk.testing._platform.captured import as_captured
from ams_sdk.testing._platform.clock import PlatformClock
from ams_sdk.testing._platform.expectations import Expectation
from ams_sdk.testing._platform.failures import failure
from ams_sdk.testing._platform.gateway import Gateway
from ams_sdk.testing._platform.in_process import InProcess
from ams_sdk.testing._platform.request_log import RequestLog
from ams_sdk.testing._platform.routes import operation_of
from ams_sdk.testing._platform.seeding import Account, Seed, Seeded, plant
from ams_sdk.testing._platform.service import Service
from ams_sdk.testing._platform.stubs import OperationHandle
from ams_sdk.testing._platform.verification import Allowed, complaints_of
from ams_sdk.wire import RegisterRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator
    from typing import Self

    from ams_sdk.testing._http import Request
    from ams_sdk.testing._platform.faults import Fault
    from ams_sdk.testing._platform.routes import OperationName
    from ams_sdk.testing._trace.captured_span import CapturedSpan
    from ams_sdk.wire import Agent, User

__all__ = ["MockPlatform"]

_HOST: Final = "mock.ams.localhost"
"""Never leaves the machine (RFC 6761, section 6.3), so a client spares itself proxies and certificates."""
_EMAIL: Final = "ada@example.org"
_PASSWORD: Final = "Analytical-Engine-1843"  # noqa: S105 -- of an account that lives for a test

_RELAXED: Final = "@pytest.mark.ams(strict=False), or MockPlatform(strict=False), looks at expectations only."


class MockPlatform:
    """A platform in memory that answers as a real one does.

    Example::

        platform = MockPlatform()
        ams_sdk.configure(endpoint=platform.url, api_key=platform.api_key, transport=platform.transport)
        run_the_agent()
        ams_sdk.flush()
        platform.assert_registered("researcher", version="1.2.0")
        platform.verify()

    It may be used by many threads, in process and on a port at the same time. There are no rate limits but those of
    ``fault(RateLimit())``, no CORS, and no ``/openapi.json``.

    Attributes:
        strict: whether ``verify()`` looks at what nobody expected.
        account: a ready account.
        requests: what was asked.
        transport: for ``httpx.Client``, ``httpx.AsyncClient`` and ``ams_sdk.configure``.
        settle: called before something is read or asserted; brings what is still under way.

    Args:
        strict: False lets unexpected requests, unused stubs and faults pass, and any host in process.
        clock: seconds since 1970; this machine's clock if not given.
    """

    def __init__(self, *, strict: bool = True, clock: Callable[[], float] | None = None) -> None:
        self.strict: bool = strict
        self.requests: RequestLog = RequestLog()
        self._clock = PlatformClock(clock)
        self._service = Service(self.requests, self._clock)
        self._server: LoopbackServer | None = None
        self.transport: InProcessTransport = InProcessTransport(
            InProcess(self._service, self._is_ours), lambda: None if self._server is None else self._server.url
        )
        wanted = RegisterRequest(email=_EMAIL, password=_PASSWORD, name="Ada")
        now = self._clock.now()
        user = self._service.gateway.accounts.register(wanted, now)
        self.account: Account = Account(_EMAIL, _PASSWORD, user)
        self._token = self._service.gateway.accounts.credentials.issue(user.id, now)
        self._key = self._service.gateway.accounts.credentials.make_key(user.id, "ready", None, now)
        self.settle: Callable[[], object] = _settled
        self._served: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        self._expectations: list[Expectation] = []
        self._allowed = Allowed()
        self._failures: list[Exception] = []

    # --- where it is --------------------------------------------------------------------------------------------------

    @property
    def token(self) -> str:
        """An access token of the ready account."""
        return self._token

    @property
    def api_key(self) -> str:
        """An API key of the ready account."""
        return self._key.key

    @property
    def url(self) -> str:
        """Its address: on the port while it is served, else one that only ``transport`` reaches."""
        return f"http://{_HOST}" if self._server is None else self._server.url

    def start(self, port: int = 0) -> Self:
        """Serve on 127.0.0.1 until ``stop()``; port 0 takes a free one.

        Raises:
            ConfigurationError: it is served already.
            OSError: the port is taken.
        """
        if self._server is not None:
            raise ConfigurationError(f"The platform is served already, at {self.url}; stop() it first.")
        server = LoopbackServer(self, port=port).start()
        self._server = server
        self._served |= {f"127.0.0.1:{server.port}", f"localhost:{server.port}"}
        return self

    def stop(self) -> None:
        """End every connection and thread; what it keeps stays."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()
            self._failures += server.failures

    @contextmanager
    def serve(self, port: int = 0) -> Generator[Self]:
        """Serve on 127.0.0.1 while the ``with`` block runs.

        Raises:
            ConfigurationError: it is served already.
            OSError: the port is taken.
        """
        self.start(port)
        try:
            yield self
        finally:
            self.stop()

    # --- what is on it ------------------------------------------------------------------------------------------------

    @property
    def spans(self) -> tuple[CapturedSpan, ...]:
        """Every span that it keeps, as it arrived: nothing is masked here, so that a leak can be seen."""
        self.settle()
        return tuple(map(as_captured, self._service.gateway.traces.spans()))

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Every agent that is registered, whoever's."""
        self.settle()
        return tuple(self._service.gateway.agents)

    def seed(self, *seeds: Seed, account: Account | str | None = None) -> Seeded:
        """Put accounts, API keys, agents and spans on it, by the rules of the contract and without a request.

        Args:
            seeds: ``RegisterRequest``, ``ApiKeyRequest``, ``AgentRegistration`` of ``ams_sdk.wire``; ``CapturedSpan``.
            account: whose keys, agents and spans they are, by its address; the ready account if not given.

        Raises:
            ConfigurationError: there is no such account, or one of the seeds breaks a rule.
        """
        return plant(self._service.gateway, self._user(account), seeds, self._clock.now())

    def issue_token(self, account: Account | str | None = None) -> str:
        """A new access token, as after a login.

        Raises:
            ConfigurationError: there is no such account.
        """
        with self._service.gateway.lock:
            return self._service.gateway.accounts.credentials.issue(self._user(account).id, self._clock.now())

    def expire(self, token: str | None = None) -> None:
        """Let the time of a token or an API key be over: 401 ``token_expired``; the ready token if not given.

        Raises:
            ConfigurationError: it was never issued.
        """
        with self._service.gateway.lock:
            self._service.gateway.accounts.credentials.expire(self._known(token), self._clock.now())

    def revoke(self, token: str | None = None) -> None:
        """Make a token or an API key useless: 401 ``invalid_token``; the ready token if not given.

        Raises:
            ConfigurationError: it was never issued.
        """
        with self._service.gateway.lock:
            self._service.gateway.accounts.credentials.revoke(self._known(token))

    def advance(self, seconds: float) -> None:
        """Move the platform's clock on; tokens last eight hours.

        Raises:
            ConfigurationError: the seconds are none.
        """
        self._clock.advance(seconds)

    # --- what it answers ----------------------------------------------------------------------------------------------

    def on(self, operation: OperationName) -> OperationHandle:
        """Change what an operation answers: ``on("login").respond(503, times=2)``.

        Raises:
            ConfigurationError: there is no such operation.
        """
        return OperationHandle(operation_of(operation).name, self._service.stubs, self._service.faults)

    def fault(self, fault: Fault, *, on: OperationName | None = None, times: int | None = 1, after: int = 0) -> None:
        """Let something go wrong.

        Args:
            fault: what.
            on: at which operation; at every request that it can happen to if not given.
            times: how often; None for ever.
            after: so many requests pass before.

        Raises:
            ConfigurationError: it cannot happen there.
        """
        self._service.faults.add(fault, on, times, after)

    @property
    def holds_up_the_sdk(self) -> bool:
        """Whether spans cannot arrive, by a fault or a stub without end; then nobody need wait until they have."""
        intake = operation_of("export_traces")
        return self._service.faults.holds_up(intake) or self._service.stubs.holds_up(intake.name)

    # --- what a test says ---------------------------------------------------------------------------------------------

    def expect(
        self,
        operation: OperationName,
        *,
        times: int | None = None,
        answered: int | None = None,
        **fields: Any,  # noqa: ANN401 -- any value of JSON, or what compares equal to one
    ) -> None:
        """Say what will be requested from now on; ``verify()`` tells if it was not.

        Args:
            operation: what.
            times: exactly so often, 0 for never; None for once or more.
            answered: with this status; a refusal that is expected is no fault of the client's.
            fields: what its JSON body has, for example ``name="researcher"``.

        Raises:
            ConfigurationError: there is no such operation, or no request for it can be so.
        """
        since = self.requests[-1].number if self.requests else 0
        self._expectations.append(Expectation.of(operation, times, answered, fields, asked_by="expect", since=since))

    def allow(self, *operations: OperationName, path: str | None = None, host: str | None = None) -> None:
        """Let something pass that ``verify()`` would tell of.

        Args:
            operations: may break the contract (400, 413, 415, 422).
            path: may be asked for, though the contract does not know it.
            host: is the platform too, in process.

        Raises:
            ConfigurationError: there is no such operation.
        """
        self._allowed.operations |= {operation_of(operation).name for operation in operations}
        self._allowed.paths |= set() if path is None else {path}
        self._allowed.hosts |= set() if host is None else {host.lower()}

    def verify(self) -> None:
        """See whether everything that was asked is accounted for.

        If ``strict``, nothing unknown may have been asked for, nothing that breaks the contract, no other host; every
        stub and fault with ``times`` must have been used up. Expectations must be met in any case.

        Raises:
            PlatformAssertionError: something is not; each line says how to relax it.
        """
        __tracebackhide__ = True
        failures = [*self._failures, *(self._server.failures if self._server else [])]
        self.settle()
        found = complaints_of(
            requests=list(self.requests),
            is_strict=self.strict,
            allowed=self._allowed,
            expectations=self._expectations,
            stubs=self._service.stubs.unused(),
            faults=self._service.faults.unmet(),
            failures=failures,
        )
        if found:
            heading = "The mock platform saw what this test does not account for:"
            relaxed = ["", _RELAXED] if self.strict else []
            lines = [heading, "", *(f"  {text}" for text in found), *relaxed]
            raise self._failure([*lines, "", "It got:", *self.requests.rows()])

    def assert_registered(
        self,
        name: str | Callable[..., Any],
        *,
        version: object = None,
        tools: Collection[str | Callable[..., Any]] | None = None,
        **fields: Any,  # noqa: ANN401 -- any value of JSON, or what compares equal to one
    ) -> Agent:
        """Assert that an agent is registered, and give it.

        Args:
            name: of the agent, or the function or class that is decorated with ``@agent``.
            version: of its newest revision.
            tools: the names of its tools, or the functions, all of them, in any order.
            fields: ``description``, ``status``, ``labels``, ``fingerprint``, ``input_schema``, ``output_schema``,
                ``skills``, ``model``, ``framework``, ``sdk``.

        Raises:
            PlatformAssertionError: it is not, or otherwise.
            ConfigurationError: an agent has no such field, or this is none.
        """
        __tracebackhide__ = True
        found = misregistered(self.agents, name, version, tools, fields)
        if isinstance(found, list):
            raise self._failure(found)
        return found

    def assert_not_registered(self, name: str | Callable[..., Any]) -> None:
        """Assert that an agent is not registered.

        Args:
            name: of the agent, or the function or class that is decorated with ``@agent``.

        Raises:
            PlatformAssertionError: it is.
            ConfigurationError: this is no agent.
        """
        __tracebackhide__ = True
        found = registered_anyway(self.agents, name)
        if found:
            raise self._failure(found)

    def assert_requested(
        self,
        operation: OperationName,
        *,
        times: int | None = None,
        answered: int | None = None,
        **fields: Any,  # noqa: ANN401 -- any value of JSON, or what compares equal to one
    ) -> None:
        """Assert that something was requested: ``times=0`` for never, once or more if not given.

        Raises:
            PlatformAssertionError: it was not, or not so often.
            ConfigurationError: there is no such operation, or no request for it can be so.
        """
        __tracebackhide__ = True
        wanted = Expectation.of(operation, times, answered, fields, asked_by="assert_requested")
        self.settle()
        lines = requested_otherwise(self.requests, wanted)
        if lines:
            raise self._failure(lines)

    def assert_logged_in(self, account: Account | str | None = None) -> None:
        """Assert that somebody has logged in; this account, by its address, if one is given.

        Raises:
            PlatformAssertionError: nobody has, or somebody else.
        """
        __tracebackhide__ = True
        email = account.email if isinstance(account, Account) else account
        done = {request.account for request in self.requests.of("login") if request.status == 200}  # noqa: PLR2004 -- HTTP's OK
        if not done or (email is not None and email not in done):
            who = f"{email} has not logged in." if email else "Nobody has logged in."
            raise self._failure([who, "", "The platform got:", *self.requests.rows()])

    def reset(self) -> None:
        """Forget requests, stubs, faults, expectations and all data; the ready account keeps its credentials."""
        self._clock.reset()
        gateway, user = Gateway(), self.account.user
        gateway.accounts.add(user, self.account.password)
        gateway.accounts.credentials.restore(user.id, self._token, self._key, self._clock.now())
        self.requests.clear()
        self._service.reset(gateway)
        self._begin()

    # --- an application of HTTP ---------------------------------------------------------------------------------------

    def body_limit(self, head: Request, /) -> int:
        """How many bytes of a request's body are read."""
        return self._service.body_limit(head)

    def answer(self, request: Request, /) -> Response:
        """The answer to a request; called by the server."""
        return self._service.answer(request)

    def _is_ours(self, host: str) -> bool:
        return not self.strict or host in {_HOST, *self._served, *self._allowed.hosts}

    def _user(self, account: Account | str | None) -> User:
        if account is None:
            return self.account.user
        email = account.email if isinstance(account, Account) else account
        user = self._service.gateway.accounts.find(email)
        if user is None:
            known = ", ".join(one.email for one in self._service.gateway.accounts)
            raise ConfigurationError(
                f"There is no account {email!r}; there is: {known}. "
                f"Make it first: seed(RegisterRequest(email={email!r}, password=…))."
            )
        return user

    def _known(self, token: str | None) -> str:
        found = self._token if token is None else token
        if not self._service.gateway.accounts.credentials.knows(found):
            raise ConfigurationError(
                "This platform has not issued that token or key, or it was deleted. "
                "Give the text of token, api_key, issue_token() or of a login."
            )
        return found

    def _failure(self, lines: list[str]) -> Exception:
        with self._service.gateway.lock:
            secrets = [self.account.password, *self._service.gateway.accounts.credentials.texts()]
        return failure(lines, secrets)

    def __repr__(self) -> str:
        return f"<MockPlatform at {self.url}, {len(self.requests)} requests>"


def _settled() -> None:
    """Nobody is under way."""
