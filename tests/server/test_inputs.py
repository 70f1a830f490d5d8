from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue
from starlette.requests import Request

from ams_reference_server.errors import BodyTooLargeError, InvalidRequestError, MalformedError
from ams_reference_server.inputs import content_type, read_body, read_json, read_query


class Anything(BaseModel):
    value: JsonValue = None


def request(chunks=(), query=b"", **headers):
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    taken = []

    async def receive():
        taken.append(messages[0])
        return messages.pop(0)

    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    made = Request({"type": "http", "method": "POST", "headers": sent, "query_string": query}, receive)
    made.state.taken = taken
    return made


def read(body, limit=10**6):
    return asyncio.run(read_json(request([body], content_type="application/json"), Anything, limit))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_body_or_are_refused(body):
    with suppress(MalformedError, InvalidRequestError):
        assert isinstance(read(body), Anything)


ANY_TEXT = st.text(st.characters(exclude_characters="\\"))  # with lone surrogates; a backslash would confuse the test
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)


@given(JSON_VALUES)
def test_json_is_read_as_it_was_sent_or_its_text_is_refused(value):
    body = json.dumps({"value": value})
    plain = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in plain or any("\ud800" <= character <= "\udfff" for character in plain):
        with pytest.raises(InvalidRequestError) as caught:
            read(body.encode())
        assert {broken.code for broken in caught.value.errors} == {"invalid_text"}
    else:
        assert read(body.encode()).value == value


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_a_number_that_nobody_keeps_is_malformed(number):
    with pytest.raises(MalformedError):
        read(b'{"value": {"x": %s}}' % number.encode())


@pytest.mark.parametrize(("levels", "is_read"), [(60, True), (70, False), (100_000, False)])
def test_nesting_has_an_end(levels, is_read):
    body = b'{"value":' + b"[" * levels + b"]" * levels + b"}"
    if is_read:
        assert read(body).value is not None
    else:
        with pytest.raises(MalformedError):
            read(body)


@pytest.mark.parametrize(
    ("announced", "chunks_read"), [({"content_length": "11"}, 0), ({}, 2), ({"content_length": "x"}, 2)]
)
def test_reading_stops_at_the_limit(announced, chunks_read):
    sent = request([b"123456"] * 5, **announced)
    with pytest.raises(BodyTooLargeError, match="larger than 10 bytes") as caught:
        asyncio.run(read_body(sent, 10))
    assert len(sent.state.taken) == chunks_read
    assert caught.value.headers == {"Connection": "close"}


def test_a_body_of_exactly_the_limit_is_read():
    assert asyncio.run(read_body(request([b"12345", b"67890"], content_length="10"), 10)) == b"1234567890"


def test_a_content_length_of_absurd_size_is_too_large():
    with pytest.raises(BodyTooLargeError):
        asyncio.run(read_body(request(content_length="9" * 10_000), 10))


def test_the_content_type_is_read_with_its_parameters():
    assert content_type(request(content_type='Text/HTML; Charset="UTF-8"; x')) == (
        "text/html",
        {"charset": "utf-8", "x": ""},
    )
    assert content_type(request()) == ("", {})


def test_a_long_field_name_is_not_repeated_in_full():
    class Strict(BaseModel, extra="forbid"):
        pass

    sent = request([json.dumps({"x" * 5000: 1}).encode()], content_type="application/json")
    with pytest.raises(InvalidRequestError) as caught:
        asyncio.run(read_json(sent, Strict, 10**6))
    assert len(caught.value.errors[0].field) == 200


def test_an_unknown_query_parameter_is_ignored():
    assert read_query(request(query=b"value=a&other=b"), Anything).value == "a"
