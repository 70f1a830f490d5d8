"""What ``ams_sdk.stats()`` answers with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ams_sdk import _guard
from ams_sdk._capture import mask_counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ams_sdk._tracing import Counts

__all__ = ["Stats", "stats_of"]


@dataclass(frozen=True, slots=True)
class Stats:
    """What the SDK has done in this process, in spans where nothing else is said.

    Each figure is by exporter; ``platform`` is the AMS platform, ``otlp`` the collector that the environment names.

    Attributes:
        configured: whether decorated calls are traced.
        created: ended and sampled.
        exported: arrived.
        failed: given up: refused for good, or failed by an exporter that does not try again.
        for_others: arrived, of processes that are gone; not among the other figures.
        dropped: never sent, by exporter and reason, for example ``platform: queue full``.
        waiting: in memory, on disk or being sent.
        spooled: of those, on disk: they survive the process, and the next one sends them.
        retried: attempts after the first, in batches.
        bytes: sent, as they went over the wire.
        worker_seconds: processor time of the threads that encode and send.
        registered: ids of agents by name, as the platform gave them.
        redacted: what was masked, by what gave it away: ``name``, ``marked``, ``authorization``, ``jwt``, ``key``,
            ``card``, ``url``, ``pem`` or ``custom``. Of a span that leaves in two ways it may count twice.
        swallowed: errors inside the SDK that were kept from the program, by place.
    """

    configured: bool = False
    created: dict[str, int] = field(default_factory=dict[str, int])
    exported: dict[str, int] = field(default_factory=dict[str, int])
    failed: dict[str, int] = field(default_factory=dict[str, int])
    for_others: dict[str, int] = field(default_factory=dict[str, int])
    dropped: dict[str, int] = field(default_factory=dict[str, int])
    waiting: dict[str, int] = field(default_factory=dict[str, int])
    spooled: dict[str, int] = field(default_factory=dict[str, int])
    retried: dict[str, int] = field(default_factory=dict[str, int])
    bytes: dict[str, int] = field(default_factory=dict[str, int])
    worker_seconds: dict[str, float] = field(default_factory=dict[str, float])
    registered: dict[str, str] = field(default_factory=dict[str, str])
    redacted: dict[str, int] = field(default_factory=dict[str, int])
    swallowed: dict[str, int] = field(default_factory=dict[str, int])


def stats_of(counts: Mapping[str, Counts], registered: dict[str, str], *, is_configured: bool) -> Stats:
    """Put together what the parts have counted."""
    return Stats(
        configured=is_configured,
        created={name: count.created for name, count in counts.items()},
        exported={name: count.exported for name, count in counts.items()},
        failed={name: count.failed for name, count in counts.items()},
        for_others={name: count.for_others for name, count in counts.items()},
        dropped={
            f"{name}: {reason}": spans for name, count in counts.items() for reason, spans in count.dropped.items()
        },
        waiting={name: count.waiting for name, count in counts.items()},
        spooled={name: count.spooled for name, count in counts.items()},
        retried={name: count.retried for name, count in counts.items()},
        bytes={name: count.bytes for name, count in counts.items()},
        worker_seconds={name: count.seconds for name, count in counts.items()},
        registered=registered,
        redacted=mask_counts.masked(),
        swallowed=_guard.swallowed(),
    )
