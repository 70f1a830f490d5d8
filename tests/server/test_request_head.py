from __future__ import annotations

import contextlib

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_reference_server.errors import MalformedError, MethodNotAllowedError, RequestError
from ams_reference_server.request_head import _KNOWN_TO_THE_PARSER, check, origin_form, with_known_method


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        (b"GET", b"/a?b", (b"/a?b", None)),
        (b"GET", b"//a", (b"//a", None)),
        (b"OPTIONS", b"*", (b"*", None)),
        (b"GET", b"http://h", (b"/", b"h")),
        (b"GET", b"http://h?x=1", (b"/?x=1", b"h")),
        (b"POST", b"HTTPS://h:8787/a/b?c=http://d/", (b"/a/b?c=http://d/", b"h:8787")),
        (b"GET", b"http://[::1]:80/a", (b"/a", b"[::1]:80")),
    ],
)
def test_every_form_of_a_target_becomes_path_and_authority(method, target, expected):
    assert origin_form(method, target) == expected


@pytest.mark.parametrize("target", [b"", b"a", b"a:80", b"ftp://h/", b"http://", b"http:///a", b"http://u@h/a", b"*"])
def test_a_target_of_no_form_is_refused(target):
    with pytest.raises(MalformedError):
        origin_form(b"GET", target)


def test_a_tunnel_is_refused_with_what_is_allowed():
    with pytest.raises(MethodNotAllowedError) as refused:
        origin_form(b"CONNECT", b"h:80")
    assert "GET" in refused.value.headers["Allow"]


@given(st.binary())
def test_whatever_comes_is_a_path_or_refused(target):
    try:
        path, _ = origin_form(b"GET", target)
    except RequestError:
        return
    assert path.startswith(b"/")


HOST = (b"host", b"x")


@pytest.mark.parametrize(
    ("version", "headers", "has_body"),
    [
        ("1.1", [HOST], False),
        ("1.0", [], False),
        ("1.1", [HOST, (b"content-length", b"0")], False),
        ("1.1", [HOST, (b"content-length", b"1")], True),
        ("1.1", [HOST, (b"transfer-encoding", b"Chunked ")], True),
        ("1.1", [(b"host", b"[::1]:8787")], False),
    ],
)
def test_a_head_says_whether_there_may_be_a_body(version, headers, has_body):
    assert check(version, headers) is has_body


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ("0.9", [HOST]),
        ("2.0", [HOST]),
        ("1.1", []),
        ("1.1", [HOST, HOST]),
        ("1.0", [HOST, HOST]),
        ("1.1", [(b"host", b"x/v1")]),
        ("1.1", [(b"host", b"u@x")]),
        ("1.1", [HOST, (b"transfer-encoding", b"gzip, chunked")]),
        ("1.0", [(b"transfer-encoding", b"chunked")]),
    ],
)
def test_a_head_that_leaves_something_open_is_refused(version, headers):
    with pytest.raises(MalformedError):
        check(version, headers)


class Methods:
    def __init__(self):
        self.parser = httptools.HttpRequestParser(self)
        self.seen = []

    def on_headers_complete(self):
        self.seen.append(self.parser.get_method())


def parsed(data):
    methods = Methods()
    with contextlib.suppress(httptools.HttpParserUpgrade):  # CONNECT
        methods.parser.feed_data(data)
    return methods.seen


@pytest.mark.parametrize("method", sorted(method.decode() for method in _KNOWN_TO_THE_PARSER - {b"PRI", b"SOURCE"}))
def test_the_parser_knows_these_methods(method):
    assert parsed(f"{method} / HTTP/1.1\r\nHost: h\r\n\r\n".encode()) == [method.encode()]


@given(st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}", fullmatch=True))
def test_any_token_may_be_a_method(method):
    data, unknown = with_known_method(f"{method} / HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    if unknown is not None:
        assert unknown == method.encode()
        assert parsed(data) == [b"GET"]


@pytest.mark.parametrize(
    "data", [b"", b"\r\n", b"GET", b"B@D / HTTP/1.1", b"x" * 41 + b" / HTTP/1.1", b"\xff / HTTP/1.1"]
)
def test_what_is_no_method_is_left_to_the_parser(data):
    assert with_known_method(data) == (data, None)
