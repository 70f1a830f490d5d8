"""The items that a generator has given, as one result: the joined text, or the list of them, bounded."""

from __future__ import annotations

from typing import Final

from ams_sdk._capture import MAX_KEPT, quoted, render, render_text

__all__ = ["Streamed"]

_MOST_ITEMS: Final = 100
_MOST_TEXT: Final = 32_768


class Streamed:
    """Takes items one by one; what may change is rendered when it comes.

    Texts that follow one another are one text: a secret may be split between them.
    """

    __slots__ = ("_count", "_entries", "_left_out", "_parts", "_size", "_text_size")

    def __init__(self) -> None:
        self._count = 0
        self._entries: list[str] = []
        self._left_out = 0
        self._size = 0
        self._parts: list[str] = []
        self._text_size = 0

    def add(self, item: object) -> None:
        """One more item. Raises nothing that ``render`` does not."""
        self._count += 1
        if type(item) is str:
            if item and self._text_size < MAX_KEPT:
                self._parts.append(item[: MAX_KEPT - self._text_size])
            self._text_size += len(item)
            return
        self._end_text()
        if self._has_room:
            self._keep(render(item))
        else:
            self._left_out += 1

    @property
    def _has_room(self) -> bool:
        return len(self._entries) < _MOST_ITEMS and self._size < _MOST_TEXT

    def _end_text(self) -> None:
        if self._parts:
            if self._has_room:
                self._keep(quoted(self._joined()))
            else:
                self._left_out += 1
            self._parts, self._text_size = [], 0

    def _keep(self, rendered: str) -> None:
        self._entries.append(rendered)
        self._size += len(rendered)

    def _joined(self) -> str:
        return render_text("".join(self._parts), size=self._text_size)

    @property
    def text(self) -> str | None:
        """The joined text, ready to be recorded, if all items are texts and there are any."""
        is_text = self._count and not self._entries and not self._left_out
        return self._joined() if is_text else None

    def render(self) -> str:
        """All of it as JSON text: a string or a list."""
        text = self.text
        if text is not None:
            return quoted(text)
        self._end_text()
        more = [quoted(f"…[+{self._left_out} items]")] if self._left_out else []
        return f"[{','.join([*self._entries, *more])}]"
