import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._capture.redaction import REDACTED, is_secret_name, redact_text

SECRET_TEXTS = {
    "Authorization: Bearer abcdef0123456789": "abcdef0123456789",
    "authorization: basic dXNlcjpodW50ZXIy": "dXNlcjpodW50ZXIy",
    "it is eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl here": "eyJhbGciOiJIUzI1NiJ9",
    "key=ams_0123456789abcdef0123": "ams_0123456789abcdef0123",
    "use sk-proj-abcdefghijklmnop1234": "sk-proj-abcdefghijklmnop1234",
    "ghp_abcdefghijklmnopqrstuvwxyz012345": "ghp_abcdefghijklmnopqrstuvwxyz012345",
    "AKIAIOSFODNN7EXAMPLE": "AKIAIOSFODNN7EXAMPLE",
    "postgresql://alice:hunter2@db/prod": "hunter2",
    'login(password="hunter2")': "hunter2",
    '{"api_key": "hunter2"}': "hunter2",
    "client_secret=hunter2&x=1": "hunter2",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----": "MIIE",
    "-----BEGIN PRIVATE KEY-----\nMIIEcut": "MIIEcut",
}


@pytest.mark.parametrize(("text", "secret"), SECRET_TEXTS.items())
def test_a_secret_in_free_text_is_masked(text, secret):
    masked = redact_text(text)
    assert secret not in masked
    assert REDACTED in masked


@pytest.mark.parametrize(
    "text",
    [
        "the password is wrong",
        "a secret meeting at noon",
        "https://example.com/path?page=2",
        "max_tokens=512, total_tokens: 12",
        "bearer of bad news",
        "skating on thin ice",
        "12:30@office",
    ],
)
def test_ordinary_text_stays(text):
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWORD",
        "user_password",
        "apiKey",
        "X-Api-Key",
        "api_key",
        "Authorization",
        "set-cookie",
        "token",
        "access_token",
        "clientSecret",
        "aws_secret_access_key",
        "private-key",
        "passphrase",
        "credentials",
        "jwt",
    ],
)
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["tokens", "max_tokens", "token_count", "author", "passenger", "keyboard", "secretary", "query", ""]
)
def test_names_of_other_things(name):
    assert not is_secret_name(name)


@given(st.text(), st.text(alphabet=string.ascii_letters + string.digits, min_size=20, max_size=60), st.text())
def test_a_key_of_this_platform_never_survives(before, secret, after):
    assert f"ams_{secret}" not in redact_text(f"{before} ams_{secret} {after}")
