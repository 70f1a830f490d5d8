import json
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.capture.cut_texts import redact_cut_text

from ams_sdk._capture.redaction import REDACTED, redact_text

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
    r'{"pem": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"}': "MIIE",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: A,B\n\nMIIE\n-----END RSA": "MIIE",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\nlQOY\n-----END PGP PRIVATE KEY BLOCK-----": "lQOY",
    "PGPASSWORD=hunter2 psql": "hunter2",
    "DBPASSWORD=hunter2": "hunter2",
    "DB_PASS=hunter2": "hunter2",
    "aws_secret_access_key    = hunter2": "hunter2",
    "SECRET_KEY='hunter2'": "hunter2",
    "https://host/path?token=hunter2&x=1": "hunter2",
    '{"auth_token": "hunter2"}': "hunter2",
    '{"userPassword":"hunter2"}': "hunter2",
    "GET / HTTP/1.1\r\nCookie: a=b; sid=hunter2\r\n": "hunter2",
    'Authorization: Digest username="u", response="hunter2"': "hunter2",
    "curl -H 'Authorization: Token hunter2' https://host": "hunter2",
    '{"authorization": "Token hunter2"}': "hunter2",
    '{"password": "correct horse hunter2"}': "hunter2",
    "login(password='p,ss;hunter2', user=1)": "hunter2",
    r'{"password": "a\"b hunter2"}': "hunter2",
    f"client_secret={'a' * 600}hunter2": "hunter2",
    json.dumps({"body": json.dumps({"password": 'a "b" hunter2'})}): "hunter2",
    json.dumps({"a": json.dumps({"b": json.dumps({"token": "a b hunter2"})})}): "hunter2",
    "os.environ['API_KEY'] = 'hunter2'": "hunter2",
    "{b'password': b'x hunter2'}": "hunter2",
    "f(token=Secret('x hunter2'))": "hunter2",
    "api_keys: ['a', 'hunter2']": "hunter2",
    '{"credentials": {"user": "hunter2"}}': "hunter2",
    "requests.get(auth=('alice', 'hunter2'))": "hunter2",
    "\u0130\u0130\u0130 password=hunter2": "hunter2",
    f"x-eyJ{'a' * 20}.hunter2.c": "hunter2",
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
        "https://host:80/@x",
        "from ams_reference_server.problems import Problem",
        "basic understanding of things: a, b",
        "password=None, token: null, has_secret=true",
        'password=""',
        "password:\nnew line",
        "session_id=12, monkey: banana, opinion: good",
        "eyJ-eyJ-eyJ-: and no dot.",
        *("basic JavaScript", "Basic HTML/CSS", "basic PostgreSQL", "BASIC PROGRAMMING", "the bearer OpenTelemetry2"),
        *("cookies: add flour and bake", "a cookie: a piece of cake", "PASS: tests/test_a.sh", "pass=3 fail=1"),
        *(
            'getattr(one, "token", "none")',
            '["token", "user"]',
            "http://host:80/users/@me",
            "postgres://ann@h:5432/a:b@c",
        ),
        "1 error for Login\nuser\n  Too short [type=string_too_short, input_value='ann', input_type=str]",
        'form-data; name="city"\r\n\r\nOslo',
    ],
)
def test_ordinary_text_stays(text):
    assert redact_text(text) == text


@given(st.text(), st.text(alphabet=string.ascii_letters + string.digits, min_size=20, max_size=60), st.text())
def test_a_key_of_this_platform_never_survives(before, secret, after):
    assert f"ams_{secret}" not in redact_text(f"{before} ams_{secret} {after}")


def test_what_stands_around_a_secret_stays():
    assert redact_text('{"a": 1, "password": "x y", "b": 2}') == f'{{"a": 1, "password": "{REDACTED}", "b": 2}}'
    assert redact_text("?token=abc&page=2") == f"?token={REDACTED}&page=2"
    text = json.dumps({"body": json.dumps({"password": 'a "b"', "user": "alice"})})
    assert json.loads(json.loads(redact_text(text))["body"]) == {"password": REDACTED, "user": "alice"}


@given(st.text(), st.dictionaries(st.text(), st.text()), st.integers(0, 3))
def test_a_password_in_json_never_survives_however_often_it_is_escaped(before, more, times):
    text: object = {"before": before, "password": "q hunter2 q", **{f"_{name}": item for name, item in more.items()}}
    for _ in range(times + 1):
        text = json.dumps(text, ensure_ascii=False)
    assert "hunter2" not in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        *("key sk-abcd", "postgresql://alice:hunter2", "it is eyJhbGci", "Bearer abc", "AKIAIOSFO", "ghp_a"),
        "password='hunter",
    ],
)
def test_the_rest_of_a_secret_that_was_cut_is_masked(text):
    masked = redact_cut_text(text)
    assert masked.endswith(REDACTED)
    assert masked != text


def test_a_cut_text_without_a_secret_stays():
    assert redact_cut_text("an ordinary sentence that goes") == "an ordinary sentence that goes"


# What each pattern begins with, what it repeats, and what makes it fail late.
SEEDS = [
    *("eyJ-", "eyJ", "eyJaaaaaaaa.", "_eyJaaaaaaaaa", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "-----END "),
    *(
        "-----BEGIN A PRIVATE KEY-----x-",
        "bearer ",
        "bearer  a",
        "basic ",
        "basic a",
        "basic aA",
        "sk-",
        "sk-a",
        "ams_",
    ),
    *("ghp_", "gh", "AKIA", "AKIAIOSFODNN7EXAMPLE", "AIza", "://", "://a:", "://a:b", "://a:@", "a@", "authorization:"),
    *("authorization: a", 'cookie: a="', 'cookie: ="a', "cookie ", "key", "api_key", "pin", "password", "password "),
    *(
        "password\t",
        "password1",
        "password=",
        "password='",
        'password="\\',
        "password='''",
        'token=\\\\\\"',
        'token\\\\"',
    ),
    *("token=\\\\'x\\'", "secret=[", "secret={", "secret=(", "secret=b'", "secret=a.(", "secret=aaaaaaaa", "secrets_"),
    *(
        "sk-a1",
        "sk_live_",
        "github_pat_",
        "glpat-",
        "glpat-a.",
        "xoxb-",
        "xoxb-1",
        "hf_",
        "lsv2_pt_",
        "pcsk_aaaa",
        "pcsk_aaaa_",
    ),
    *(
        "tvly-",
        "tvly-aa-",
        "dapi",
        "dapi0",
        "dop_v1_",
        "pypi-AgE",
        "SG.",
        "SG.aaaaaaaaaaaaaaaa.",
        "SK0",
        "SK",
        "ATATT3",
        "ya29.",
    ),
    *(
        "hooks.slack.com/",
        "hooks.slack.com/services/",
        "/api/webhooks/",
        "/api/webhooks/1",
        "&sig=",
        "-Signature=",
        "whsec_",
    ),
    *(
        "4111",
        "4111 ",
        "4111-1111",
        "4",
        "0",
        "1.4111111111111111 ",
        "4111111111111111",
        ":AA",
        "12345678:AA",
        ".aaaaaa.",
    ),
    *(
        "Maaaaaaaaaaaaaaaaaaaaaaa.aaaaaa.",
        "a" * 20 + "-",
        "a" * 20 + " ",
        "aaaaaaaaa_",
        "password: str =",
        "secret:str|none=",
    ),
    *("password=self.", "password=$A", "password={{", "Bearer a-", "bearer aaaaaaaa ", "Basic Aa"),
    *(
        "\\n",
        "\\u0020",
        "\\u",
        "\\\\",
        "%20",
        "%",
        "%3A%2F",
        ":\\/",
        "\x1b[",
        "\x1b[0m",
        "Bearer%20",
        "\\npassword=",
        "\\n4111",
    ),
    *(
        'password","',
        'value": "',
        'value": "a", "name": "',
        'password", "value": "',
        'password" value="',
        "password\n  value: ",
        "password\n  [type=",
        "password\n  x [type=a, input_value=",
        "<password>",
        "<password a",
        "password>a",
    ),
    *(
        'form-data; name="',
        'form-data; name="password"\n\n',
        'form-data; name="a"\nContent-',
        "-----END A PRIVATE KEY-----",
        "-----END ",
        "A" * 20 + "-----END PRIVATE KEY-----",
        "netloc=",
        "netloc=a:",
    ),
    *(
        "password: |\n  ",
        "password: |\n  a\n",
        'password="""',
        "pwd={",
        "pwd={a}",
        "://a:b/",
        "://a:/@",
        "pass",
        "pass: ",
        "cookie:a",
        "cookie: a=",
    ),
    *(
        "Signature=",
        "&key=",
        "?key=a",
        "xoxd-",
        "secret_",
        "sb_secret_",
        "1//0",
        "ATBBa",
        "&#61;",
        "&quot;",
        "&amp;password",
        "Bearer Aaaa",
        "Basic YTph",
    ),
    *("password\\", "password'", "sessionid", "tokens", "=:-_.", "\\", "'", " ", "a", "\u0130", ""),
]


def seconds(text):
    def once():
        # Of this thread on the processor: what others do on a busy machine does not count.
        begin = time.thread_time()
        redact_cut_text(text)
        return time.thread_time() - begin

    return min(once() for _ in range(5))


@pytest.mark.parametrize("start", ["", "password='", "password=\\'", "://a:", "-----BEGIN PRIVATE KEY-----", "eyJ"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_time_grows_with_the_text_and_not_with_its_square(start, seed):
    # Four times the text may take four times as long, and sixteen if it were quadratic. A busy machine can make any one
    # measurement wrong, hence the repetitions; the short text is long enough for constant costs not to count.
    def growth(size):
        short, long = (start + (seed * length)[:length] + " =:-_.@" for length in (size, 4 * size))
        return seconds(long) / seconds(short)

    assert any(growth(size) < 9 for size in [8_192] * 10)
