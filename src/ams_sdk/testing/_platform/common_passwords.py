"""The passwords that are guessed first; a test holds it to those that the reference server refuses.

What most people make of a rule of composition is a common word, a capital, a digit and an exclamation mark. So a
password is common if it is one of the words that lead every collection of leaked passwords with one of the endings that
people put behind them (some ten thousand of each kind of mark), a walk along the keyboard, a repetition, or listed in
``common_passwords.txt``; compared without regard to case and to letters that were replaced by their usual look-alikes.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Final

__all__ = ["is_common"]

_LOOK_ALIKES: Final = str.maketrans({"@": "a", "$": "s", "0": "o", "3": "e"})
_FEWEST_DIFFERENT: Final = 3  # characters; fewer are a repetition
_SHORTEST_WALK: Final = 6
_LONGEST: Final = 128

_WORDS: Final = (  # noqa: SIM905 -- a word a line would take two screens
    "abc abcd access account admin administrator angel apple asdf asdfgh asdfghjkl august autumn baseball basketball "
    "batman buster changeme charlie cheese chelsea company computer cookie daniel december default demo diamond dragon "
    "family ferrari flower football freedom friday ginger google guest hannah hello hockey hunter iloveyou internet "
    "january jennifer jessica jordan killer kitten letmein liverpool login london love lovely manager master matrix "
    "maverick mercedes michael michelle minecraft monday monkey mustang nicole november october pass passw password "
    "passwort pepper pokemon princess private qazwsx qwer qwert qwerty qwertyuiop qwertz ranger robert root samsung "
    "secret server service shadow soccer spring starwars student summer sunday sunshine superman support system taylor "
    "temp tempo test thomas thunder tigger user welcome whatever william winter zaq zxcvbn zxcvbnm"
).split()
_ENDINGS: Final = {
    "",
    *"1 2 3 7 9 11 12 13 21 22 23 69 77 88 99 01 007 111 123 321 666 777 1234 12345 123456 1234567 12345678".split(),  # noqa: SIM905 -- as above
    *(str(year) for year in range(1990, 2031)),
}
_MARKS: Final = "!.?#*-_@$&+ "
_WALKS: Final = (
    "1234567890",
    "0987654321",
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "1q2w3e4r5t6y7u8i9o0p",
    "!qaz@wsx#edc$rfv%tgb",
)


def is_common(password: str) -> bool:
    """Whether the password is one that is guessed first; how long it is, is another rule's matter."""
    lowered = password.strip().casefold()
    if len(lowered) > _LONGEST:
        return False
    folded = _folded(lowered)
    return folded in _listed() or _is_decorated_word(lowered) or _is_walk(folded) or _is_repetition(folded)


def _folded(lowered: str) -> str:
    return lowered.translate(_LOOK_ALIKES)


@cache
def _listed() -> frozenset[str]:
    file = resources.files("ams_sdk.testing._platform").joinpath("common_passwords.txt")
    return frozenset(map(_folded, file.read_text(encoding="utf-8").split()))


def _is_decorated_word(lowered: str) -> bool:
    folded = _folded(lowered)
    # No look-alike changes the length, so what stands behind the word is at the same place in both.
    return any(folded.startswith(word) and lowered[len(word) :].strip(_MARKS) in _ENDINGS for word in _WORDS)


def _is_walk(folded: str) -> bool:
    # Along the keys of a keyboard or through the alphabet, beginning anywhere and as often as it takes.
    return len(folded) >= _SHORTEST_WALK and any(
        folded in _folded(walk) * (2 + len(folded) // len(walk)) for walk in _WALKS
    )


def _is_repetition(folded: str) -> bool:
    if len(folded) >= _SHORTEST_WALK and len(set(folded)) < _FEWEST_DIFFERENT:
        return True
    return any(folded == word * (len(folded) // len(word)) for word in _WORDS if folded.startswith(word))
