"""Texts that a platform keeps as they are, and names of the kinds that stand in agents and traces."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy  # noqa: TC002 -- the public types stay resolvable at run time

__all__ = ["MODELS", "TOOL_NAMES", "texts"]

# No database keeps NUL in text, and half a pair of surrogates has no form in UTF-8.
_ALPHABET: Final = st.characters(exclude_categories=["Cs"], exclude_characters="\0")

TOOL_NAMES: Final[SearchStrategy[str]] = st.one_of(
    st.sampled_from(["search", "fetch", "read_file", "send_email"]),
    st.from_regex(r"[a-z][a-z0-9_]{0,15}", fullmatch=True),
)
"""What model providers take as the name of a function, and more than that."""
MODELS: Final[SearchStrategy[str]] = st.sampled_from(["gpt-5", "claude-sonnet-5", "gemini-3-pro", "llama4:latest"])


def texts(*, min_size: int = 0, max_size: int = 20) -> SearchStrategy[str]:
    """Unicode text that a platform keeps as it is."""
    return st.text(_ALPHABET, min_size=min_size, max_size=max_size)
