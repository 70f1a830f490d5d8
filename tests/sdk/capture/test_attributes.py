import collections.abc
import enum
import importlib
import json
import re
import subprocess
import sys
import types
from pathlib import Path

import opentelemetry.semconv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._capture import REDACTED, compile_rules, is_secret_name, redact_attributes, redact_line, use_rules
from ams_sdk._capture import attributes as attributes_module
from ams_sdk._capture.attributes import MAX_PARTS, MAX_VALUE


class Word(enum.StrEnum):
    SECRET = "password=hunter2"
    PLAIN = "plain"


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no str")


class Refusing(collections.abc.Sequence):
    def __len__(self):
        raise RuntimeError("no length")

    def __getitem__(self, index):
        raise RuntimeError("no items")


HELD = "password=hunter2"
GONE = f"password={REDACTED}"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("a", HELD, GONE),
        ("a", HELD.encode(), GONE.encode()),
        ("a", ["x", HELD], ("x", GONE)),
        ("a", (HELD, 1, None), (GONE, 1, None)),
        ("a", {"b": [{"password": "hunter2", "c": 1}]}, {"b": ({"password": REDACTED, "c": 1},)}),
        ("a", types.MappingProxyType({"password": "hunter2"}), {"password": REDACTED}),
        ("a", ("X-Api-Key", "hunter2"), ("X-Api-Key", REDACTED)),
        ("a", Word.SECRET, GONE),
        ("a", Text(HELD), GONE),
        ("a", '{"password": "hunter2"}', f'{{"password": "{REDACTED}"}}'),
        ("db.password", "hunter2", REDACTED),
        ("db.password", b"hunter2", REDACTED.encode()),
        ("db.password", {"old": "hunter2"}, REDACTED),
        ("http.request.header.authorization", ("hunter2", "hunter2"), (REDACTED,)),
        ("http.response.header.set-cookie", ["sid=hunter2"], (REDACTED,)),
        ("http.request.header.x_api_key", Text("hunter2"), REDACTED),
    ],
)
def test_a_secret_in_an_attribute_is_masked(name, value, expected):
    given = {"before": 1, name: value, "after": "x"}
    left = redact_attributes(given)
    assert left == {"before": 1, name: expected, "after": "x"}
    assert list(left) == list(given)
    assert given[name] is value
    assert redact_attributes(left) is left


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", "plain"),
        ("a", Word.PLAIN),
        ("a", ("a", "b")),
        ("a", b"\xff\xfe\x00pwd=x"),
        ("a", [1.0] * 1_000_000),
        ("a", {"b": [1, {"c": "d"}]}),
        ("a", range(10**12)),
        ("a", object),
        ("a", '{ "spaced" :  [1,2] }'),
        ("db.password", True),
        ("db.password", 12),
        ("db.password", 1.5),
        ("db.password", None),
        ("db.password", ""),
        ("db.password", ()),
        ("db.password", [1, 2]),
        ("db.password", REDACTED),
        (3, "plain"),
    ],
)
def test_what_holds_no_secret_comes_back_as_it_is(name, value):
    attributes = {name: value}
    assert redact_attributes(attributes) is attributes


def test_a_long_text_is_cut_visibly_before_it_is_searched():
    left = redact_attributes({"a": "x" * (MAX_VALUE + 7), "b": b"y" * (MAX_VALUE + 7), "c": b"\xff" * (MAX_VALUE + 7)})
    assert left["a"] == "x" * MAX_VALUE + "…[+7 characters]"
    assert left["b"] == b"y" * MAX_VALUE + "…[+7 bytes]".encode()
    assert left["c"] == b"\xff" * MAX_VALUE + "…[+7 bytes]".encode()


def test_the_texts_of_one_attribute_are_bounded_together_and_their_number_too():
    left = redact_attributes(
        {"a": ["x" * 50_000] * 3, "b": ["y"] * (MAX_PARTS + 5), "c": dict.fromkeys(range(MAX_PARTS + 5), "z")}
    )
    assert [len(text.partition("…")[0]) for text in left["a"]] == [50_000, MAX_VALUE - 50_000, 0]
    # The container itself counts.
    assert left["b"][-1] == "…[+6 items]"
    assert len(left["b"]) == MAX_PARTS
    assert left["c"]["…"] == "[+6 entries]"


def test_json_that_is_cut_stays_json():
    messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "word " * 30_000 + HELD}]}])
    left = redact_attributes({"gen_ai.input.messages": messages})["gen_ai.input.messages"]
    assert json.loads(left)[0]["role"] == "user"
    assert len(left) < MAX_VALUE + 100


def test_what_holds_itself_is_told():
    endless: list[object] = ["x"]
    endless += [endless, endless]
    assert redact_attributes({"a": endless, "b": HELD}) == {"a": "<nested too deeply>", "b": GONE}


def test_what_cannot_be_read_is_masked(held_back):
    assert redact_attributes({"a": Refusing(), "b": 1}) == {"a": REDACTED, "b": 1}
    assert [place for place, _ in held_back] == ["redacting an attribute"]
    held_back.clear()


def test_a_line_is_masked_and_cut_as_an_attribute_is():
    assert redact_line("GET /reset?token=hunter2") == f"GET /reset?token={REDACTED}"
    assert redact_line("x" * (MAX_VALUE + 1)).endswith("…[+1 characters]")


def test_a_text_that_was_clean_by_other_rules_is_searched_again():
    name, text = "server.address", "a host of Oslo, again"
    assert redact_attributes({name: text}) == {name: text}
    use_rules(compile_rules(["Oslo"]))
    try:
        assert redact_attributes({name: text}) == {name: f"a host of {REDACTED}, again"}
        use_rules(compile_rules(redact=False))
        assert redact_attributes({name: HELD}) == {name: HELD}
    finally:
        use_rules()
    assert redact_attributes({name: text, "other": HELD}) == {name: text, "other": GONE}


def test_a_secret_in_a_name_is_masked_wherever_names_are():
    key = "sk" + "-proj-" + "aZ9_" * 10
    left = redact_attributes({f"a {key}": 1, f"b {key}": 2, "c": {f"d {key}": 3}, "e": "f"})
    assert left == {f"a {REDACTED}": 1, f"b {REDACTED}": 2, "c": {f"d {REDACTED}": 3}, "e": "f"}


def test_names_that_look_the_same_without_their_secret_stay_two():
    keys = ["sk" + "-proj-" + letter * 40 for letter in "a1"]
    left = redact_attributes({f"k {key}3": number for number, key in enumerate(keys)})
    assert left == {f"k {REDACTED}": 0, f"k {REDACTED} (1)": 1}


def test_rules_of_the_users_leave_names_alone():
    use_rules(compile_rules([re.compile("gen_ai")]))
    try:
        assert redact_attributes({"gen_ai.system": "a gen_ai one"}) == {"gen_ai.system": f"a {REDACTED} one"}
    finally:
        use_rules()


def test_names_that_are_remembered_are_bounded():
    for number in range(5_000):
        redact_attributes({f"a name with the number {number}": 1})
    assert len(attributes_module._clean_names) <= 1_024


def test_what_is_remembered_as_clean_is_bounded():
    for number in range(5_000):
        redact_line(f"a text with the number {number} in it")
    assert len(attributes_module._clean._held[1]) <= 1_024
    redact_line("long " * 100)
    assert max(map(len, attributes_module._clean._held[1])) <= 128


def names_of_the_conventions():
    """Also those that are being developed, GenAI's among them, whose folder is no package."""
    root = Path(opentelemetry.semconv.__path__[0])
    found = set()
    for file in root.rglob("*.py"):
        module = ".".join(["opentelemetry.semconv", *file.relative_to(root).with_suffix("").parts])
        members = vars(importlib.import_module(module.removesuffix(".__init__")))
        found |= {value for name, value in members.items() if name.isupper() and isinstance(value, str)}
    return found


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_no_name_of_the_conventions_is_one_of_a_secret():
    names = names_of_the_conventions()
    assert len(names) > 900
    assert "gen_ai.usage.input_tokens" in names
    assert {name for name in names if is_secret_name(name)} == set()


@pytest.mark.parametrize(
    "name",
    [
        *("gen_ai.usage.input_tokens", "gen_ai.token.type", "gen_ai.request.max_tokens", "llm.usage.total_tokens"),
        *("llm.token_count.prompt", "db.redis.key", "aws.s3.key", "messaging.kafka.message.key", "feature_flag.key"),
        *("gen_ai.conversation.id", "session.id", "auth.type", "next_page_token", "llm.eos_token", "enduser.id"),
        *(
            "aws.dynamodb.exclusive_start_table",
            "k8s.secret.name",
            "tls.client.certificate",
            "thread.name",
            "code.function",
        ),
    ],
)
def test_a_name_that_only_sounds_like_a_secret_is_none(name):
    assert not is_secret_name(name)
    attributes = {name: "some value"}
    assert redact_attributes(attributes) is attributes


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_a_planted_secret_never_survives_and_masking_twice_is_masking_once(attributes):
    left = redact_attributes({**attributes, "api_key": "hunter2", "text": f"x {HELD}", "deep": [{"token": "hunter2"}]})
    assert "hunter2" not in repr(left)
    assert redact_attributes(left) is left


def test_no_bytes_are_compared_with_a_text():
    program = (
        "from ams_sdk._capture import redact_attributes\n"
        "left = redact_attributes({'password': b'hunter2', 'db.password': b'[redacted]', 'x': {'pwd': b'a'}})\n"
        "assert left == {'password': b'[redacted]', 'db.password': b'[redacted]', 'x': {'pwd': b'[redacted]'}}\n"
    )
    subprocess.run([sys.executable, "-bb", "-c", program], check=True, timeout=60)
