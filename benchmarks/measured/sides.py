"""The sides of a comparison, and how they take turns."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from measured.peers import LANGFUSE, LOGFIRE, OPENAI_AGENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from measured.peers import Peer
    from measured.sink import Sink

AMS, STOCK = "ams", "stock"
_Found = TypeVar("_Found")


class NotMeasuredError(Exception):
    """A side failed or took too long; the message says which."""


class NotOfferedError(NotMeasuredError):
    """A side has nothing of that kind."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of those that are compared.

    Attributes:
        name: what it is called in the figures.
        module: the module of ``traced`` that makes its calls.
        imports: what its users import.
        python: the interpreter of its environment.
    """

    name: str
    module: str
    imports: str
    python: str


OURS: Final = Side(AMS, "by_ams", "ams_sdk", sys.executable)
_STOCK: Final = Side(STOCK, "by_stock", "by_stock", sys.executable)
_PEERS: Final[dict[str, tuple[Peer, str, str]]] = {
    "logfire": (LOGFIRE, "by_logfire", "logfire"),
    "langfuse": (LANGFUSE, "by_langfuse", "langfuse"),
    "openai-agents": (OPENAI_AGENTS, "by_openai_agents", "agents"),
}
PEER_NAMES: Final = (STOCK, *_PEERS)


def sides_of(names: Sequence[str]) -> tuple[list[Side], dict[str, str]]:
    """Ours, stock, and these peers as far as they can be installed; the peers' versions, or that there is none."""
    sides, versions = [OURS, _STOCK], dict[str, str]()
    for name in names:
        if name == STOCK:
            continue
        peer, module, imports = _PEERS[name]
        try:
            sides.append(Side(name, module, imports, peer.python()))
            versions[name] = peer.version()
        except subprocess.CalledProcessError:
            versions[name] = "cannot be installed"
    return sides, versions


@dataclass
class Run:
    """One run of the benchmark.

    Attributes:
        sides: who is compared, ours and stock among them.
        sink: where all of them send to.
        rounds: how often they take turns.
        notes: what is to be said beside the figures.
    """

    sides: list[Side]
    sink: Sink
    rounds: int
    notes: list[str] = field(default_factory=list[str])

    @property
    def peers(self) -> list[Side]:
        """All but ours."""
        return [side for side in self.sides if side.name != AMS]

    def note(self, text: str) -> None:
        """Say something, once."""
        if text not in self.notes:
            self.notes.append(text)

    def in_turns(
        self, rounds: int, measure: Callable[[Side], _Found], *, peer_rounds: int | None = None
    ) -> dict[str, list[_Found]]:
        """Measure every side once a round; every second round goes backwards, so that nobody is always first.

        A peer that fails is left out, with a note.

        Args:
            rounds: how many.
            measure: measures one side once.
            peer_rounds: how many of them the named peers take part in, all if not given.

        Raises:
            NotMeasuredError: ours or stock failed, so there is nothing to compare.
        """
        found: dict[str, list[_Found]] = {side.name: [] for side in self.sides}
        for number in range(rounds):
            for side in self.sides if number % 2 == 0 else reversed(self.sides):
                is_ours_or_stock = side.name in {AMS, STOCK}
                resting = not is_ours_or_stock and peer_rounds is not None and number >= peer_rounds
                if side.name not in found or resting:
                    continue
                try:
                    found[side.name].append(measure(side))
                except NotMeasuredError as error:
                    if is_ours_or_stock:
                        raise
                    self.note(str(error))
                    del found[side.name]
        return found
