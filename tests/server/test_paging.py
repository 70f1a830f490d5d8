from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_reference_server.errors import InvalidRequestError
from ams_reference_server.paging import decode_cursor, encode_cursor


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_cursor_is_decoded_to_what_it_was_made_of(position):
    cursor = encode_cursor(position)
    assert decode_cursor(cursor) == position
    assert not set(cursor) & set("+/=")


@given(st.text(max_size=50))
def test_any_text_is_a_cursor_or_is_refused(text):
    with suppress(InvalidRequestError):
        assert isinstance(decode_cursor(text), str)


@pytest.mark.parametrize("text", ["!", "a", "\u00e4", "_w"])
def test_what_is_no_cursor_is_refused(text):
    with pytest.raises(InvalidRequestError) as caught:
        decode_cursor(text)
    assert [broken.field for broken in caught.value.errors] == ["cursor"]
