"""``configure``, ``flush``, ``shutdown``, ``stats``: the engine and the registry are put together and taken apart here.

What is heavy loads when the SDK is configured, not when it is imported: a library that only decorates pays nothing.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final, cast

from ams_sdk import _config, _guard, _handover
from ams_sdk import _process_end as process_end
from ams_sdk._capture import compile_rules, mask_counts, use_rules
from ams_sdk._capture import rules as redaction
from ams_sdk._decorators import runtime
from ams_sdk._errors import AMSError, ConfigurationError, NotLoggedInError
from ams_sdk._guard import guard
from ams_sdk._stats import Stats, stats_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence

    import httpx
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from ams_sdk._capture import Rules
    from ams_sdk._client import Client
    from ams_sdk._config import Settings
    from ams_sdk._connection import Connection
    from ams_sdk._libraries import LibraryTracing
    from ams_sdk._registry import Registrar
    from ams_sdk._tracing import Engine

__all__ = ["Stats", "configure", "flush", "shutdown", "stats"]

logger = logging.getLogger("ams_sdk")

_REGISTRATION_SECONDS: Final = 5.0
"""For each step of registering an agent; spans wait for it."""
_SAVING_SECONDS: Final = 1.0
"""At the most, between SIGTERM and the end."""
_WAITING_SECONDS: Final = 0.5
"""At the most, at the end of the program, for another thread that configures."""


class _Configured:
    """A configured SDK: what ``runtime.Runtime`` asks for, and what is to be taken down again."""

    def __init__(self, settings: Settings, engine: Engine, registrar: Registrar | None) -> None:
        self.settings = settings
        self.engine = engine
        self.registrar = registrar
        self.begin = engine.begin
        self.tracer = engine.tracer
        self.captures = settings.capture_content

    def shutdown(self, timeout: float, *, keep_guests: bool) -> bool:
        sent = self.engine.shutdown(timeout, keep_guests=keep_guests)
        if self.registrar:
            with guard("closing the connections of the registry"):
                self.registrar.close()
        return sent

    def after_fork(self) -> None:
        self.engine.after_fork()
        if self.registrar:
            self.registrar.after_fork()


class _Process:
    """What this process has configured: there is one provider, one set of pipelines and one end."""

    def __init__(self) -> None:
        self.configured: _Configured | None = None
        self.latest: _Configured | None = None
        self.libraries: LibraryTracing | None = None


class Aside:
    """What was configured, put aside as if nothing were, until ``put_back()``; for the testing kit."""

    def __init__(self) -> None:
        with runtime.lock():
            self._configured = configured = _process.configured
            self._latest = _process.latest
            self._was_decided = runtime.state.decided
            self._rules = redaction.current
            if configured is not None:
                _take_down()
                configured.engine.suspend()
            _process.configured = _process.latest = None
            runtime.reset()

    def put_back(self) -> None:
        """Shut down what was configured meanwhile, and go on as before."""
        shutdown()
        with runtime.lock():
            configured = _process.configured = self._configured
            _process.latest = self._latest
            use_rules(self._rules)
            runtime.reset()
            if configured is None:
                if self._was_decided:
                    runtime.set_current(None)
                return
            configured.engine.resume()
            _install(configured)


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
    redact: bool | Sequence[str | re.Pattern[str] | Callable[[str], str]] | None = None,
    exit_timeout: float | None = None,
    flush_interval: float | None = None,
    spool_dir: str | os.PathLike[str] | None = None,
    durable: bool | None = None,
    metrics: bool | None = None,
    save_on_sigterm: bool | None = None,
    auto_trace: bool | Sequence[str] | None = None,
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
        redact: whether texts are searched for secrets; or rules of your own, which run after the built-in ones: regular
            expressions, whose matches are masked, and functions from a text to what may be recorded of it.
        exit_timeout: the most seconds that the end of the program waits for what is still to be sent.
        flush_interval: the most seconds that a finished span is in memory only.
        spool_dir: the folder that keeps finished spans until they have arrived; ``"none"`` goes without.
        durable: whether a finished span is on disk before the decorated call returns.
        metrics: whether durations and counts are recorded as OpenTelemetry metrics.
        save_on_sigterm: whether finished spans are brought to disk before SIGTERM ends the process.
        auto_trace: whether installed libraries (openai, langchain, httpx, …) are traced by the OpenTelemetry
            instrumentors that are installed beside them; or the names of those that are.
        exporters: OpenTelemetry span exporters that get every span too, or alone if there is no credential.
        provider: the tracer provider to use whatever the global one is; it stays the application's.
        transport: an httpx transport to reach the platform by, for tests.

    Raises:
        ConfigurationError: a value cannot be used.
        LoginExpiredError: the only credential is a login that is over.
        StateFolderError: the saved login cannot be read.
    """
    rules = None if redact is None else compile_rules(redact)
    settings = _config.load(
        endpoint=endpoint,
        api_key=api_key,
        service_name=service_name,
        environment=environment,
        enabled=enabled,
        sample_rate=sample_rate,
        capture_content=capture_content,
        redact=None if rules is None else rules.searches,
        exit_timeout=exit_timeout,
        flush_interval=flush_interval,
        spool_dir=None if spool_dir is None else os.fspath(spool_dir),
        durable=durable,
        metrics=metrics,
        save_on_sigterm=save_on_sigterm,
        auto_trace=_as_text(auto_trace),
    )
    _check(exporters, provider)
    _check_libraries(settings)
    with runtime.lock():
        connection = _connection(settings) if settings.enabled else None
        is_told = connection is not None or bool(exporters) or _names_a_collector()
        if settings.enabled and not is_told:
            logger.warning(
                "ams_sdk.configure(): there is nothing to send to, nothing is traced. Run 'ams login', or set "
                "AMS_ENDPOINT and AMS_API_KEY, or OTEL_EXPORTER_OTLP_ENDPOINT, or pass exporters=[…]."
            )
        if settings.enabled and is_told:
            _start(settings, connection, exporters, provider, transport, rules)
        else:
            shutdown()


def _as_text(auto_trace: object) -> object:
    if auto_trace is None or isinstance(auto_trace, bool | str):
        return auto_trace
    if isinstance(auto_trace, list | tuple | set | frozenset):
        names = cast("Sequence[object]", auto_trace)
        if all(isinstance(name, str) for name in names):
            return ",".join(cast("Sequence[str]", names)) or False
    raise ConfigurationError("auto_trace cannot be used: write True, False, or a list of names of libraries.")


def _check_libraries(settings: Settings) -> None:
    if not isinstance(settings.auto_trace, bool):
        from ams_sdk._libraries import select  # noqa: PLC0415 -- not needed by a library that only decorates

        select(settings.auto_trace)


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
        configured = _take_down()
        if _process.libraries is not None:
            _process.libraries.stop()
    return _end(configured, timeout)


def stats() -> Stats:
    """What the SDK has done since it was configured; after ``shutdown()`` the final figures."""
    configured = _process.latest
    if configured is None:
        return Stats(redacted=mask_counts.masked(), swallowed=_guard.swallowed())
    registered = configured.registrar.registered() if configured.registrar else {}
    return stats_of(configured.engine.counts(), registered, is_configured=_process.configured is not None)


def _start(  # noqa: PLR0913, PLR0917 -- what configure() was given
    settings: Settings,
    connection: Connection | None,
    exporters: Sequence[SpanExporter],
    provider: TracerProvider | None,
    transport: httpx.BaseTransport | None,
    rules: Rules | None = None,
) -> None:
    from ams_sdk._tracing import Engine  # noqa: PLC0415 -- heavy, see the module's docstring

    guests = _process.configured.engine.guests() if _process.configured is not None else ()
    # Made before the old one ends: what cannot be used leaves everything as it was.
    engine = Engine(
        settings, connection=connection, exporters=exporters, provider=provider, transport=transport, guests=guests
    )
    registrar = None if connection is None else _registrar(engine, connection, transport)
    if registrar is not None:
        engine.ask_for_ids(registrar.agent_started)
    if _process.configured is not None:  # else calls that came meanwhile would be told that nothing is configured
        _end(_take_down(), keep_guests=True)
    use_rules(compile_rules(settings.redact) if rules is None else rules)  # what the old one had goes by its own rules
    engine.start()  # spans that the application makes before its first decorated call belong to the trace as well
    _process.configured = _process.latest = _Configured(settings, engine, registrar)
    _install(_process.configured)


def _install(configured: _Configured) -> None:
    settings = configured.settings
    _handover.install()
    runtime.set_current(configured)
    process_end.watch(_at_exit, _save, handles_sigterm=settings.save_on_sigterm)
    _trace_libraries(settings, configured.engine)


def _trace_libraries(settings: Settings, engine: Engine) -> None:
    if settings.auto_trace is False and _process.libraries is None:
        return
    from ams_sdk._libraries import LibraryTracing, select  # noqa: PLC0415 -- only if it is asked for

    with guard("tracing installed libraries"):
        libraries = _process.libraries = _process.libraries or LibraryTracing()
        libraries.trace(select(settings.auto_trace), engine.provider, captures=settings.capture_content)


def _take_down() -> _Configured | None:
    configured, _process.configured = _process.configured, None
    runtime.set_current(None)
    _handover.uninstall()
    return configured


def _end(configured: _Configured | None, timeout: float | None = None, *, keep_guests: bool = False) -> bool:
    if configured is None:
        return True
    allowed = configured.settings.exit_timeout if timeout is None else timeout
    sent = configured.shutdown(allowed, keep_guests=keep_guests)
    process_end.unwatch()
    if sent:  # else a worker that was left behind may still have spans
        use_rules()
    if not sent:
        logger.debug("ams_sdk: not everything was sent: %s", configured.engine.counts())
    return sent


def _registrar(engine: Engine, connection: Connection, transport: httpx.BaseTransport | None) -> Registrar:
    from ams_sdk._registry import Registrar  # noqa: PLC0415 -- not needed without a platform

    def open_client() -> Client:
        from ams_sdk._client import Client  # noqa: PLC0415 -- heavy; this runs in the background

        return Client(
            endpoint=connection.endpoint, api_key=connection.bearer, timeout=_REGISTRATION_SECONDS, transport=transport
        )

    return Registrar(open_client, engine.submit_job)


def _connection(settings: Settings) -> Connection | None:
    from ams_sdk._connection import resolve  # noqa: PLC0415 -- not needed by a library that only decorates

    connection = resolve(endpoint=settings.endpoint, api_key=settings.api_key)
    return connection if connection.bearer else None


def _names_a_collector() -> bool:
    # Whether it can be used, and whether traces are sent to it, is read where the engine is made.
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(os.environ.get(name) for name in names) and os.environ.get("OTEL_TRACES_EXPORTER") != "none"


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
                _check_libraries(settings)
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

    try:
        return os.path.exists(_config.state_folder() / FILE_NAME)  # noqa: PTH110 -- False where it may not look
    except ConfigurationError:  # this user has no home, and so no login
        return False


def _after_fork() -> None:
    if _process.configured is not None:
        _process.configured.after_fork()
        process_end.watch_child()
    if _process.libraries is not None:
        _process.libraries.after_fork()


def _at_exit() -> None:
    with guard("ending with the program"):
        if runtime.lock().acquire(timeout=_WAITING_SECONDS):
            try:
                configured = _take_down()
            finally:
                runtime.lock().release()
        else:  # another thread configures, for as long as a provider of the application's takes
            configured, _process.configured = _process.configured, None
        _end(configured)


def _save() -> None:
    if _process.configured is not None:
        _process.configured.engine.save(_SAVING_SECONDS)


runtime.set_starter(_start_from_environment)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
