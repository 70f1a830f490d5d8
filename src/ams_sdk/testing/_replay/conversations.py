"""Which answers belong to which conversation, where several went on at the same time.

Their requests come in another order each time. What tells them apart is how each began: its first message of a user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk.testing._replay.completeness import flaw
from ams_sdk.testing._replay.replay_plan import MEASURED_NS

if TYPE_CHECKING:
    from ams_sdk.testing._replay.replay_plan import DoneStep

__all__ = ["conversations"]

_SHORT: Final = 60


def conversations(models: Sequence[DoneStep]) -> list[tuple[str, list[int]]] | None:
    """A text that is in each request of a conversation and in no other's, and which calls are of it.

    None if one script is enough, as no two calls overlapped, or if nothing tells them apart.

    Args:
        models: the calls, in the order of their start.
    """
    if not _overlap(models):
        return None
    texts = [_texts(step.model.input) if step.model else [] for step in models]
    groups: dict[str, list[int]] = {}
    for at, said in enumerate(texts):
        if not said or flaw(said[0], "") is not None:
            return None
        groups.setdefault(said[0], []).append(at)
    found: list[tuple[str, list[int]]] = []
    for first, members in groups.items():
        others = [one for at, said in enumerate(texts) if at not in members for one in said]
        sign = next(
            (one for one in (_beginning(first), first) if one and not any(one in other for other in others)), None
        )
        if sign is None or any(
            _overlap([models[one], models[other]]) for one in members for other in members if one < other
        ):
            return None
        found.append((sign, members))
    return found if len(found) > 1 else None


def _overlap(models: Sequence[DoneStep]) -> bool:
    latest = 0
    for step in models:
        span = step.branch.span
        if span.start_ns < latest - MEASURED_NS:
            return True
        latest = max(latest, span.end_ns or span.start_ns)
    return False


def _beginning(text: str) -> str:
    """The first words, as they are enough as a rule."""
    line = text.strip().partition("\n")[0]
    return line if len(line) <= _SHORT else line[:_SHORT].rpartition(" ")[0]


def _texts(given: object) -> list[str]:
    """What a request says, the first message of a user before all others."""
    if isinstance(given, str):
        return [given]
    users: list[str] = []
    others: list[str] = []
    for message in _objects(given):
        for part in _objects(message.get("parts")):
            said = part.get("content", part.get("response"))
            kept = users if message.get("role") == "user" and part.get("type") == "text" else others
            kept.append(said if isinstance(said, str) else "")
    return [*users, *others] if users else []


def _objects(value: object) -> list[Mapping[str, Any]]:
    items = cast("Sequence[object]", value) if isinstance(value, list) else ()
    return [cast("Mapping[str, Any]", item) for item in items if isinstance(item, Mapping)]
