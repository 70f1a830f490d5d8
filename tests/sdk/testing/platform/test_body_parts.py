from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_reference_server.telemetry import body_parts as of_server
from ams_sdk.testing._platform.body_parts import json_exceeds, protobuf_exceeds

NUMBERS = st.integers(0, 60)
field = st.builds(bytes, st.tuples(st.sampled_from([0x0A, 0x12, 0x2A, 0x4A, 0x78]), st.integers(0, 9)))
some = st.one_of(st.binary(max_size=60), st.lists(field, max_size=20).map(b"".join))


@given(some, NUMBERS)
def test_the_parts_of_protobuf_are_counted_as_the_server_counts_them(body, most):
    assert protobuf_exceeds(body, most) is of_server.protobuf_exceeds(body, most)


@given(st.one_of(st.binary(max_size=60), st.text('{[,]}"\\:a').map(str.encode)), NUMBERS)
def test_the_parts_of_json_are_counted_as_the_server_counts_them(body, most):
    assert json_exceeds(body, most) is of_server.json_exceeds(body, most)


def test_what_stands_in_a_text_is_no_part():
    body = json.dumps({"a": "{[,," * 100}).encode()
    assert not json_exceeds(body, 1)
    assert json_exceeds(body, 0)


@pytest.mark.parametrize("ahead", [b"", b"\x0b\x0a\x01\xff\x0c", b"\x78\x01", b"\x0a\x80\x00", b"\x79" + bytes(8)])
@pytest.mark.parametrize("path", [(), (0x0A,), (0x0A, 0x12), (0x0A, 0x12, 0x12), (0x0A, 0x12, 0x12, 0x4A, 0x12, 0x2A)])
def test_empty_messages_are_found_wherever_they_are(ahead, path):
    body = b"\x0a\x00" * 4000
    for tag in reversed(path):
        body = bytes([tag, len(body) & 0x7F | 0x80, len(body) >> 7 & 0x7F | 0x80, len(body) >> 14]) + body
    assert protobuf_exceeds(ahead + body, 1000)
    assert not protobuf_exceeds(ahead + body, 5000)


@pytest.mark.parametrize("broken", [b"\x0c", b"\x0f", b"\x08" + b"\xff" * 11, b"\x08" + b"\x80" * 20, b"\x0a\x7f"])
def test_what_follows_a_broken_field_is_not_counted(broken):
    assert not protobuf_exceeds(broken + b"\x0a\x00" * 5, 10)
