"""``session``: the conversation that runs belong to, who has it, and what the program wants to find it by."""

from __future__ import annotations

import functools
import inspect
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from opentelemetry import context as otel_context

from ams_sdk import _semconv
from ams_sdk._capture import render_text
from ams_sdk._decorators.detaching import detach
from ams_sdk._decorators.run import recordable
from ams_sdk._errors import ConfigurationError
from ams_sdk._guard import guard, hold_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from types import TracebackType

    from opentelemetry.context import Context

__all__ = ["SESSION_KEY", "Conversation", "current_conversation", "session"]

SESSION_KEY: Final = otel_context.create_key("ams-session")
"""Where the context keeps the ``Conversation`` that it belongs to."""
MAX_ID: Final = 256

_F = TypeVar("_F", bound="Callable[..., Any]")


class Conversation:
    """What the spans of a session say of it.

    Attributes:
        id: the conversation's, ``gen_ai.conversation.id``.
        attributes: all of it, by name.
        packed: where an encoder of spans keeps what it made of them.
    """

    __slots__ = ("attributes", "id", "packed")

    def __init__(self, identity: str, attributes: Mapping[str, Any]) -> None:
        self.id = identity
        self.attributes: dict[str, Any] = {_semconv.CONVERSATION_ID: identity, **attributes}
        self.packed = b""

    def __reduce__(self) -> tuple[Any, ...]:
        return Conversation, (self.id, self.attributes)


def current_conversation(context: Context | None = None) -> Conversation | None:
    """The session that a context, the current one if none is given, belongs to."""
    found = otel_context.get_value(SESSION_KEY, context)
    return found if isinstance(found, Conversation) else None


class session:  # noqa: N801 -- reads as the statement it is used in: with session("…"):
    """The conversation that the runs inside belong to.

    Used with ``with`` or ``async with``, and as a decorator of a function: then each call is in the session. Inside of
    another session what is not given is the outer one's. Costs no network, and works where the SDK is not configured.

    Args:
        id: what the conversation is called, 1 to 256 characters; one is made up if it is not given. Spans say it as
            ``gen_ai.conversation.id``.
        user: who has the conversation (``user.id``).
        tags: words to find it by (``ams.session.tags``).
        metadata: more of the kind, by name (``ams.session.metadata.<name>``).

    What cannot be used is replaced by the nearest thing that can, told in the log at debug and counted in
    ``stats().swallowed``: a session is made while the program runs.
    """

    __slots__ = ("_attributes", "_given", "_open", "_tags")

    def __init__(
        self,
        id: str | None = None,  # noqa: A002 -- what everybody calls it
        *,
        user: str | None = None,
        tags: Iterable[str] = (),
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        self._open: dict[int, tuple[Conversation, Token[Context]]] = {}
        self._given: str | None = None if id is None else _identity(id)
        self._attributes: dict[str, Any] = {} if user is None else {_semconv.USER_ID: render_text(_text(user, "user"))}
        self._tags: tuple[str, ...] = () if tags == () else tuple(_tags(tags))
        if metadata is not None and not isinstance(metadata, Mapping):
            _complain(f'metadata={metadata!r}: write a mapping, {{"plan": "free"}}')
            metadata = None
        for name, value in (metadata or {}).items():
            self._attributes[f"{_semconv.AMS_SESSION_METADATA}.{name}"] = recordable(str(name), value)

    def __enter__(self) -> str:
        """Begin; answers with the id of the conversation."""
        outer = current_conversation()
        made = self._within(outer)
        self._open[id(made)] = made, otel_context.attach(otel_context.set_value(SESSION_KEY, made))
        return made.id

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        # By what is current, since several tasks may use one session at a time. A block that is left in another context
        # than it was entered in, as that of a generator may be, has nothing to put back there.
        found = self._open.pop(id(current_conversation()), None)
        if found is None and self._open:
            found = self._open.popitem()[1]
        if found is not None:
            detach(found[1])

    async def __aenter__(self) -> str:
        """The same."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: _F) -> _F:
        """Decorate a function: each of its calls is in the session.

        Raises:
            ConfigurationError: it is a generator, whose steps have no context of their own, or no function.
        """
        if not inspect.isfunction(function):
            raise ConfigurationError("@session(…) goes on a function; around anything else write: with session(…):")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise ConfigurationError("@session(…) does not go on a generator; write inside of it: with session(…):")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def in_session_async(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the function's own types
                with self:
                    return await function(*args, **kwargs)

            return cast("_F", in_session_async)

        @functools.wraps(function)
        def in_session(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the same
            with self:
                return function(*args, **kwargs)

        return cast("_F", in_session)

    def _within(self, outer: Conversation | None) -> Conversation:
        inherited = {} if outer is None else outer.attributes
        identity = self._given or (uuid.uuid4().hex if outer is None else outer.id)
        made = {**inherited, **self._attributes}
        tags = (*inherited.get(_semconv.AMS_SESSION_TAGS, ()), *self._tags)
        if tags:
            made[_semconv.AMS_SESSION_TAGS] = tuple(dict.fromkeys(tags))
        made.pop(_semconv.CONVERSATION_ID, None)
        return Conversation(identity, made)


def _identity(given: object) -> str | None:
    text = _text(given, "id")
    if not 1 <= len(text) <= MAX_ID:
        _complain(f"the id has 1 to {MAX_ID} characters, not {len(text)}")
    return render_text(text[:MAX_ID]) or None


def _text(given: object, what: str) -> str:
    if isinstance(given, str):
        return given
    _complain(f"{what}: write a text, not {type(given).__name__}")
    with guard("session"):
        return str(given)
    return ""


def _tags(given: object) -> Iterable[str]:
    if isinstance(given, str):
        _complain(f'tags={given!r}: write a list of texts, ["beta"]')
        given = [given]
    with guard("session"):
        return [render_text(_text(tag, "a tag")) for tag in cast("Iterable[object]", given)]
    return []


def _complain(message: str) -> None:
    # A session is made while the program runs, from what a request has brought perhaps: nothing is raised.
    hold_back("session", ConfigurationError(f"session(): {message}."))
