"""``@pytest.mark.ams(…)``: what one test wants to be different."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ams_sdk._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["wanted_by"]

_KNOWN: Final = ("strict", "seed", "faults", "network", "configure")


def wanted_by(markers: Sequence[tuple[tuple[object, ...], Mapping[str, Any]]]) -> dict[str, Any]:
    """What the markers of a test say together, as arguments of ``Kit``; of two the closest counts.

    Args:
        markers: positional and keyword arguments of each, the closest first.

    Raises:
        ConfigurationError: an argument has no name, or one that is unknown.
    """
    said: dict[str, Any] = {}
    for args, kwargs in reversed(markers):
        wrong = [f"{name}=…" for name in kwargs if name not in _KNOWN]
        if args or wrong:
            what = repr(args[0]) if args else wrong[0]
            raise ConfigurationError(
                f"@pytest.mark.ams({what}): write its arguments by name; they are {', '.join(_KNOWN)}."
            )
        said |= kwargs
    return said
