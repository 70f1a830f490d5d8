"""Text from elsewhere, made harmless for a terminal: pure, and free of imports that take time.

A name that a platform sends may hold escape sequences; a terminal that receives them can be made to rewrite what is on
the screen, to answer as if the user had typed, or to hide what follows (CWE-150).
"""

from __future__ import annotations

__all__ = ["one_line", "safe", "shortened"]


def safe(text: str) -> str:
    r"""Replace every character that is not printable with its escape, for example ``\x1b``.

    That is control characters, line breaks, format characters such as those that turn the direction of writing, lone
    surrogates, and blanks other than the space.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def one_line(text: str) -> str:
    """Return the text as one harmless line; each run of white space becomes one space."""
    return safe(" ".join(text.split()))


def shortened(text: str, most: int) -> str:
    """Return the text as one harmless line of at most ``most`` characters."""
    # Cut first: what is megabytes long is not worth looking at as a whole.
    line = one_line(text[: 4 * most])
    return line if len(line) <= most and len(text) <= 4 * most else line[: most - 1] + "…"
