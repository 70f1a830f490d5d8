"""What single spans say: an agent's run, a tool, a call of a model, a workflow, another library's call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from hypothesis import strategies as st

from ams_sdk import _semconv as names
from ams_sdk.testing._strategies.json_schemas import json_values
from ams_sdk.testing._strategies.messages import messages
from ams_sdk.testing._strategies.texts import texts

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

    from ams_sdk.testing._trace.captured_span import AttributeValue, SpanKind

__all__ = ["Kind", "Operation", "Vocabulary", "operations"]

Kind = Literal["agent", "tool", "model", "workflow", "other"]

_PROVIDERS: Final = st.sampled_from(["openai", "anthropic", "gcp.gemini"])
_TOKENS: Final = st.integers(0, 10_000)
_ARGUMENTS: Final = st.dictionaries(st.sampled_from(["query", "limit", "path"]), json_values(max_leaves=3), max_size=2)
_SESSIONS: Final = st.integers(1, 9).map("session-{}".format)


class Vocabulary(NamedTuple):
    """What agents, tools and models are called, and whether spans hold what they said."""

    agents: SearchStrategy[str]
    tools: SearchStrategy[str]
    models: SearchStrategy[str]
    content: bool


class Operation(NamedTuple):
    """A span without its place in a trace."""

    name: str
    kind: SpanKind
    scope: str
    attributes: dict[str, AttributeValue]


@st.composite
def operations(draw: DrawFn, kind: Kind, words: Vocabulary) -> Operation:
    """One operation of a kind, named and described as the conventions have it."""
    made = {"agent": _agent, "tool": _tool, "model": _model, "workflow": _workflow, "other": _other}[kind]
    return draw(made(words))


@st.composite
def _agent(draw: DrawFn, words: Vocabulary) -> Operation:
    name = draw(words.agents)
    said: dict[str, AttributeValue] = {names.OPERATION_NAME: names.OPERATION_INVOKE_AGENT, names.AGENT_NAME: name}
    if draw(st.booleans()):
        said[names.CONVERSATION_ID] = draw(_SESSIONS)
    if words.content and draw(st.booleans()):
        said |= {
            names.INPUT_MESSAGES: json.dumps([draw(messages(role="user"))]),
            names.OUTPUT_MESSAGES: json.dumps([draw(messages(output=True))]),
        }
    return Operation(f"{names.OPERATION_INVOKE_AGENT} {name}", "internal", names.SCOPE, said)


@st.composite
def _tool(draw: DrawFn, words: Vocabulary) -> Operation:
    name = draw(words.tools)
    said: dict[str, AttributeValue] = {names.OPERATION_NAME: names.OPERATION_EXECUTE_TOOL, names.TOOL_NAME: name}
    if draw(st.booleans()):
        said |= {names.TOOL_TYPE: names.TOOL_TYPE_FUNCTION, names.TOOL_CALL_ID: f"call_{draw(st.integers(1, 99))}"}
    if words.content and draw(st.booleans()):
        said |= {
            names.TOOL_ARGUMENTS: json.dumps(draw(_ARGUMENTS)),
            names.TOOL_RESULT: json.dumps(draw(json_values(max_leaves=3))),
        }
    return Operation(f"{names.OPERATION_EXECUTE_TOOL} {name}", "internal", names.SCOPE, said)


@st.composite
def _model(draw: DrawFn, words: Vocabulary) -> Operation:
    model, operation = draw(words.models), draw(st.sampled_from([names.OPERATION_CHAT, names.OPERATION_EMBEDDINGS]))
    said: dict[str, AttributeValue] = {
        names.OPERATION_NAME: operation,
        names.PROVIDER_NAME: draw(_PROVIDERS),
        names.REQUEST_MODEL: model,
    }
    if draw(st.booleans()):
        said[names.USAGE_INPUT_TOKENS] = draw(_TOKENS)
    if operation == names.OPERATION_CHAT and draw(st.booleans()):
        said |= {
            names.USAGE_OUTPUT_TOKENS: draw(_TOKENS),
            names.RESPONSE_MODEL: model,
            names.RESPONSE_FINISH_REASONS: ("stop",),
            names.REQUEST_TEMPERATURE: draw(st.sampled_from([0.0, 0.7, 1.0])),
        }
    if operation == names.OPERATION_CHAT and words.content and draw(st.booleans()):
        asked = draw(st.lists(messages(tools=words.tools), min_size=1, max_size=2))
        answered = draw(messages(output=True, tools=words.tools))
        said |= {names.INPUT_MESSAGES: json.dumps(asked), names.OUTPUT_MESSAGES: json.dumps([answered])}
    return Operation(f"{operation} {model}", "client", "opentelemetry.instrumentation.genai.openai", said)


@st.composite
def _workflow(draw: DrawFn, words: Vocabulary) -> Operation:
    name = draw(words.agents)
    said: dict[str, AttributeValue] = {names.OPERATION_NAME: names.OPERATION_INVOKE_WORKFLOW, names.WORKFLOW_NAME: name}
    return Operation(f"{names.OPERATION_INVOKE_WORKFLOW} {name}", "internal", names.SCOPE, said)


@st.composite
def _other(draw: DrawFn, words: Vocabulary) -> Operation:
    if words.content and draw(st.booleans()):
        return Operation(draw(texts(min_size=1, max_size=10)), "internal", "some.library", {})
    method = draw(st.sampled_from(["GET", "POST"]))
    said: dict[str, AttributeValue] = {"http.request.method": method, "http.response.status_code": 200}
    return Operation(method, "client", "opentelemetry.instrumentation.httpx", said)
