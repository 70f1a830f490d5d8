"""What of a resource is another one in the child of a fork, found without starting a thread there.

OpenTelemetry asks its detectors in a pool of threads, for a time limit, and waits for it in the child before ``fork``
comes back. Where gevent serves as threads, whoever waits lets everything else go on that the parent had begun: the
child would run the program on, beside the parent, instead of what it was made for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk import resources

from ams_sdk._guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["process_resource"]

# An OpenTelemetry that has it not never asks.
_detectors: Final[Callable[[], Sequence[Any]]] = getattr(resources, "_build_resource_detectors", lambda: ())


def process_resource() -> resources.Resource:
    """What the detectors named by ``OTEL_EXPERIMENTAL_RESOURCE_DETECTORS`` say of this process; empty if they fail."""
    found = resources.Resource.get_empty()
    for detector in _detectors():
        with guard("describing the child of a fork"):
            if detector.is_process_dependent():
                found = found.merge(detector.detect())
    return found
