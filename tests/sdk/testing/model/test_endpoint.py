"""What a provider refuses is refused in its shape, on a port and in process."""

import json
import socket
import threading

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.testing.model.turns import events_of

from ams_sdk.testing._http import Request
from ams_sdk.testing._model import FakeLLM, ScriptMismatchError, error, tool_call

OPENAI = {"authorization": "Bearer k"}
ANTHROPIC = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
USER = {"role": "user", "content": "hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ASKED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "1"}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {}}]}
GIVEN = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "1"}]}
FUNCTION_CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "1"}


def headers_for(path):
    return ANTHROPIC if path.startswith(MESSAGES) else OPENAI


@pytest.fixture(params=["in process", "on a port"])
def client(request):
    llm = FakeLLM("yes", strict=False)
    if request.param == "in process":
        made = httpx.Client(transport=llm.transport, base_url="http://model")
    else:
        made = httpx.Client(base_url=llm.anthropic_base_url)
    with made:
        made.llm = llm
        yield made
    llm.close()


def refusal(client, path, sent, headers=None):
    """What is said of a request that is refused: status, the provider's error object."""
    content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    answer = client.post(path, content=content, headers=headers_for(path) if headers is None else headers)
    document = answer.json()
    if path.startswith(MESSAGES):
        assert document["type"] == "error"
        assert document["request_id"] == answer.headers["request-id"]
    else:
        assert document.keys() == {"error"}
        assert document["error"].keys() == {"message", "type", "param", "code"}
        assert answer.headers["x-request-id"]
    assert client.llm.calls == []
    return answer.status_code, document["error"]


BAD_CHATS = [
    ({"messages": [USER]}, "model", "'model' must be a text"),
    ({"model": 3, "messages": [USER]}, "model", "'model' must be a text"),
    ({"model": "m"}, "messages", "at least one message"),
    ({"model": "m", "messages": []}, "messages", "at least one message"),
    ({"model": "m", "messages": "hi"}, "messages", "at least one message"),
    ({"model": "m", "messages": ["hi"]}, "messages[0]", "must be an object"),
    ({"model": "m", "messages": [{"role": "user"}]}, "messages.[0].content", "needs 'content'"),
    ({"model": "m", "messages": [{"role": "robot"}]}, "messages.[0].role", "not 'robot'"),
    ({"model": "m", "messages": [USER, RESULT]}, "messages.[1].tool_call_id", "no call without a result"),
    ({"model": "m", "messages": [ASKED, RESULT, RESULT]}, "messages.[2].tool_call_id", "no call without"),
    (
        {"model": "m", "messages": [ASKED, RESULT | {"tool_call_id": "c2"}]},
        "messages.[1].tool_call_id",
        "'c2', and it has asked for c1",
    ),
    ({"model": "m", "messages": [ASKED, USER]}, "messages.[1]", "none for: c1"),
    ({"model": "m", "messages": [USER, ASKED]}, "messages", "none for: c1"),
    ({"model": "m", "messages": [{"role": "assistant", "tool_calls": [{}]}]}, "messages.[0].tool_calls[0]", "'id'"),
    ({"model": "m", "messages": [USER], "tools": [{"type": "function"}]}, "tools[0]", "A tool is"),
    ({"model": "m", "messages": [USER], "tools": {}}, "tools", "list of objects"),
    ({"model": "m", "messages": [USER], "n": 2}, "n", "one choice"),
    ({"model": "m", "messages": [USER], "functions": []}, "functions", "by 'tools'"),
    ({"model": "m", "messages": [USER], "stream_options": {}}, "stream_options", "when 'stream' is true"),
]
BAD_RESPONSES = [
    ({"input": "hi"}, "model", "'model' must be a text"),
    ({"model": "m"}, "input", "'input' must be"),
    ({"model": "m", "input": []}, "input", "'input' must be"),
    ({"model": "m", "input": 3}, "input", "list of objects"),
    ({"model": "m", "input": [{"role": "tool"}]}, "input[0].role", "not 'tool'"),
    ({"model": "m", "input": [FUNCTION_CALL]}, "input", "No tool output found for function call c1"),
    ({"model": "m", "input": [OUTPUT]}, "input", "No tool call found"),
    (
        {"model": "m", "input": [FUNCTION_CALL, OUTPUT, OUTPUT | {"call_id": "c2"}]},
        "input",
        "'c2'. The calls were c1",
    ),
    ({"model": "m", "input": [FUNCTION_CALL | {"name": ""}]}, "input[0]", "needs 'name'"),
    ({"model": "m", "input": "hi", "tools": [{"type": "function"}]}, "tools[0].name", "A tool is"),
    ({"model": "m", "input": "hi", "previous_response_id": "r"}, "previous_response_id", "'r' not found"),
    ({"model": "m", "input": "hi", "conversation": "c"}, "conversation", "keeps no 'conversation'"),
]
BAD_MESSAGES = [
    ({"max_tokens": 9, "messages": [USER]}, "model", "must be a text"),
    ({"model": "m", "messages": [USER]}, "max_tokens", "Field required"),
    ({"model": "m", "max_tokens": 0, "messages": [USER]}, "max_tokens", "1 or more"),
    ({"model": "m", "max_tokens": 9}, "messages", "at least one message"),
    ({"model": "m", "max_tokens": 9, "messages": [{"role": "system"}]}, "messages.0.role", "there is 'system'"),
    ({"model": "m", "max_tokens": 9, "messages": [USER | {"content": ""}]}, "messages.0", "not empty"),
    ({"model": "m", "max_tokens": 9, "messages": [USER | {"content": 3}]}, "messages.0", "list of objects"),
    (
        {"model": "m", "max_tokens": 9, "messages": [USER | {"content": [{"type": "text", "text": ""}]}]},
        "messages.0.content.0",
        "must not be empty",
    ),
    ({"model": "m", "max_tokens": 9, "messages": [GIVEN]}, "messages.0.content.0", "none that is without"),
    ({"model": "m", "max_tokens": 9, "messages": [USE, USER]}, "messages.1", "none for: c1"),
    ({"model": "m", "max_tokens": 9, "messages": [USER, USE]}, "messages.1", "none for: c1"),
    ({"model": "m", "max_tokens": 9, "messages": [USE, USE, GIVEN]}, "messages.1", "none for: c1"),
    (
        {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": [{"type": "tool_use"}]}]},
        "messages.0.content.0.tool_use.name",
        "Field required",
    ),
    ({"model": "m", "max_tokens": 9, "messages": [USER], "tools": [{}]}, "tools.0.name", "Field required"),
    (
        {"model": "m", "max_tokens": 9, "messages": [USER], "thinking": {"type": "enabled", "budget_tokens": 9}},
        "thinking.enabled.budget_tokens",
        "1024 or more",
    ),
    (
        {"model": "m", "max_tokens": 1024, "messages": [USER], "thinking": {"type": "enabled", "budget_tokens": 1024}},
        "max_tokens",
        "greater than",
    ),
]
BAD = [(CHAT, *one) for one in BAD_CHATS] + [(RESPONSES, *one) for one in BAD_RESPONSES]


@pytest.mark.parametrize(("path", "sent", "param", "told"), BAD)
def test_openai_refuses_a_request_that_is_not_right(client, path, sent, param, told):
    status, problem = refusal(client, path, sent)
    assert (status, problem["type"], problem["param"]) == (400, "invalid_request_error", param)
    assert told in problem["message"]


@pytest.mark.parametrize(("sent", "place", "told"), BAD_MESSAGES)
def test_anthropic_refuses_a_request_that_is_not_right(client, sent, place, told):
    status, problem = refusal(client, MESSAGES, sent)
    assert (status, problem["type"]) == (400, "invalid_request_error")
    assert problem["message"].startswith(f"{place}: ")
    assert told in problem["message"]


@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(client, path, sent):
    status, problem = refusal(client, path, sent)
    assert (status, problem["type"]) == (400, "invalid_request_error")
    assert "JSON" in problem["message"]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        (CHAT, {}, 401),
        (RESPONSES, {"authorization": "Basic k"}, 401),
        (RESPONSES, {"authorization": "Bearer"}, 401),
        (MESSAGES, {"anthropic-version": "2023-06-01"}, 401),
        (MESSAGES, {"x-api-key": "k"}, 400),
    ],
)
def test_a_key_must_be_sent_and_any_is_right(client, path, headers, status):
    assert refusal(client, path, {}, headers)[0] == status


def test_a_path_that_is_not_there_says_which_are(client):
    status, problem = refusal(client, "/chat/completions", {})
    assert status == 404
    assert "llm.openai_base_url (which ends with /v1)" in problem["message"]
    answer = client.post("/v1/v1/messages", json={}, headers=ANTHROPIC)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_methods_are_as_http_says(client, path):
    wrong = client.get(path, headers=headers_for(path))
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST, OPTIONS")
    assert "takes POST, not GET" in wrong.json()["error"]["message"]
    head = client.head(path, headers=headers_for(path))
    assert (head.status_code, head.content) == (405, b"")
    assert int(head.headers["content-length"]) > 0
    options = client.options(path)
    assert (options.status_code, options.headers["allow"], options.content) == (204, "POST, OPTIONS", b"")
    assert [asked.shown for asked in client.llm._script.asked] == [f"GET {path}"]


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
def test_a_request_that_is_too_large_is_refused(client, path):
    announced = headers_for(path) | {"content-length": str(10**9)}
    if client.llm._server is None:
        answer = client.post(path, content=iter([b"x"]), headers=announced)
        assert answer.status_code == 413
        return
    lines = "".join(f"{name}: {value}\r\n" for name, value in announced.items())
    with socket.create_connection(("127.0.0.1", client.llm._server.port), timeout=5) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_an_error_has_the_usual_of_its_status_or_what_the_script_says(client):
    client.post(CHAT, json={"model": "m", "messages": [USER]}, headers=OPENAI)

    def told(step, path):
        client.llm.script(step)
        asked = {"model": "m", "messages": [USER], "max_tokens": 9}
        return client.post(path, json=asked, headers=headers_for(path))

    answer = told(error(429, "slow", retry_after=1.5), CHAT)
    assert answer.headers["retry-after"] == "1.5"
    assert "x-should-retry" not in answer.headers
    assert told(error(429, retry_after=10**6), CHAT).headers["retry-after"] == "1000000"
    limited = {"message": "slow", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    assert answer.json() == {"error": limited}
    quota = told(error(429, code="insufficient_quota"), CHAT).json()["error"]
    assert (quota["type"], quota["code"]) == ("insufficient_quota", "insufficient_quota")
    assert told(error(503), CHAT).json()["error"]["type"] == "server_error"
    assert told(error(599), CHAT).json()["error"]["message"] == "Error 599 (scripted)."
    assert told(error(409), MESSAGES).json()["error"]["type"] == "invalid_request_error"
    overloaded = told(error(529), MESSAGES).json()["error"]
    assert overloaded == {"type": "overloaded_error", "message": "Overloaded (scripted)."}
    assert told(error(500, code="mine"), MESSAGES).json()["error"]["type"] == "mine"


@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_a_tool_that_was_not_offered_is_not_called(path):
    asked = {"model": "m", "max_tokens": 9} | ({"input": "hi"} if path == RESPONSES else {"messages": [USER]})
    for strict in (True, False):
        llm = FakeLLM(tool_call("serach"), strict=strict)
        with httpx.Client(transport=llm.transport, base_url="http://model", headers=headers_for(path)) as client:
            answer = client.post(path, json=asked)
        assert answer.status_code == (400 if strict else 200)
        if strict:
            assert answer.headers["x-should-retry"] == "false"
            assert "'serach', and call 1 offered no tools" in answer.json()["error"]["message"]
            with pytest.raises(ScriptMismatchError, match="'serach', and call 1 offered no tools"):
                llm.verify()
        else:
            llm.verify()


def test_what_is_stored_can_be_gone_on_with_and_what_is_not_cannot():
    llm = FakeLLM(*["a", "b", "c", "d"], strict=False)
    with httpx.Client(transport=llm.transport, base_url="http://model", headers=OPENAI) as client:

        def ask(**asked):
            return client.post(RESPONSES, json={"model": "m", **asked})

        first = ask(input="one", instructions="Count.").json()
        reference = {"type": "item_reference", "id": first["output"][0]["id"]}
        second = ask(input="two", previous_response_id=first["id"], store=False).json()
        third = ask(input=[{"role": "developer", "content": "Be kind."}, USER, reference, USER])
        assert third.status_code == 200
        assert ask(input="three", previous_response_id=second["id"]).json()["error"]["code"] == (
            "previous_response_not_found"
        )
        missing = ask(input=[USER, reference | {"id": "nowhere"}])
        assert (missing.status_code, missing.json()["error"]["param"]) == (404, "input")
    told = [[(message.role, message.text) for message in call.messages] for call in llm.calls]
    assert told[1] == [("user", "one"), ("assistant", "a"), ("user", "two")]
    assert told[2] == [("user", "hi"), ("assistant", "a"), ("user", "hi")]
    assert [call.system for call in llm.calls] == ["Count.", "", "Be kind."]


def test_one_connection_takes_many_requests_and_several_loops_ask_at_once():
    llm = FakeLLM(*[str(number) for number in range(80)])
    asked = {"model": "m", "messages": [USER]}
    seen = []

    def in_a_thread():
        with httpx.Client(base_url=llm.openai_base_url, headers=OPENAI) as client:
            seen.extend(client.post("chat/completions", json=asked).json() for _ in range(20))

    async def in_a_loop():
        async with httpx.AsyncClient(transport=llm.transport, base_url="http://model/v1", headers=OPENAI) as client:
            seen.extend([(await client.post("chat/completions", json=asked)).json() for _ in range(20)])

    threads = [threading.Thread(target=in_a_thread) for _ in range(2)]
    threads += [threading.Thread(target=anyio.run, args=(in_a_loop,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    llm.close()
    llm.verify()
    said = [int(document["choices"][0]["message"]["content"]) for document in seen]
    assert sorted(said) == list(range(80))
    assert len({document["id"] for document in seen}) == 80
    assert llm.usage.output_tokens == sum(document["usage"]["completion_tokens"] for document in seen)


def test_tokens_can_be_counted_without_a_step(client):
    asked = {"model": "m", "messages": [USER], "system": "Count.", "tools": [{"name": "f"}]}
    assert client.post(f"{MESSAGES}/count_tokens", json=asked, headers=ANTHROPIC).json()["input_tokens"] > 7
    assert client.llm.calls == []


def test_a_failure_without_a_status_is_what_a_network_does(client):
    client.post(CHAT, json={"model": "m", "messages": [USER]}, headers=OPENAI)
    for step, kind in (
        (error.timeout(), httpx.ReadTimeout),
        (error.disconnect(), httpx.RemoteProtocolError),
        (error.disconnect("mid_headers"), httpx.RemoteProtocolError),
        (error.disconnect("mid_body"), httpx.RemoteProtocolError),
    ):
        client.llm.script(step)
        with pytest.raises(kind):
            client.post(CHAT, json={"model": "m", "messages": [USER]}, headers=OPENAI, timeout=0.2)


def test_what_anthropic_is_told_of_tools_and_pictures():
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
    failed = {"type": "tool_result", "tool_use_id": "c1", "is_error": True, "content": [{"type": "text", "text": "no"}]}
    messages = [
        USE,
        GIVEN,
        USER | {"content": [picture, {"type": "text", "text": "What is it?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Let me see."}, *USE["content"]]},
        USER | {"content": [failed, {"type": "text", "text": "And now?"}, picture]},
        {"role": "assistant", "content": "It"},
    ]
    llm = FakeLLM("is a", tool_call("f", '{"cut'), tool_call("f", '{"cut'), strict=False)
    asked = {"model": "m", "max_tokens": 2000, "messages": messages, "system": [{"type": "text", "text": "Look."}]}
    asked["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    with httpx.Client(transport=llm.transport, base_url="http://model", headers=ANTHROPIC) as client:
        assert client.post(MESSAGES, json=asked).json()["content"][0]["text"] == "is a"
        whole = client.post(MESSAGES, json=asked).json()["content"][0]["input"]
        streamed = events_of(client.post(MESSAGES, json=asked | {"stream": True}).content)
    assert whole == {"INVALID_JSON": '{"cut'}
    assert "".join(one["delta"].get("partial_json", "") for _, one in streamed if "delta" in one) == '{"cut'
    call = llm.calls[0]
    assert call.system == "Look."
    roles = ["assistant", "tool", "user", "assistant", "tool", "user", "assistant"]
    assert [message.role for message in call.messages] == roles
    assert [message.text for message in call.messages] == ["", "", "What is it?", "Let me see.", "", "And now?", "It"]
    assert call.messages[4].tool_results[0].is_error
    assert call.tool_results == ()


def test_what_responses_are_told_of_other_tools_and_items():
    tools = [{"type": "web_search"}, {"type": "custom", "name": "sql"}]
    custom = {"type": "custom_tool_call", "call_id": "c1", "name": "sql", "input": "select 1"}
    output = {"type": "custom_tool_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "1"}]}
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    llm = FakeLLM("one")
    with httpx.Client(transport=llm.transport, base_url="http://model", headers=OPENAI) as client:
        asked = {"model": "m", "input": [USER, thought, custom, output], "tools": tools}
        assert client.post(RESPONSES, json=asked).json()["tools"] == tools
    (call,) = llm.calls
    assert call.tool_names == ("web_search", "sql")
    assert [(one.name, one.text) for one in call.tool_results] == [("sql", "1")]
    assert call.messages[1].tool_calls[0].arguments_json == "select 1"


def test_what_a_chat_is_told_of_other_tools_and_pieces():
    tools = [{"type": "custom", "custom": {"name": "sql"}}]
    custom = {"id": "c1", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    pieces = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, {"type": "text", "text": "b"}]
    messages = [
        {"role": "developer", "content": "Be kind."},
        USER | {"content": pieces},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}], "tool_calls": [custom]},
        RESULT,
        {"role": "system", "content": "Be brief."},
    ]
    llm = FakeLLM("one")
    with httpx.Client(transport=llm.transport, base_url="http://model", headers=OPENAI) as client:
        assert client.post(CHAT, json={"model": "m", "messages": messages, "tools": tools}).status_code == 200
    (call,) = llm.calls
    assert (call.system, call.tool_names) == ("Be kind.\nBe brief.", ("sql",))
    assert [message.text for message in call.messages] == ["ab", "No.", ""]
    assert call.tool_results[0].name == "sql"


def test_instructions_alone_are_a_request():
    llm = FakeLLM("one")
    with httpx.Client(transport=llm.transport, base_url="http://model", headers=OPENAI) as client:
        client.post(CHAT, json={"model": "m", "messages": [{"role": "system", "content": "Begin."}]})
    (call,) = llm.calls
    assert (call.system, call.messages, call.last_text) == ("Begin.", (), "")


NAMES = (
    "arguments call_id content custom function id input instructions is_error max_tokens messages model n name output "
    "previous_response_id refusal role stream stream_options system text thinking tool_call_id tool_calls tool_use_id "
    "tools type include_usage store include user assistant"
)
VALUES = (
    "user assistant system developer tool text tool_use tool_result function_call function_call_output message "
    "item_reference function custom reasoning c1 f enabled"
)
KEYS, WORDS = st.sampled_from(NAMES.split()), st.sampled_from(VALUES.split())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


@given(st.sampled_from([CHAT, RESPONSES, MESSAGES, f"{MESSAGES}/count_tokens"]), st.dictionaries(KEYS, JSON), JSON)
def test_whatever_is_sent_is_answered(path, sent, said):
    llm = FakeLLM("one", strict=False)
    document = {"model": "m", "max_tokens": 9, "messages": said, "input": said, **sent}
    asked = Request("POST", path, tuple(headers_for(path).items()), json.dumps(document).encode())
    answer = llm._endpoint.answer(asked)
    assert answer.status in {200, 400, 404}
    assert (answer.status == 200) == bool(llm.calls) or path.endswith("count_tokens")
    assert repr(llm.calls)


@pytest.mark.parametrize("streams", [False, True])
def test_a_thread_of_anthropic_keeps_what_was_said_and_the_tools(streams):
    llm = FakeLLM("yes", tool_call("f"), "", "done", strict=False)
    asked = {"model": "m", "max_tokens": 9, "stream": streams}

    def ask(*messages, **more):
        answer = client.post(MESSAGES, json=asked | {"messages": messages} | more)
        if answer.status_code != 200:
            return answer.json()["error"]
        return events_of(answer.content)[0][1]["message"]["id"] if streams else answer.json()["id"]

    def after(message_id):
        return {"type": "continue", "previous_message_id": message_id}

    with httpx.Client(transport=llm.transport, base_url="http://model", headers=ANTHROPIC) as client:
        alone = ask(USER)
        first = ask(USER, system="Count.", tools=[{"name": "f"}], thread={"type": "create"})
        used = f"toolu_fake{llm._ids._model}x0001"
        result = USER | {"content": [{"type": "tool_result", "tool_use_id": used, "content": "1"}]}
        second = ask(result, thread=after(first))
        ask(USER, thread=after(second))
        refusals = [
            ask(USER, thread=after(alone)),
            ask(USER, thread=after(second), system="Count again."),
            ask(USER, thread=after(first)),
        ]
    assert refusals[0]["details"] == {"error_code": "thread_not_found"}
    assert refusals[0]["type"] == "not_found_error"
    assert refusals[1]["message"].startswith("system: a thread keeps")
    assert "none for" in refusals[2]["message"]
    assert [call.system for call in llm.calls] == ["", "Count.", "Count.", "Count."]
    assert [call.tool_names for call in llm.calls] == [(), ("f",), ("f",), ("f",)]
    assert [message.role for message in llm.calls[3].messages] == ["user", "assistant", "tool", "user"]
    assert llm.calls[2].json["messages"] == [result]


def test_a_connection_stays_open_after_an_answer_a_stream_and_a_refusal():
    llm = FakeLLM("one", "two", "three", strict=False)
    with httpx.Client(base_url=llm.openai_base_url, headers=OPENAI) as client:
        ports = set()
        for more in ({}, {"stream": True}, {"n": 2}, {}):
            with client.stream("POST", "chat/completions", json={"model": "m", "messages": [USER], **more}) as answer:
                answer.read()
                ports.add(answer.extensions["network_stream"].get_extra_info("client_addr"))
    llm.close()
    assert len(ports) == 1
    assert len(llm.calls) == 3


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/v1/chat/completions", "/v1/v1/messages", "/embeddings"])
def test_a_base_url_that_is_wrong_is_told_with_the_right_ones(client, path):
    said = client.post(path, json={}, headers=OPENAI).json()["error"]["message"]
    assert "Is the client's base URL llm.openai_base_url" in said
    assert "ams_cassette" not in said


@pytest.mark.parametrize("path", ["/v1/models", "/v1/images/generations", "/v1/files", "/v1/responses/resp_1"])
def test_an_interface_that_is_not_answered_is_told_with_what_to_do(client, path):
    answer = client.get(path, headers=OPENAI)
    said = answer.json()["error"]["message"]
    assert answer.status_code == 404
    assert said.startswith(f"A FakeLLM does not answer GET {path}, but POST /v1/chat/completions,")
    assert "record it with ams_cassette, or put it into a function with @tool, for which ams_tools answers" in said
    assert "base URL" not in said
