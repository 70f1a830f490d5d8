"""Vectors that say which words a text has: on the wire, as an object, the same everywhere."""

import base64
import math
import struct
import subprocess
import sys

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk import ConfigurationError
from ams_sdk.testing import EmbeddingRequest, FakeLLM
from ams_sdk.testing._model import embeddings

KEY = {"authorization": "Bearer k"}
KNOWLEDGE = [
    "Otters hold hands while they sleep.",
    "Ducks sleep with one eye open.",
    "The capital of Norway is Oslo.",
    "Ein Igel rollt sich zusammen.",
]


def near(one, other):
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


@pytest.fixture(params=["in process", "on a port"])
def client(request):
    with FakeLLM() as llm:
        if request.param == "in process":
            made = httpx.Client(transport=llm.transport, base_url="http://model", headers=KEY)
        else:
            made = httpx.Client(base_url=llm.anthropic_base_url, headers=KEY)
        with made:
            made.llm = llm
            yield made


def ask(client, **document):
    return client.post("/v1/embeddings", json={"model": "text-embedding-3-small", **document})


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Which animals hold hands?", 0),
        ("How does a duck sleep?", 1),
        ("norway's capital", 2),
        ("Was tun Igel?", 3),
    ],
)
def test_the_nearest_text_is_the_one_that_shares_words(question, answer):
    llm = FakeLLM()
    (asked,) = llm.embed(question)
    found = [near(asked, vector) for vector in llm.embed(KNOWLEDGE)]
    assert found.index(max(found)) == answer


@given(st.text(min_size=1), st.integers(1, 3000))
def test_any_text_has_a_vector_of_length_one_that_is_always_the_same(text, dimensions):
    llm = FakeLLM()
    first, second = llm.embed([text, text], dimensions=dimensions)
    assert first == second
    assert len(first) == dimensions
    assert near(first, first) == pytest.approx(1.0, abs=1e-5)


def test_another_process_finds_the_same():
    program = "from ams_sdk.testing import FakeLLM; print(FakeLLM().embed('otters hold hands', dimensions=8))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{FakeLLM().embed('otters hold hands', dimensions=8)}\n"


def test_openais_answer(client):
    answer = ask(client, input=KNOWLEDGE[:2])
    assert answer.status_code == 200
    assert answer.headers["x-request-id"]
    document = answer.json()
    vectors = client.llm.embed(KNOWLEDGE[:2])
    assert document == {
        "object": "list",
        "data": [{"object": "embedding", "index": at, "embedding": vectors[at]} for at in range(2)],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 17, "total_tokens": 17},
    }
    assert len(vectors[0]) == 1536


def test_both_encodings_say_the_same(client):
    plain, packed = (
        ask(client, input="otters", encoding_format=form).json()["data"][0]["embedding"] for form in ("float", "base64")
    )
    assert list(struct.unpack("<1536f", base64.b64decode(packed))) == plain


def test_what_was_asked_is_kept_and_the_script_is_not_asked(client):
    ask(client, input="otters", dimensions=3)
    ask(client, model="text-embedding-3-large", input=["a", [1, 2]])
    assert ask(client, input=[5, 6]).status_code == 200
    client.llm.embed("by hand")
    assert client.llm.embeddings == [
        EmbeddingRequest("text-embedding-3-small", ("otters",), 3),
        EmbeddingRequest("text-embedding-3-large", ("a", "1 2"), 3072),
        EmbeddingRequest("text-embedding-3-small", ("5 6",), 1536),
        EmbeddingRequest("fake-model", ("by hand",), 1536),
    ]
    assert client.llm.calls == client.llm.heard == []
    assert client.llm.usage.input_tokens == 0


@pytest.mark.parametrize(
    ("sent", "param"),
    [
        ({}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": ["a", 1.5]}, "input"),
        ({"input": [True]}, "input"),
        ({"input": {"a": 1}}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": "a", "model": ""}, "model"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": True}, "dimensions"),
        ({"input": "a", "dimensions": 1e9}, "dimensions"),
        ({"input": "a", "dimensions": 10**9}, "dimensions"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
        ({"input": "a", "encoding_format": []}, "encoding_format"),
    ],
)
def test_what_openai_would_not_take_is_refused(sent, param):
    llm = FakeLLM(strict=False)
    with httpx.Client(transport=llm.transport, base_url="http://model", headers=KEY) as client:
        answer = ask(client, **sent)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert f"'{param}'" in error["message"]
    assert llm.embeddings == []


def test_a_wrong_use_by_hand_says_what_is_right():
    with pytest.raises(ConfigurationError, match=r"'input' must be a text that is not empty"):
        FakeLLM().embed("")
    with pytest.raises(ConfigurationError, match=r"'input' must have 1 to 2048 items, not 0"):
        FakeLLM().embed([])
    with pytest.raises(ConfigurationError, match=r"'dimensions' must be a whole number"):
        FakeLLM().embed("a", dimensions=-1)


def test_features_that_take_each_other_away_still_have_a_length(monkeypatch):
    monkeypatch.setattr(embeddings, "_features", lambda _text: iter([("a", 1.0), ("a", -1.0)]))
    assert FakeLLM().embed("a", dimensions=2) == [[1.0, 0.0]]
