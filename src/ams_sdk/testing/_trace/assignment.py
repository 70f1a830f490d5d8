"""Who can have what, each thing once: a largest matching between two sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["largest_matching"]


def largest_matching(choices: Sequence[Sequence[int]]) -> dict[int, int]:
    """What each gets, as many as can get something.

    Args:
        choices: by its number, what one can have. Those that can have the same are served at once if they share the
            list.

    Returns:
        By who has something, what it is.
    """
    has: dict[int, int] = {}
    had_by: dict[int, int] = {}
    next_free: dict[int, int] = {}
    refused: set[int] = set()
    # Those with the least choice first, so that hardly anybody has to move for another.
    for one in sorted(range(len(choices)), key=lambda who: len(choices[who])):
        choice = choices[one]
        alike = id(choice)
        at = next_free.get(alike, 0)
        while at < len(choice) and choice[at] in had_by:
            at += 1
        next_free[alike] = at
        if at < len(choice):
            has[one], had_by[choice[at]] = choice[at], one
        elif alike not in refused and not _served(one, choices, has, had_by):
            refused.add(alike)  # there is no way for its likes either, now and later
    return has


def _served(one: int, choices: Sequence[Sequence[int]], has: dict[int, int], had_by: dict[int, int]) -> bool:
    """Move others until something is free for one, along a shortest way."""
    came_from: dict[int, int] = {}
    waiting, asked, free = [one], {one}, None
    for who in waiting:
        for place in choices[who]:
            if place in came_from:
                continue
            came_from[place] = who
            holder = had_by.get(place)
            if holder is None:
                free = place
                break
            if holder not in asked:
                asked.add(holder)
                waiting.append(holder)
        if free is not None:
            break
    while free is not None:
        who = came_from[free]
        before = has.get(who)
        has[who], had_by[free] = free, who
        free = before
    return one in has
