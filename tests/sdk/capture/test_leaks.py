import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._capture.leaks import SHORTEST_SECRET, leak_of

SECRET = 'p "ä/+\\ word?'
secrets = st.text(min_size=SHORTEST_SECRET).filter(lambda text: len(text.encode("utf-8", "surrogatepass")) < 200)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lambda text: text, "plain"),
        (lambda text: text.encode(), "plain"),
        (json.dumps, "json"),
        (lambda text: json.dumps(text, ensure_ascii=False), "json"),
        (lambda text: json.dumps({"body": json.dumps({"a": text})}), "json"),
        (repr, "repr"),
        (lambda text: repr(text.encode()), "repr"),
        (lambda text: base64.b64encode(text.encode()), "base64"),
        (lambda text: base64.b64encode(f"a:{text}:b".encode()), "base64"),
        (lambda text: base64.urlsafe_b64encode(f"ab{text}".encode()), "base64"),
        (lambda text: base64.encodebytes(f"{'user' * 15}{text}".encode()), "base64"),
        (lambda text: base64.encodebytes(f"{'user' * 13}{text}".encode()).replace(b"\n", b"\r\n"), "base64"),
        (lambda text: json.dumps(base64.encodebytes(f"{'user' * 14}{text}".encode()).decode()), "base64"),
        (urllib.parse.quote, "url"),
        (lambda text: urllib.parse.urlencode({"a": text}), "url"),
        (lambda text: urllib.parse.quote(text, safe="").lower(), "url"),
        (lambda text: text.encode().hex(), "hex"),
        (lambda text: text.encode().hex().upper(), "hex"),
        (lambda text: text.encode("utf-16"), "utf-16"),
    ],
)
def test_a_secret_is_found_however_it_is_written(write, name):
    assert leak_of(write(SECRET), SECRET) == name
    assert leak_of(write("another one altogether"), SECRET) is None


@given(st.binary(max_size=20), st.binary(min_size=SHORTEST_SECRET, max_size=40), st.binary(max_size=20))
def test_base64_hides_no_secret_whatever_stands_around_it(before, secret, after):
    # Four bytes may leave too little of themselves at some alignment.
    if len(secret) > SHORTEST_SECRET:
        assert leak_of(base64.b64encode(before + secret + after), secret) is not None


@given(secrets)
def test_a_text_is_found_in_json_of_json_of_json(secret):
    if secret.isprintable():
        text = json.dumps(json.dumps(json.dumps({"a": secret})))
        assert leak_of(text, secret) is not None


def test_a_secret_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="has 4 bytes or more, not 3"):
        leak_of("abcdef", "abc")
