"""``configure``, ``flush``, ``shutdown``, ``stats``: the engine and the registry are put together and taken apart here.

What is heavy loads when the SDK is configured, not when it is imported: a library that only decorates pays nothing.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from ams_sdk import _config, _guard
from ams_sdk._decorators import runtime
from ams_sdk._errors import AMSError, ConfigurationError, NotLoggedInError
from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

    from ams_sdk._client import Connection
    from ams_sdk._config import Settings
    from ams_sdk._decorators import AgentDefinition
    from ams_sdk._registry import Registrar
    from ams_sdk._tracing import Engine

__all__ = ["Stats", "configure", "flush", "shutdown", "stats"]

logger = logging.getLogger("ams_sdk")

_REGISTRATION_SECONDS: Final = 5.0
"""For each step of registering an agent; spans wait for it."""
_EXIT_PRIORITY: Final = 100
"""Among the finalizers of multiprocessing: before those that close its queues and pools."""


@dataclass(frozen=True, slots=True)
class Stats:
    """What the SDK has done in this process, in spans where nothing else is said.

    Attributes:
        configured: whether decorated calls are traced.
        exported: sent, by exporter; ``platform`` is the AMS platform.
        failed: given up after the exporter failed, by exporter.
        dropped: never sent, by exporter and reason, for example ``platform: queue full``.
        waiting: still queued, by exporter.
        registered: ids of agents by name, as the platform gave them.
        swallowed: errors inside the SDK that were kept from the program, by place.
    """

    configured: bool = False
    exported: dict[str, int] = field(default_factory=dict[str, int])
    failed: dict[str, int] = field(default_factory=dict[str, int])
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    waiting: dict[str, int] = field(default_factory=dict[str, int])
    registered: dict[str, str] = field(default_factory=dict[str, str])
    swallowed: dict[str, int] = field(default_factory=dict[str, int])


class _Configured:
    """A configured SDK: what ``runtime.Runtime`` asks for, and what is to be taken down again."""

    def __init__(self, settings: Settings, engine: Engine, registrar: Registrar | None) -> None:
        self.settings = settings
        self.engine = engine
        self.registrar = registrar
        self.capture_content = settings.capture_content

    def shutdown(self, timeout: float) -> bool:
        sent = self.engine.shutdown(timeout)
        if self.registrar:
            with guard("closing the connections of the registry"):
                self.registrar.close()
        return sent

    def after_fork(self) -> None:
        self.engine.after_fork()
        if self.registrar:
            self.registrar.after_fork()

    def tracer(self) -> Tracer:
        return self.engine.tracer()

    def agent_started(self, agent: AgentDefinition) -> str | None:
        return self.registrar.agent_started(agent) if self.registrar else None


class _Process:
    """What this process has configured: there is one provider, one set of pipelines and one end."""

    def __init__(self) -> None:
        self.configured: _Configured | None = None
        self.latest: _Configured | None = None
        self.exit_is_watched = False


_process = _Process()


def configure(  # noqa: PLR0913 -- each is a setting, all are keyword-only
    *,
    endpoint: str | None = None,
    api_key: str | None = None,
    service_name: str | None = None,
    environment: str | None = None,
    enabled: bool | None = None,
    sample_rate: float | None = None,
    capture_content: bool | None = None,
    exit_timeout: float | None = None,
    exporters: Sequence[SpanExporter] = (),
    provider: TracerProvider | None = None,
    transport: httpx.BaseTransport | None = None,
) -> None:
    """Start tracing decorated calls. Not needed where the environment or a login says it all.

    What is not given comes from ``AMS_<NAME>``, then from OpenTelemetry's variable for the same thing, then, for the
    endpoint and the key, from ``ams login``. Calling it again first sends what is there and takes the old configuration
    down. With nothing to send to, it says so once in the log and decorated calls stay plain calls.

    Args:
        endpoint: the platform's address, for example ``http://127.0.0.1:8787``.
        api_key: an API key or an access token, sent as a bearer (RFC 6750).
        service_name: OpenTelemetry's ``service.name``.
        environment: OpenTelemetry's ``deployment.environment.name``.
        enabled: False turns the SDK off.
        sample_rate: the share of traces that is kept, 0 to 1.
        capture_content: whether arguments, results and messages are recorded.
        exit_timeout: the most seconds that the end of the program waits for what is still to be sent.
        exporters: OpenTelemetry span exporters that get every span too, or alone if there is no credential.
        provider: the tracer provider to use whatever the global one is; it stays the application's.
        transport: an httpx transport to reach the platform by, for tests.

    Raises:
        ConfigurationError: a value cannot be used.
        LoginExpiredError: the only credential is a login that is over.
        StateFolderError: the saved login cannot be read.
    """
    settings = _config.load(
        endpoint=endpoint,
        api_key=api_key,
        service_name=service_name,
        environment=environment,
        enabled=enabled,
        sample_rate=sample_rate,
        capture_content=capture_content,
        exit_timeout=exit_timeout,
    )
    _check(exporters, provider)
    with runtime.lock():
        shutdown()
        connection = _connection(settings) if settings.enabled else None
        if settings.enabled and connection is None and not exporters:
            logger.warning(
                "ams_sdk.configure(): there is nothing to send to, nothing is traced. "
                "Run 'ams login', or set AMS_ENDPOINT and AMS_API_KEY, or pass exporters=[…]."
            )
        elif settings.enabled:
            _start(settings, connection, exporters, provider, transport)


def _check(exporters: object, provider: object) -> None:
    if not isinstance(exporters, list | tuple) or not all(
        callable(getattr(one, "export", None)) for one in cast("Sequence[object]", exporters)
    ):
        raise ConfigurationError("exporters cannot be used: write a list of OpenTelemetry span exporters.")
    if provider is not None and not callable(getattr(provider, "add_span_processor", None)):
        raise ConfigurationError("provider cannot be used: it is the TracerProvider of OpenTelemetry's SDK.")


def flush(timeout: float = 10.0) -> bool:
    """Send what has ended before this call.

    Args:
        timeout: the most seconds to wait.

    Returns:
        Whether all of it was sent; True if the SDK is not configured, since there is nothing to send.
    """
    configured = _process.configured
    return configured is None or configured.engine.flush(timeout)


def shutdown(timeout: float | None = None) -> bool:
    """Send what is there and stop; decorated calls are plain calls from then on.

    Args:
        timeout: the most seconds to wait; the setting ``exit_timeout`` if not given.

    Returns:
        Whether everything was sent.
    """
    with runtime.lock():
        configured, _process.configured = _process.configured, None
        runtime.set_current(None)
    if configured is None:
        return True
    sent = configured.shutdown(configured.settings.exit_timeout if timeout is None else timeout)
    if not sent:
        logger.debug("ams_sdk: not everything was sent: %s", configured.engine.counts())
    return sent


def stats() -> Stats:
    """What the SDK has done since it was configured; after ``shutdown()`` the final figures."""
    configured = _process.latest
    if configured is None:
        return Stats(swallowed=_guard.swallowed())
    counts = configured.engine.counts()
    return Stats(
        configured=_process.configured is not None,
        exported={name: count.exported for name, count in counts.items()},
        failed={name: count.failed for name, count in counts.items()},
        dropped={
            f"{name}: {reason}": spans for name, count in counts.items() for reason, spans in count.dropped.items()
        },
        waiting={name: count.waiting for name, count in counts.items()},
        registered=configured.registrar.registered() if configured.registrar else {},
        swallowed=_guard.swallowed(),
    )


def _start(
    settings: Settings,
    connection: Connection | None,
    exporters: Sequence[SpanExporter],
    provider: TracerProvider | None,
    transport: httpx.BaseTransport | None,
) -> None:
    from ams_sdk._tracing import Engine, PlatformExporter  # noqa: PLC0415 -- heavy, see the module's docstring

    named: dict[str, SpanExporter] = {f"{type(one).__name__} {number}": one for number, one in enumerate(exporters, 1)}
    if connection is None:
        engine, registrar = Engine(settings, named, provider), None
    else:
        from ams_sdk._client import Client  # noqa: PLC0415 -- heavy
        from ams_sdk._registry import Registrar  # noqa: PLC0415 -- heavy

        engine = Engine(settings, {"platform": PlatformExporter(connection, transport)} | named, provider)
        client = Client(
            endpoint=connection.endpoint, api_key=connection.bearer, timeout=_REGISTRATION_SECONDS, transport=transport
        )
        registrar = Registrar(client, engine.pipelines["platform"].submit_job)
    engine.tracer()  # spans that the application makes before its first decorated call belong to the trace as well
    _process.configured = _process.latest = _Configured(settings, engine, registrar)
    runtime.set_current(_process.configured)
    if not _process.exit_is_watched:
        _process.exit_is_watched = True
        atexit.register(_at_exit)
        _watch_the_end_of_a_multiprocessing_child()


def _connection(settings: Settings) -> Connection | None:
    from ams_sdk._client import resolve  # noqa: PLC0415 -- heavy

    connection = resolve(endpoint=settings.endpoint, api_key=settings.api_key)
    return connection if connection.bearer else None


def _start_from_environment() -> _Configured | None:
    """Asked at the first decorated call: configure if the environment or a login says how.

    Silent if nothing says so; what is said and cannot be used is told in the log, once.

    Under pytest only if ``AMS_ENABLED`` says so: a test suite must not send its runs to the developer's platform.
    """
    if "PYTEST_VERSION" in os.environ and "AMS_ENABLED" not in os.environ:
        return None
    with runtime.lock():
        try:
            settings = _config.load()
            given = bool(settings.endpoint or settings.api_key)
            if settings.enabled and _process.configured is None and (given or _logged_in()):
                _start_with(settings)
        except AMSError as error:
            logger.warning("ams_sdk: nothing is traced. %s", error)
        return _process.configured


def _start_with(settings: Settings) -> None:
    connection = _connection(settings)
    if connection is None:
        raise NotLoggedInError(
            f"There is no credential for {settings.endpoint}; run: ams login --endpoint {settings.endpoint}, "
            "or set AMS_API_KEY."
        )
    if settings.api_key and not settings.endpoint and connection.login is None:
        raise ConfigurationError("AMS_API_KEY is set, and not where to send it: set AMS_ENDPOINT.")
    _start(settings, connection, (), None, None)


def _logged_in() -> bool:
    # A look at the folder costs microseconds; a program without a login should not pay for the imports to read it.
    from ams_sdk._credentials import FILE_NAME  # noqa: PLC0415 -- heavy

    return (_config.state_folder() / FILE_NAME).exists()


def _watch_the_end_of_a_multiprocessing_child(_process: object = None) -> None:
    # It ends with os._exit, which skips atexit, but runs finalizers of its own.
    process, finalizers = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is not None and finalizers is not None and process.parent_process() is not None:
        finalizers.Finalize(None, _at_exit, exitpriority=_EXIT_PRIORITY)


def _after_fork() -> None:
    if _process.configured is None:
        return
    _process.configured.after_fork()
    if finalizers := sys.modules.get("multiprocessing.util"):
        # A child of multiprocessing first forgets the finalizers of its parent and then runs this.
        finalizers.register_after_fork(_process, _watch_the_end_of_a_multiprocessing_child)


def _at_exit() -> None:
    with guard("ending with the program"):
        shutdown()


runtime.set_starter(_start_from_environment)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
