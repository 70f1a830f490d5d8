"""Libraries that trace themselves, and only have to be asked to."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from opentelemetry.trace import TracerProvider

__all__ = ["PydanticAI"]


class PydanticAI:
    """pydantic-ai, in the shape of an instrumentor: its switch for all agents that have none of their own."""

    def __init__(self, *, captures: bool) -> None:
        self._captures = captures
        self._ours: object = None

    @property
    def is_instrumented_by_opentelemetry(self) -> bool:
        """Whether the switch is on, by whomever."""
        return _agent()._instrument_default is not False  # noqa: SLF001 -- there is no public way to ask

    def instrumentation_dependencies(self) -> Collection[str]:
        """Nothing beside itself."""
        return ()

    def instrument(self, *, tracer_provider: TracerProvider, **_: object) -> None:
        """Turn it on."""
        settings = import_module("pydantic_ai.models.instrumented").InstrumentationSettings
        self._ours = settings(tracer_provider=tracer_provider, include_content=self._captures)
        _agent().instrument_all(self._ours)

    def uninstrument(self) -> None:
        """Turn it off, unless somebody else has turned it on in the meantime."""
        if _agent()._instrument_default is self._ours:  # noqa: SLF001 -- the same
            _agent().instrument_all(False)  # noqa: FBT003 -- its own way to say it


def _agent() -> Any:  # noqa: ANN401 -- a class of a library that need not be installed
    return import_module("pydantic_ai").Agent
