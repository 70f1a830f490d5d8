"""``FakeLLM``: a model that says what a test has written down."""

from __future__ import annotations

import inspect
import threading
import time
from typing import TYPE_CHECKING, Final

import anyio

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._http.loopback_server import LoopbackServer
from ams_sdk.testing._http.transport import InProcessTransport
from ams_sdk.testing._model.completion import ModelError, chunks_of, completion_of, read_object
from ams_sdk.testing._model.document import Refused
from ams_sdk.testing._model.embeddings import Embedder
from ams_sdk.testing._model.endpoint import ModelEndpoint
from ams_sdk.testing._model.environment import ModelEnvironment
from ams_sdk.testing._model.reply import Identifiers, reply_to
from ams_sdk.testing._model.route import Route, condition
from ams_sdk.testing._model.script import Script, ScriptProblem
from ams_sdk.testing._model.script_report import ScriptMismatchError, problem_of, transcript_of
from ams_sdk.testing._model.step import Failure, ModelUsage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from ams_sdk.testing._model.completion import Completion, CompletionChunk, Messages, Tools
    from ams_sdk.testing._model.embeddings import EmbeddingRequest
    from ams_sdk.testing._model.model_request import ModelRequest
    from ams_sdk.testing._model.reply import Reply
    from ams_sdk.testing._model.script import Matcher
    from ams_sdk.testing._model.step import StepLike, Turn

__all__ = ["FakeLLM"]

_NOTHING: Final = ModelUsage(0, 0)
_MODEL: Final = "fake-model"


class FakeLLM:
    """A scripted model: as an object, as an httpx transport, and on a port as OpenAI's and Anthropic's interfaces.

    ::

        llm = FakeLLM(tool_call("search", query="otters"), text("Otters hold hands."))
        client = openai.OpenAI(base_url=llm.openai_base_url, api_key="any")

    In a ``with`` block it is checked (``verify``) and closed at the end.

    Args:
        steps: what it says, as in ``script``.
        strict: a tool that the request does not offer is not called but refused, and ``verify`` also fails for steps
            that are left over and requests that a provider would refuse.

    Raises:
        ConfigurationError: a step is none.
    """

    def __init__(self, *steps: StepLike, strict: bool = True) -> None:
        self._begin(None, strict=strict)
        self.script(*steps)

    @classmethod
    def from_function(cls, function: Callable[[ModelRequest], StepLike], *, strict: bool = True) -> Self:
        """A model that asks a function for each step; it may be asked by several threads at once.

        Raises:
            ConfigurationError: it is no function, or one that has to be awaited.
        """
        if not callable(function) or inspect.iscoroutinefunction(function):
            raise ConfigurationError(
                f"FakeLLM.from_function takes a plain function of the request, not {function!r:.80}"
            )
        made = cls.__new__(cls)
        made._begin(function, strict=strict)  # noqa: SLF001 -- one of our own
        return made

    def _begin(self, function: Callable[[ModelRequest], StepLike] | None, *, strict: bool) -> None:
        self._script = Script(function, strict=strict)
        self._ids = Identifiers()
        self._embedder = Embedder()
        self._endpoint = ModelEndpoint(self._script, self._ids, self._reply, self._embedder)
        self._lock = threading.Lock()
        self._server: LoopbackServer | None = None
        self._transport = InProcessTransport(self._endpoint, lambda: None if self._server is None else self._server.url)
        self._failures: list[Exception] = []
        self._usage = _NOTHING

    def script(self, *steps: StepLike) -> Self:
        """Append steps; each answers one request.

        A string is ``text(…)``, a list is one turn, and ``thinking(…)`` belongs to the step after it.

        Raises:
            ConfigurationError: one is no step, or nothing follows a thought.
        """
        self._script.add(steps)
        return self

    def when(
        self,
        condition_or_text: Matcher | str | None = None,
        /,
        *,
        tool: str | None = None,
        system: str | None = None,
        message: str | None = None,
        model: str | None = None,
    ) -> Route:
        """Steps for some requests only, such as those of one agent of several: ``llm.when(tool="search").then(…)``.

        A request belongs to the first ``when`` of which all conditions hold, and to ``script`` if there is none.

        Args:
            condition_or_text: a function of the request, a text that is in its system prompt or a message, or the name
                of a tool that it offers.
            tool: it offers a tool of this name.
            system: its system prompt contains this.
            message: one of its messages contains this.
            model: it asks for this model.

        Raises:
            ConfigurationError: there is no condition, or one that cannot hold.
        """
        label, matches = condition(condition_or_text, tool=tool, system=system, message=message, model=model)
        return Route(self._script, self._script.route(label, matches))

    @property
    def calls(self) -> list[ModelRequest]:
        """What was asked, in order; without requests that a provider would have refused."""
        with self._script.lock:
            return list(self._script.requests)

    @property
    def heard(self) -> list[int]:
        """When it was asked over HTTP for chat, responses or messages, in nanoseconds since 1970."""
        return list(self._endpoint.heard)

    @property
    def usage(self) -> ModelUsage:
        """The tokens of all answers that have come to their end."""
        with self._lock:
            return self._usage

    def verify(self) -> None:
        """Check that script and calls have met.

        Raises:
            ScriptMismatchError: a call had no step or got a tool that it had not offered, a function of the test
                raised, or (strict) a step was not used or a request was not right; it shows the script and the calls.
        """
        __tracebackhide__ = True
        found = problem_of(self._script)
        if found is not None:
            cause = next((asked.cause for asked in self._script.asked if asked.cause is not None), None)
            raise ScriptMismatchError(found) from cause
        failures = [*self._failures, *(self._server.failures if self._server else ())]
        if failures:
            raise failures[0]

    def transcript(self) -> str:
        """The script with marks for what was used, and the calls, a line each: for a person whose test failed."""
        return transcript_of(self._script)

    @property
    def openai_base_url(self) -> str:
        """For ``OpenAI(base_url=…)``; the first use opens a port of this machine."""
        return f"{self._url()}/v1"

    @property
    def anthropic_base_url(self) -> str:
        """For ``Anthropic(base_url=…)``; the first use opens a port of this machine."""
        return self._url()

    @property
    def transport(self) -> InProcessTransport:
        """For ``httpx.Client(transport=…)`` and ``httpx.AsyncClient(transport=…)``: the same without a port.

        Clients of httpx2, which Anthropic's package wants from 2.0 on, have the port.
        """
        return self._transport

    def environment(self) -> ModelEnvironment:
        """``OPENAI_BASE_URL``, ``OPENAI_API_KEY`` and Anthropic's: variables by which any client finds this model."""
        return ModelEnvironment(self.openai_base_url, self.anthropic_base_url)

    def complete(
        self,
        messages: Messages,
        *,
        tools: Tools | None = None,
        model: str = _MODEL,
        system: str | None = None,
        **parameters: object,
    ) -> Completion:
        """Ask it as an object.

        Args:
            messages: a text, or messages in OpenAI's words.
            tools: names, functions, or definitions in any provider's words.
            model: kept in ``calls`` and repeated in the answer.
            system: the system prompt, if it is no message.
            parameters: whatever else the program sends.

        Raises:
            ConfigurationError: a provider would refuse the request.
            ScriptMismatchError: the script has no answer to it.
            ModelError: the step is ``error(…)``.
            TimeoutError: it is ``error.timeout()``.
            ConnectionError: it is ``error.disconnect()``, or a stream that breaks off.
        """
        reply, seconds = self._whole(read_object(messages, tools, model, system, parameters, stream=False))
        time.sleep(seconds)
        _raise_if_cut(reply)
        return completion_of(reply)

    async def acomplete(
        self,
        messages: Messages,
        *,
        tools: Tools | None = None,
        model: str = _MODEL,
        system: str | None = None,
        **parameters: object,
    ) -> Completion:
        """``complete`` for asyncio and trio."""
        reply, seconds = self._whole(read_object(messages, tools, model, system, parameters, stream=False))
        await anyio.sleep(seconds)
        _raise_if_cut(reply)
        return completion_of(reply)

    def stream(
        self,
        messages: Messages,
        *,
        tools: Tools | None = None,
        model: str = _MODEL,
        system: str | None = None,
        **parameters: object,
    ) -> Iterator[CompletionChunk]:
        """``complete`` in chunks; what it raises, it raises when it is read."""
        reply = self._taken(read_object(messages, tools, model, system, parameters, stream=True))
        for chunk in chunks_of(reply):
            time.sleep(0.0 if chunk.finish_reason else reply.turn.delay)
            yield chunk
        _raise_if_cut(reply)

    async def astream(
        self,
        messages: Messages,
        *,
        tools: Tools | None = None,
        model: str = _MODEL,
        system: str | None = None,
        **parameters: object,
    ) -> AsyncIterator[CompletionChunk]:
        """``stream`` for asyncio and trio."""
        reply = self._taken(read_object(messages, tools, model, system, parameters, stream=True))
        for chunk in chunks_of(reply):
            await anyio.sleep(0.0 if chunk.finish_reason else reply.turn.delay)
            yield chunk
        _raise_if_cut(reply)

    def embed(self, texts: str | Sequence[str], *, dimensions: int | None = None) -> list[list[float]]:
        """A vector of length 1 for each text, as ``POST /v1/embeddings`` gives it; the script is not asked.

        Texts that share words, or parts of words, are near to each other; what words mean is not known to it.

        Args:
            texts: one, or several.
            dimensions: how long the vectors are; 1536 if not given.

        Raises:
            ConfigurationError: a provider would refuse the request.
        """
        given = [texts] if isinstance(texts, str) else list(texts)
        try:
            return self._embedder.vectors({"model": _MODEL, "input": given, "dimensions": dimensions})
        except Refused as refused:
            raise ConfigurationError(refused.message) from None

    @property
    def embeddings(self) -> list[EmbeddingRequest]:
        """What vectors were asked for, in order; none of it is in ``calls`` or counts in ``usage``."""
        return self._embedder.asked

    def close(self) -> None:
        """Close the port, if there is one; what was asked stays readable."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.stop()
            self._failures += server.failures

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        __tracebackhide__ = True
        self.close()
        if kind is None:
            self.verify()

    def __repr__(self) -> str:
        with self._script.lock:
            steps = [entry for one in (self._script.steps, *self._script.routes) for entry in one.entries]
            used = sum(entry.asked is not None for entry in steps)
            script = "a function" if self._script.function else f"{used} of {len(steps)} steps used"
            return f"<FakeLLM: {script}, {len(self._script.asked)} calls>"

    def _url(self) -> str:
        with self._lock:
            if self._server is None:
                self._server = LoopbackServer(self._endpoint).start()
            return self._server.url

    def _reply(self, request: ModelRequest, turn: Turn, request_id: str) -> Reply:
        reply = reply_to(request, turn, self._ids, request_id)
        if not reply.breaks_off:
            with self._lock:
                self._usage += reply.usage
        return reply

    def _taken(self, request: ModelRequest) -> Reply:
        try:
            step = self._script.take(request)
        except ScriptProblem as problem:
            raise ScriptMismatchError(str(problem)) from problem.__cause__
        if isinstance(step, Failure):
            raise _error(step)
        return self._reply(request, step, "")

    def _whole(self, request: ModelRequest) -> tuple[Reply, float]:
        reply = self._taken(request)
        return reply, reply.turn.delay * sum(len(piece.deltas) for piece in reply.pieces)


def _error(failure: Failure) -> Exception:
    if failure.ending == "hang":
        return TimeoutError("The model does not answer (scripted).")
    if failure.ending is not None:
        return ConnectionError("The connection to the model broke off (scripted).")
    return ModelError(failure)


def _raise_if_cut(reply: Reply) -> None:
    if reply.turn.failure is not None:
        raise _error(reply.turn.failure)
    if reply.turn.is_cut:
        raise ConnectionError("The connection to the model broke off (scripted).")
