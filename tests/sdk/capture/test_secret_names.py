import pytest

from ams_sdk._capture.secret_names import ROOTS, hides_value, holds_secret, is_secret_name

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
    *("password_confirm", "passwordConfirm", "password_repeat", "password_new", "password_old", "new_password"),
    *("DB_PASSWORD_PROD", "OPENAI_API_KEY_DEV", "api_key_prod", "SECRET_KEY_BASE", "secret_id", "secretId"),
    *("private_key_pem", "pass", "pass_", "PASS", "DBPASS", "dbPass", "userpass", "smtp_pass", "pin_code", "pinCode"),
    *("auth_code", "authorization_code", "creds", "dbCreds", "client_key", "consumer_key", "app_key", "cohere_key"),
    *("service_role_key", "serviceRoleKey", "SUPABASE_SERVICE_ROLE_KEY", "sessionid", "password_old_hash"),
    *("cookie", "cookies", "set-cookie", "set_cookie", "JSESSIONID", "PHPSESSID", "password_hash", "--password"),
]
OTHER = [
    *("tokens", "max_tokens", "total_tokens", "token_count", "maxTokens", "tokens_per_second", "tokenizer"),
    *("session_id", "session", "sessionId", "author", "oauth", "passenger", "passed", "compass", "secretary"),
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
    *("password_policy", "password_expires_at", "password_tester", "secret_name", "secret_identity", "token_type"),
    *(
        "token_text",
        "token_newline",
        "key_count",
        "map_key",
        "auth_provider",
        "keystore",
        "bypass",
        "passport",
        "trespass",
    ),
    *("renderPass", "pincode", "credit", "incredible", "cookiecutter", "passkeys_enabled", "session.id", "SessionID"),
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


def test_how_many_have_passed_is_none():
    assert not holds_secret("pass", 12)
    assert not holds_secret("PASS_", 1.5)
    assert holds_secret("pass", "12")


def test_the_place_of_a_url_holds_one_only_with_a_password():
    assert holds_secret("netloc", "ann:hunter2@host")
    assert not holds_secret("netloc", "ann@host:80")
    assert not holds_secret("netloc", "host:80")


@pytest.mark.parametrize(("name", "value"), [("name", "value"), ("key", "value"), ("Name", "Value"), ("Key", "Value")])
def test_the_name_next_to_a_value_may_be_one_of_a_secret(name, value):
    assert hides_value({value: "x", name: "DB_PASSWORD"}) == value
    assert hides_value({value: "x", name: "colour"}) is None
    assert hides_value({value: None, name: "DB_PASSWORD"}) is None
    assert hides_value({name: "DB_PASSWORD"}) is None
    assert hides_value({value: "x", name: ["DB_PASSWORD"]}) is None
