"""What a strategy was told about sizes, checked where it is told and not where hypothesis draws."""

from __future__ import annotations

from ams_sdk._errors import ConfigurationError

__all__ = ["check_choice", "check_sizes"]


def check_sizes(strategy: str, least: int = 0, **sizes: int) -> None:
    """See that sizes are whole numbers, each at least as large as the one before.

    Args:
        strategy: what was called, for the message.
        least: what the first may be at least.
        sizes: in ascending order, for example ``min_spans=1, max_spans=8``.

    Raises:
        ConfigurationError: one is not.
    """
    bound = str(least)
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < least:
            raise ConfigurationError(f"{strategy}({name}={size!r}): write a whole number that is {bound} or more.")
        least, bound = size, f"{name}, {size},"


def check_choice(strategy: str, name: str, chosen: str | None, choices: tuple[str, ...]) -> None:
    """See that a choice is one that there is; None stands for any.

    Raises:
        ConfigurationError: it is not.
    """
    if chosen is not None and chosen not in choices:
        raise ConfigurationError(f"{strategy}({name}={chosen!r}): it is one of {', '.join(map(repr, choices))}.")
