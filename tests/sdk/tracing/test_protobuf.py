from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from ams_sdk._tracing.protobuf import length_delimited, varint

EDGES = [edge + step for bits in range(0, 63, 7) for edge in (1 << bits, -1 << bits) for step in (-1, 0, 1)]
SIGNED = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from(EDGES))


@given(SIGNED)
def test_a_varint_is_the_one_that_protobuf_writes(number):
    packed = b"\x18" + varint(number)
    assert AnyValue.FromString(packed).int_value == number
    assert AnyValue(int_value=number).SerializeToString() == packed


@given(st.integers(0, 2**64 - 1))
def test_an_unsigned_varint_is_the_one_of_the_same_64_bits(number):
    assert varint(number) == varint(number - 2**64)


@given(st.one_of(st.binary(max_size=300), st.sampled_from([127, 128, 16_383, 16_384, 3_000_000]).map(bytes)))
def test_a_length_stands_before_what_it_measures(payload):
    packed = length_delimited(b"\x3a", payload)
    assert AnyValue(bytes_value=payload).SerializeToString() == packed
    assert AnyValue.FromString(packed).bytes_value == payload
