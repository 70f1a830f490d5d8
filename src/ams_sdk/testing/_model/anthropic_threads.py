"""Conversations that Anthropic's interface keeps, for requests that send only what is new (``thread``)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ams_sdk.testing._model.document import Refused, items_at, object_at, text_at

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AnthropicThreads"]

_OF_THE_THREAD: Final = ("system", "tools")
"""What a thread is created with, and what no later request may repeat."""


class AnthropicThreads:
    """What was said up to each answer of a request that asked for a thread, under the answer's id."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, object]] = {}
        self._lock = threading.Lock()

    def whole(self, document: Mapping[str, object]) -> Mapping[str, object]:
        """A request with all that was said before it.

        Raises:
            Refused: it goes on with an answer that is not kept, or repeats what belongs to the thread.
        """
        thread = object_at(document, "thread")
        if thread.get("type") != "continue":
            return document
        repeated = [name for name in _OF_THE_THREAD if document.get(name) is not None]
        if repeated:
            raise Refused("a thread keeps what it was created with; leave it out", param=repeated[0])
        message_id = text_at(thread, "previous_message_id")
        with self._lock:
            before = self._kept.get(message_id)
        if before is None:
            raise Refused(
                f"no thread ends with the message {message_id!r}",
                status=404,
                param="thread.previous_message_id",
                details={"error_code": "thread_not_found"},
            )
        messages = [*items_at(before, "messages"), *items_at(document, "messages")]
        return {**document, **{name: before.get(name) for name in _OF_THE_THREAD}, "messages": messages}

    def keep(self, message_id: str, document: Mapping[str, object], content: list[dict[str, object]]) -> None:
        """Remember what was answered, if the request asked for that."""
        if not object_at(document, "thread"):
            return
        asked = self.whole(document)
        said = [{"role": "assistant", "content": content}] if content else []
        kept = {**asked, "messages": [*items_at(asked, "messages"), *said]}
        with self._lock:
            self._kept[message_id] = kept
