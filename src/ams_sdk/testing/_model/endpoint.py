"""The fake model behind HTTP: OpenAI's and Anthropic's interfaces, as an application for a port or a transport."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from ams_sdk.testing._http.messages import Chunk, Response
from ams_sdk.testing._model.anthropic_messages import AnthropicMessages
from ams_sdk.testing._model.anthropic_request import read_messages
from ams_sdk.testing._model.document import Refused
from ams_sdk.testing._model.model_request import masked_headers
from ams_sdk.testing._model.openai_chat import OpenAIChat
from ams_sdk.testing._model.openai_errors import refused as refused_for
from ams_sdk.testing._model.openai_responses import OpenAIResponses
from ams_sdk.testing._model.reply import server_sent
from ams_sdk.testing._model.script import ScriptProblem
from ams_sdk.testing._model.step import Failure
from ams_sdk.testing._model.usage import input_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ams_sdk.testing._http.messages import Ending, Request
    from ams_sdk.testing._model.embeddings import Embedder
    from ams_sdk.testing._model.model_request import ModelRequest
    from ams_sdk.testing._model.reply import Dialect, Identifiers, Reply
    from ams_sdk.testing._model.script import Script
    from ams_sdk.testing._model.step import Turn

__all__ = ["ModelEndpoint"]

_MAX_BODY: Final = 64 * 1024 * 1024
_CHAT: Final = "/v1/chat/completions"
_RESPONSES: Final = "/v1/responses"
_MESSAGES: Final = "/v1/messages"
_COUNT: Final = "/v1/messages/count_tokens"
_EMBEDDINGS: Final = "/v1/embeddings"
_ALLOWED: Final = "POST, OPTIONS"
_STREAM: Final = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
_JSON: Final = (("content-type", "application/json"),)
_NO_RETRY: Final = (("x-should-retry", "false"),)


class ModelEndpoint:
    """Answers what clients of model providers ask.

    Args:
        script: which step is next.
        ids: where ids come from.
        reply: makes a turn the answer to a request, and adds up what it costs.
        embedder: gives vectors, which are in no script.

    Attributes:
        heard: when a model was asked to say something, in nanoseconds since 1970, in order.
    """

    def __init__(
        self,
        script: Script,
        ids: Identifiers,
        reply: Callable[[ModelRequest, Turn, str], Reply],
        embedder: Embedder,
    ) -> None:
        self._script = script
        self._ids = ids
        self._reply = reply
        self._embedder = embedder
        self.heard: list[int] = []
        anthropic, chat = AnthropicMessages(), OpenAIChat()
        self._dialects: dict[str, Dialect] = {
            _CHAT: chat,
            _RESPONSES: OpenAIResponses(),
            _MESSAGES: anthropic,
            _COUNT: anthropic,
            _EMBEDDINGS: chat,
        }

    def body_limit(self, _head: Request, /) -> int:
        """How many bytes of a request's body are read."""
        return _MAX_BODY

    def answer(self, request: Request, /) -> Response:
        """The answer to a request."""
        dialect = self._dialects.get(request.path) or self._dialect_of_stranger(request)
        request_id = self._ids.new("req_")
        if request.method == "OPTIONS" and request.path in self._dialects:
            return Response(204, (("allow", _ALLOWED),))
        try:
            return self._answer(request, dialect, request_id)
        except Refused as refused:
            shown = f"{request.method} {request.path}"
            if not isinstance(refused.__cause__, ScriptProblem) and request.method != "HEAD":
                self._script.refuse(shown, f"{refused.status} {refused.message}")
            return self._refusal(refused, dialect, request_id)

    def _answer(self, request: Request, dialect: Dialect, request_id: str) -> Response:
        _check_address(request, self._dialects)
        _check_key(request, dialect)
        document = _document(request)
        if request.path == _COUNT:
            counted = input_tokens(read_messages(document, needs_max_tokens=False))
            return self._whole(200, {"input_tokens": counted}, dialect, request_id)
        if request.path == _EMBEDDINGS:
            return self._whole(200, self._embedder.answer(document), dialect, request_id)
        self.heard.append(time.time_ns())
        asked = replace(dialect.read(document), headers=masked_headers(request.headers))
        try:
            step = self._script.take(asked)
        except ScriptProblem as problem:
            raise Refused(str(problem), code=_code(dialect), is_final=True) from problem
        if isinstance(step, Failure):
            return self._failure(step, dialect, request_id)
        if step.failure is not None and not asked.stream:
            return self._failure(step.failure, dialect, request_id)
        return self._said(self._reply(asked, step, request_id), dialect, request_id)

    def _said(self, reply: Reply, dialect: Dialect, request_id: str) -> Response:
        ending: Ending = "mid_body" if reply.turn.is_cut else "complete"
        if reply.request.stream:
            chunks = [Chunk(data, after) for data, after in server_sent(dialect.events(reply))]
            return Response(200, (*_STREAM, *_request_id(dialect, request_id)), chunks, ending=ending)
        whole = self._whole(200, dialect.whole(reply), dialect, request_id)
        deltas = sum(len(piece.deltas) for piece in reply.pieces)
        return replace(whole, delay=reply.turn.delay * deltas, ending=ending)

    def _failure(self, failure: Failure, dialect: Dialect, request_id: str) -> Response:
        if failure.ending is not None:
            return replace(self._whole(200, {"object": "nothing"}, dialect, request_id), ending=failure.ending)
        response = self._refusal(refused_for(failure), dialect, request_id)
        if failure.retry_after is None:
            return response
        return replace(response, headers=(*response.headers, ("retry-after", _seconds(failure.retry_after))))

    def _refusal(self, refused: Refused, dialect: Dialect, request_id: str) -> Response:
        response = self._whole(refused.status, dialect.refusal(refused, request_id), dialect, request_id)
        headers = response.headers + (_NO_RETRY if refused.is_final else ())
        if refused.status == 405:  # noqa: PLR2004 -- RFC 9110, 15.5.6 wants it to say which methods there are
            headers = (*headers, ("allow", _ALLOWED))
        return replace(response, headers=headers)

    def _whole(self, status: int, document: Mapping[str, object], dialect: Dialect, request_id: str) -> Response:
        return Response(status, (*_JSON, *_request_id(dialect, request_id)), json.dumps(document).encode())

    def _dialect_of_stranger(self, request: Request) -> Dialect:
        is_anthropic = request.header("anthropic-version") is not None or request.path.startswith(_MESSAGES)
        return self._dialects[_MESSAGES if is_anthropic else _CHAT]


def _seconds(number: float) -> str:
    return f"{number:.3f}".rstrip("0").removesuffix(".")


def _is_anthropic(dialect: Dialect) -> bool:
    return dialect.api == "anthropic.messages"


def _request_id(dialect: Dialect, request_id: str) -> tuple[tuple[str, str]]:
    return (("request-id" if _is_anthropic(dialect) else "x-request-id", request_id),)


def _code(dialect: Dialect) -> str | None:
    return None if _is_anthropic(dialect) else "fake_llm_script"


def _check_address(request: Request, known: Mapping[str, object]) -> None:
    if request.path not in known:
        head = f"A FakeLLM does not answer {request.method} {request.path}, but POST {', '.join(known)}."
        if any(request.path.endswith(path.removeprefix("/v1")) for path in known):
            advice = (
                "Is the client's base URL llm.openai_base_url (which ends with /v1) or llm.anthropic_base_url (which "
                "does not)?"
            )
        else:
            advice = (
                "If the agent needs that interface: record it with ams_cassette, or put it into a function with @tool, "
                "for which ams_tools answers."
            )
        raise Refused(f"{head} {advice}", status=404)
    if request.method != "POST":
        raise Refused(f"{request.path} takes POST, not {request.method}.", status=405)


def _check_key(request: Request, dialect: Dialect) -> None:
    bearer = request.header("authorization") or ""
    has_bearer = bearer[:7].lower() == "bearer " and bool(bearer[7:].strip())
    if _is_anthropic(dialect):
        if not has_bearer and not request.header("x-api-key"):
            raise Refused("x-api-key header is required; for a FakeLLM any key is right.", status=401)
        if not request.header("anthropic-version"):
            raise Refused("anthropic-version: header is required")
    elif not has_bearer:
        raise Refused(
            "You didn't provide an API key: send 'Authorization: Bearer …'; for a FakeLLM any key is right.", status=401
        )


def _document(request: Request) -> dict[str, object]:
    if request.is_cut:
        raise Refused(f"The request is larger than {_MAX_BODY} bytes.", status=413)
    try:
        found: object = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Refused(f"The body is no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise Refused("The body must be a JSON object.")
    return cast("dict[str, object]", found)
