from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ams_reference_server.accounts import email_address as of_server
from ams_sdk.testing._platform.email_address import EmailAddress, InvalidEmailError

local = st.text(st.sampled_from("aAzZ.\u00e4\u00df\uff21\u0130+ <@\u0345\u1e9e"), max_size=8)
domain = st.text(st.sampled_from("aZ.-\u00fc\u00dfx1\u3002"), max_size=12)


def parsed(kind, error, text):
    try:
        address = kind.parse(text)
    except error:
        return None
    return address.shown, address.key


@given(st.one_of(st.builds("{}@{}.org".format, local, domain), st.text(max_size=20)))
def test_an_address_is_read_as_the_server_reads_it(text):
    theirs = parsed(of_server.EmailAddress, of_server.InvalidEmailError, text)
    assert parsed(EmailAddress, InvalidEmailError, text) == theirs
