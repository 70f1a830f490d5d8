import math
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext
from tests.sdk.tracing.span_strategies import ATTRIBUTES, KEYS, SCALARS, Word

from ams_sdk._tracing import attribute_encoder as module
from ams_sdk._tracing.attribute_encoder import encode_attributes, encode_text
from ams_sdk._tracing.encoder import Batch

SPAN, EVENT, LINK = b"\x4a", b"\x1a", b"\x22"
"""Tags of attributes in three messages of trace.proto."""


def sent(attributes):
    """By key; of a key that is sent twice, both."""
    return [(each.key, each.value) for each in Span.FromString(encode_attributes(attributes, SPAN)).attributes]


def value_of(value):
    ((_, value),) = sent({"key": value})
    return value


@given(ATTRIBUTES)
def test_the_tag_is_all_that_differs_between_spans_events_and_links(attributes):
    in_span = Span.FromString(encode_attributes(attributes, SPAN)).attributes
    in_event = Span.Event.FromString(encode_attributes(attributes, EVENT)).attributes
    in_link = Span.Link.FromString(encode_attributes(attributes, LINK)).attributes
    written = [[each.SerializeToString() for each in where] for where in (in_span, in_event, in_link)]
    assert written[0] == written[1] == written[2]
    assert len(in_span) == len(attributes or ())


@given(KEYS, st.lists(SCALARS, min_size=2))
def test_what_is_remembered_of_a_key_fits_each_value(key, values):
    module._heads.clear()
    remembering = [encode_attributes({key: value}, SPAN) for value in values]
    for value, packed in zip(values, remembering, strict=True):
        module._heads.clear()
        module._key_fields.clear()
        assert encode_attributes({key: value}, SPAN) == packed


def test_no_more_keys_are_remembered_than_is_useful():
    for number in range(3 * module._MAX_KEYS):
        encode_attributes({f"key {number}": 1, f"list {number}": [1]}, SPAN)
    assert len(module._heads[SPAN]) <= module._MAX_KEYS
    assert len(module._key_fields) <= module._MAX_KEYS
    encode_attributes({"k" * 100_000: "v"}, SPAN)
    assert "k" * 100_000 not in module._heads[SPAN]
    assert "k" * 100_000 not in module._key_fields


@pytest.mark.parametrize("value", ["text", ["in a list"]])
def test_a_key_that_says_it_equals_another_is_not_taken_for_it(value):
    class Liar(str):
        __slots__ = ()

        def __eq__(self, other):
            return True

        def __hash__(self):
            return hash("truth")

    assert sent({Liar("lie"): value}) == [("lie", value_of(value))]
    assert sent({"truth": value}) == [("truth", value_of(value))]


@pytest.mark.parametrize("empty", ["", 0, False, 0.0, b"", [], {}])
def test_an_empty_value_is_still_a_value(empty):
    assert value_of(empty).WhichOneof("value") is not None


def test_a_bool_is_no_integer():
    assert [value_of(value) for value in (True, False)] == [AnyValue(bool_value=True), AnyValue(bool_value=False)]
    assert [value_of(value) for value in (1, 0)] == [AnyValue(int_value=1), AnyValue(int_value=0)]


@given(st.floats())
def test_a_double_arrives_bit_by_bit(number):
    arrived = value_of(number).double_value
    assert arrived == number or (math.isnan(arrived) and math.isnan(number))
    assert math.copysign(1, arrived) == math.copysign(1, number)


@given(st.text(st.characters(), max_size=80), st.text(st.characters(), min_size=1, max_size=80))
def test_a_lone_surrogate_becomes_a_question_mark(text, key):
    plain = "".join("?" if "\ud800" <= each <= "\udfff" else each for each in text)
    plain_key = "".join("?" if "\ud800" <= each <= "\udfff" else each for each in key)
    assert encode_text(text) == plain.encode()
    assert sent({key: text, "nested": [{key: text}]}) == sent({plain_key: plain, "nested": [{plain_key: plain}]})


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [(None, b""), (b"abc", b"abc"), (b"\xff", "\ufffd".encode()), (7, b"7"), (Word.HELLO, b"bonjour")],
)
def test_what_is_no_text_is_sent_as_one(text, bytes_):
    assert encode_text(text) == bytes_


@given(st.one_of(st.integers(min_value=2**63), st.integers(max_value=-(2**63) - 1)))
def test_an_integer_of_more_than_64_bits_is_sent_in_digits(number):
    assert value_of(number) == AnyValue(string_value=str(number))
    assert value_of([number]).array_value.values[0] == AnyValue(string_value=str(number))


@pytest.mark.parametrize("sign", [1, -1])
def test_an_integer_that_takes_long_to_write_is_described(sign):
    assert value_of(sign * 10**100_000) == AnyValue(string_value="<an integer of 332193 bits>")


class Endless:
    def __getitem__(self, _):
        raise NotImplementedError


class Broken(list):
    def __iter__(self):
        raise ValueError("not today")


UNSENDABLE = [object(), {1, 2}, 1j, Decimal(1), len, Endless(), Broken([1])]


@pytest.mark.parametrize("value", [*UNSENDABLE, [[UNSENDABLE[0]]], {"a": {"b": UNSENDABLE[1]}}])
def test_a_value_that_cannot_be_sent_is_left_out_with_its_key(value, held_back):
    assert sent({"before": "b", "key": value, "after": [1]}) == sent({"before": "b", "after": [1]})
    assert [place for place, _ in held_back] == ["encoding an attribute"]
    held_back.clear()


@pytest.mark.parametrize("key", [1, None, ("a",), True])
def test_a_key_that_is_no_text_is_left_out(key, held_back):
    assert sent({"before": "b", key: "value", "after": 1}) == sent({"before": "b", "after": 1})
    assert [place for place, _ in held_back] == ["encoding an attribute"]
    held_back.clear()


def test_a_value_that_cannot_be_sent_is_told_at_debug_only(caplog, held_back):
    caplog.set_level("DEBUG")
    sent({"key": object()})
    held_back.clear()
    assert {(record.name, record.levelname) for record in caplog.records} == {("ams_sdk", "DEBUG")}


NOTE = AnyValue(string_value="<nested too deeply>")


def nested(depth, inside):
    """A value in ``depth`` containers, and how many messages they are."""
    messages = 0
    for kind in depth:
        inside = {"k": inside} if kind is dict else kind([inside])
        messages += 3 if kind is dict else 2
    return inside, messages


@example([list] * 45)
@example([list] * 46)
@example([dict] * 30)
@example([dict] * 31)
@example([dict] + [tuple] * 44)
@given(st.lists(st.sampled_from([list, tuple, dict]), min_size=20, max_size=60))
def test_what_is_nested_deeper_than_decoders_go_is_replaced_by_a_note(depth):
    value, messages = nested(depth, "inside")
    batch = Batch()
    batch.add(
        ReadableSpan("", SpanContext(1, 1, is_remote=False), resource=Resource({}), events=[Event("", {"key": value})])
    )
    # Decodable is what it must be: a batch that is not is lost as a whole.
    (group,) = ExportTraceServiceRequest.FromString(batch.message()).resource_spans
    (attribute,) = group.scope_spans[0].spans[0].events[0].attributes
    assert (attribute.value == NOTE) == (messages > 90)


def test_a_container_that_holds_itself_is_replaced_by_a_note():
    endless: list[object] = [1]
    endless += [endless, endless]
    mapping: dict[str, object] = {}
    mapping["self"] = mapping
    assert sent({"list": endless, "mapping": mapping, "after": 1}) == [
        ("list", NOTE),
        ("mapping", NOTE),
        ("after", AnyValue(int_value=1)),
    ]


def test_attributes_that_another_thread_writes_to_are_all_sent():
    attributes: dict[str, object] = {"before": 1}

    class Writing(list):
        def __iter__(self):
            attributes["late"] = 2
            return super().__iter__()

    attributes["writing"] = Writing()
    assert [key for key, _ in sent(attributes)] == ["before", "writing", "late"]


def test_a_mapping_that_can_only_be_read_is_enough():
    class Keys:
        def keys(self):
            return ["a", "b"]

        def __getitem__(self, key):
            return key * 2

    assert [KeyValue(key=key, value=value) for key, value in sent(Keys())] == [
        KeyValue(key="a", value=AnyValue(string_value="aa")),
        KeyValue(key="b", value=AnyValue(string_value="bb")),
    ]
