import pytest

from ams_sdk._capture.secret_names import ROOTS, holds_secret, is_secret_name

SECRET = [
    *("password", "PASSWORD", "user_password", "userPassword", "PGPASSWORD", "DBPASSWORD", "passwords", "password2"),
    *(
        "pass_word",
        "pass-phrase",
        "PASS_PHRASE",
        "pass code",
        "user[password]",
        "password*",
        "'password'",
        "password\t",
    ),
    *("passcode", "passphrase", "passwd", "pwd", "DB_PWD", "DB_PASS", "pin", "user_pin", "userPin"),
    *("apiKey", "X-Api-Key", "api_key", "api key", "api.key", "api_keys", "api_key_1", "AccountKey", "session_key"),
    *("aws_secret_access_key", "SECRET_KEY", "private-key", "secret", "secrets", "clientSecret", "SecretString"),
    *("token", "access_token", "auth_token", "token_1", "csrftoken", "access_tokens", "sessionToken"),
    *("Authorization", "authorization_header", "Proxy-Authorization", "auth", "bearer", "jwt", "credentials"),
    *("cookie", "cookies", "set-cookie", "set_cookie", "JSESSIONID", "PHPSESSID", "password_hash", "--password"),
]
OTHER = [
    *("tokens", "max_tokens", "total_tokens", "token_count", "maxTokens", "tokens_per_second", "tokenizer"),
    *("session_id", "session", "sessionId", "author", "oauth", "passenger", "passed", "pass", "compass", "secretary"),
    *(
        "key",
        "keyboard",
        "monkey",
        "primary_key",
        "spin",
        "opinion",
        "pinned",
        "query",
        "api_key_id",
        "password_length",
    ),
    *("", "…"),
]


@pytest.mark.parametrize("name", SECRET)
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", OTHER)
def test_names_of_other_things(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize("name", SECRET)
def test_every_name_holds_a_root_so_that_text_search_finds_it(name):
    assert any(root in name.lower() for root in ROOTS)


def test_the_end_of_a_long_name_decides():
    assert is_secret_name("x" * 10_000 + "_password")
    assert not is_secret_name("password" + "x" * 10_000)


@pytest.mark.parametrize("value", [None, True, False])
def test_whether_there_is_a_secret_is_none(value):
    assert not holds_secret("password", value)
    assert holds_secret("password", 0)
