"""The environment in which any client finds the fake model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["ModelEnvironment"]

_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_NO_PROXY: Final = ("NO_PROXY", "no_proxy")


class ModelEnvironment(dict[str, str]):
    """Variables for a subprocess (``env=os.environ | llm.environment()``) or for this process, in a ``with`` block.

    If the environment names a proxy, they also say that this machine is reached without it.

    Args:
        openai: the base URL of OpenAI's interfaces.
        anthropic: that of Anthropic's.
    """

    def __init__(self, openai: str, anthropic: str) -> None:
        super().__init__(
            OPENAI_BASE_URL=openai,
            OPENAI_API_KEY="fake-llm",
            ANTHROPIC_BASE_URL=anthropic,
            ANTHROPIC_API_KEY="fake-llm",
        )
        if any(os.environ.get(name) or os.environ.get(name.lower()) for name in _PROXIES):
            for name in _NO_PROXY:
                self[name] = ",".join([*filter(None, [os.environ.get(name)]), "127.0.0.1"])
        self._before: list[dict[str, str | None]] = []

    def __enter__(self) -> Self:
        """Set them."""
        self._before.append({name: os.environ.get(name) for name in self})
        os.environ.update(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        """Set them back."""
        for name, value in self._before.pop().items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
