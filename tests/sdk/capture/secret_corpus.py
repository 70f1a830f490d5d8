"""Texts with secrets and without, for what redaction finds and what it leaves alone.

Every secret is made up, and put together here from parts: no file holds anything that looks like one. What has none is
in ``corpus/*.txt``, a text a line.
"""

from __future__ import annotations

import base64
import json
import random
import string
from functools import cache
from pathlib import Path
from typing import NamedTuple

LOWER_HEX = "0123456789abcdef"
ALNUM = string.ascii_letters + string.digits
WORD = ALNUM + "-_"
_random = random.Random(20261)  # noqa: S311 -- the same texts every time


def some(alphabet, length):
    return "".join(_random.choice(alphabet) for _ in range(length))


class Positive(NamedTuple):
    kind: str
    text: str
    secret: str


def _with_check_digit(digits):
    for last in "0123456789":
        number = [int(one) for one in digits + last]
        doubled = sum(sum(divmod(2 * one, 10)) for one in number[-2::-2])
        if (sum(number[-1::-2]) + doubled) % 10 == 0:
            return digits + last
    raise AssertionError(digits)


def _card(start, length):
    return _with_check_digit(start + some(string.digits, length - len(start) - 1))


def _jwt():
    head, body = (
        {"alg": "HS256", "typ": "JWT"},
        {"sub": some(string.digits, 6), "name": some(string.ascii_letters, 8)},
    )
    parts = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in (head, body)]
    return ".".join([*parts, some(WORD, 43)])


def _pem(kind):
    lines = "\n".join(some(ALNUM + "+/", 64) for _ in range(3))
    dashes = "-" * 5
    return f"{dashes}BEGIN {kind}PRIVATE KEY{dashes}\n{lines}\n{dashes}END {kind}PRIVATE KEY{dashes}"


# By the issuer, from the shape that it publishes.
KEYS = {
    "this platform": lambda: "ams" + "_" + some(string.ascii_lowercase, 8) + "_" + some(ALNUM, 43),
    "OpenAI": lambda: "sk" + "-" + some(ALNUM, 48),
    "OpenAI, project": lambda: "sk" + "-proj-" + some(WORD, 80),
    "OpenAI, service account": lambda: "sk" + "-svcacct-" + some(WORD, 80),
    "Anthropic": lambda: "sk" + "-ant-api03-" + some(WORD, 93) + "AA",
    "OpenRouter": lambda: "sk" + "-or-v1-" + some(LOWER_HEX, 64),
    "DeepSeek": lambda: "sk" + "-" + some(LOWER_HEX, 32),
    "Google": lambda: "AI" + "za" + "Sy" + some(WORD, 33),
    "Google, OAuth secret": lambda: "GOC" + "SPX-" + some(WORD, 28),
    "Google, OAuth token": lambda: "ya" + "29." + some(WORD, 100),
    "AWS": lambda: "AK" + "IA" + some(string.ascii_uppercase + "234567", 16),
    "AWS, temporary": lambda: "AS" + "IA" + some(string.ascii_uppercase + "234567", 16),
    "GitHub": lambda: "gh" + "p_" + some(ALNUM, 36),
    "GitHub, OAuth": lambda: "gh" + "o_" + some(ALNUM, 36),
    "GitHub, user to server": lambda: "gh" + "u_" + some(ALNUM, 36),
    "GitHub, app": lambda: "gh" + "s_" + some(ALNUM, 36),
    "GitHub, refresh": lambda: "gh" + "r_" + some(ALNUM, 76),
    "GitHub, fine-grained": lambda: "github" + "_pat_" + some(ALNUM, 22) + "_" + some(ALNUM, 59),
    "GitLab": lambda: "gl" + "pat-" + some(WORD, 20),
    "GitLab, routable": lambda: "gl" + "pat-" + some(WORD, 27) + ".01." + some(LOWER_HEX, 9),
    "GitLab, runner": lambda: "gl" + "rt-" + some(WORD, 20),
    "Slack, bot": lambda: (
        "xox" + "b-" + some(string.digits, 12) + "-" + some(string.digits, 12) + "-" + some(ALNUM, 24)
    ),
    "Slack, user": lambda: (
        "xox" + "p-" + some(string.digits, 12) + "-" + some(string.digits, 12) + "-" + some(ALNUM, 32)
    ),
    "Slack, app": lambda: "xa" + "pp-1-A" + some(ALNUM, 10) + "-" + some(string.digits, 13) + "-" + some(LOWER_HEX, 64),
    "Stripe": lambda: "sk" + "_live_" + some(ALNUM, 24),
    "Stripe, test": lambda: "sk" + "_test_" + some(ALNUM, 99),
    "Stripe, restricted": lambda: "rk" + "_live_" + some(ALNUM, 24),
    "Stripe, webhook": lambda: "wh" + "sec_" + some(ALNUM, 32),
    "Hugging Face": lambda: "hf" + "_" + some(string.ascii_letters, 34),
    "Groq": lambda: "gs" + "k_" + some(ALNUM, 52),
    "xAI": lambda: "xa" + "i-" + some(ALNUM, 80),
    "Perplexity": lambda: "pp" + "lx-" + some(ALNUM, 48),
    "Replicate": lambda: "r" + "8_" + some(ALNUM, 37),
    "NVIDIA": lambda: "nv" + "api-" + some(WORD, 64),
    "Databricks": lambda: "da" + "pi" + some(LOWER_HEX, 32),
    "npm": lambda: "np" + "m_" + some(ALNUM, 36),
    "PyPI": lambda: "py" + "pi-AgE" + some(WORD, 150),
    "SendGrid": lambda: "S" + "G." + some(WORD, 22) + "." + some(WORD, 43),
    "Twilio": lambda: "S" + "K" + some(LOWER_HEX, 32),
    "LangSmith": lambda: "ls" + "v2_pt_" + some(LOWER_HEX, 32) + "_" + some(LOWER_HEX, 10),
    "Langfuse": lambda: "sk" + "-lf-" + "-".join(some(LOWER_HEX, size) for size in (8, 4, 4, 4, 12)),
    "Langfuse, public": lambda: "pk" + "-lf-" + "-".join(some(LOWER_HEX, size) for size in (8, 4, 4, 4, 12)),
    "Pinecone": lambda: "pc" + "sk_" + some(ALNUM, 6) + "_" + some(ALNUM, 63),
    "Tavily": lambda: "tv" + "ly-dev-" + some(ALNUM, 32),
    "DigitalOcean": lambda: "do" + "p_v1_" + some(LOWER_HEX, 64),
    "Shopify": lambda: "sh" + "pat_" + some(LOWER_HEX, 32),
    "Notion": lambda: "nt" + "n_" + some(ALNUM, 46),
    "Linear": lambda: "lin" + "_api_" + some(ALNUM, 40),
    "Vault": lambda: "hv" + "s." + some(WORD, 90),
    "Grafana": lambda: "gl" + "sa_" + some(ALNUM, 32) + "_" + some(LOWER_HEX, 8),
    "Supabase": lambda: "sb" + "p_" + some(LOWER_HEX, 40),
    "Atlassian": lambda: "ATA" + "TT3xFfGF0" + some(WORD, 80) + "=" + some(ALNUM, 8),
    "GitLab, incoming mail": lambda: "gl" + "imt-" + some(WORD, 25),
    "GitLab, agent": lambda: "gl" + "agent-" + some(WORD, 50),
    "GitLab, OAuth secret": lambda: "gl" + "oas-" + some(LOWER_HEX, 64),
    "Slack, cookie": lambda: "xo" + "xd-" + some(ALNUM, 30) + "%2B" + some(ALNUM, 40) + "%3D",
    "Slack, workflow": lambda: "xw" + "fp-" + some(string.digits, 12) + "-" + some(ALNUM, 48),
    "Stripe, organization": lambda: "sk" + "_org_live_" + some(ALNUM, 99),
    "Hugging Face, organization": lambda: "api" + "_org_" + some(string.ascii_letters, 34),
    "Grafana, cloud": lambda: "gl" + "c_" + some(ALNUM, 120) + "==",
    "Supabase, secret": lambda: "sb" + "_secret_" + some(WORD, 22) + "_" + some(ALNUM, 8),
    "Notion, old": lambda: "sec" + "ret_" + some(ALNUM, 43),
    "Linear, OAuth": lambda: "lin" + "_oauth_" + some(LOWER_HEX, 64),
    "Vault, batch": lambda: "hv" + "b." + some(WORD, 140),
    "Atlassian, repository": lambda: "ATC" + "TT3xFfGN0" + some(WORD, 170) + "=" + some(LOWER_HEX.upper(), 8),
    "Bitbucket": lambda: "AT" + "BB" + some(ALNUM, 31) + "7",
    "LangSmith, old": lambda: "ls" + "__" + some(LOWER_HEX, 32),
    "Databricks, OAuth secret": lambda: "do" + "se" + some(LOWER_HEX, 32),
    "Shopify, user": lambda: "sh" + "pua_" + some(LOWER_HEX, 32),
    "Google, refresh": lambda: "1/" + "/0" + some(WORD, 100),
    "Telegram": lambda: some("123456789", 10) + ":A" + "A" + some(WORD, 33),
    "Discord": lambda: "M" + some(ALNUM, 23) + "." + some(WORD, 6) + "." + some(WORD, 38),
}
# "{}" is the secret.
AROUND_A_KEY = (
    "use {} for this",
    "curl -u {}: https://api.example.com/v1",
    '[{{"role":"user","content":"my key: {}"}}]',
)

NAMED = (
    *("password={}", "PASSWORD={}", "db_password: {}", "DB_PASS={}", "PGPASSWORD={} psql -h db", "passphrase = '{}'"),
    *(
        '{{"password": "{}"}}',
        '{{"apiKey":"{}","model":"gpt-4o"}}',
        "{{'api_key': '{}'}}",
        "api-key: {}",
        "X-Api-Key: {}",
    ),
    *(
        "login(user='a', password='{}')",
        'client_secret="{}"',
        "SECRET_KEY = '{}'",
        "secret: {}",
        "aws_secret_access_key={}",
    ),
    *("https://api.example.com/v1?api_key={}&page=2", "https://example.com/cb#access_token={}", "?token={}&x=1"),
    *("refresh_token={}", '{{"id_token": "{}"}}', "AccountKey={};EndpointSuffix=core.windows.net", "pwd={};Database=x"),
    *(
        "os.environ['API_KEY'] = '{}'",
        "export OPENAI_API_KEY={}",
        "private_key: {}",
        "session_token: {}",
        "csrf_token={}",
    ),
    *(
        'password: str = "{}"',
        "pin: {}",
        "userPassword={}",
        "jwt={}",
        "JSESSIONID={}",
        "encryption_key={}",
        "webhook_key: {}",
    ),
    *("SharedAccessKey={}", "ssh_key={}", "credentials: {}", "Ocp-Apim-Subscription-Key: {}", "openai_key={}"),
    '{{\\"password\\": \\"{}\\"}}',
    # another one, where it is of use, and in what form
    *("password_confirm={}", "passwordConfirm: {}", "password_repeat={}", "password_new={}", "password_old={}"),
    *("DB_PASSWORD_PROD={}", "OPENAI_API_KEY_DEV={}", "api_key_prod: {}", "SECRET_KEY_BASE={}", "secret_id={}"),
    *("private_key_pem: {}", "user=u pass={}", "user: u\n  pass: {}", '{{"pass": "{}"}}', "pass_={}", "DBPASS={}"),
    *(
        "dbPass={}",
        "userpass={}",
        "pin_code: {}",
        "auth_code={}",
        "?authorization_code={}",
        "creds={}",
        "client_key={}",
    ),
    *("consumer_key={}", "app_key={}", "SUPABASE_SERVICE_ROLE_KEY={}", "cohere_key={}", "sessionid={}; path=/"),
    # near its name
    *('[{{"name": "DB_PASSWORD", "value": "{}"}}] and more', "env:\n- name: DB_PASSWORD\n  value: {}\n"),
    *("{{'key': 'api_key', 'value': '{}'}}", "[('cookie', 'sid={}')]", '["mysql","--password","{}"]'),
    *("<password>{}</password>", '<add key="ApiKey" value="{}"/>', '<db:password encrypted="no">{}</db:password>'),
    'Content-Disposition: form-data; name="password"\r\n\r\n{}\r\n--b',
    'Content-Disposition: form-data; name=\\"token\\"\\r\\n\\r\\n{}\\r\\n--b',
    *("Pwd={{a;b}}{}", 'password = """\n{}"""', "password: |\n  {}\nuser: x", "token: >-\n    a\n    {}\n  user: x"),
    *("password:\u00a0{}", "password&#61;{}", "password=&#61;{}", "&quot;password&quot;:&quot;{}&quot;"),
    "1 error for Login\npassword\n  Too short [type=string_too_short, input_value='{}', input_type=str]",
    r"1 error for Login\npassword\n  Too short [type=string_too_short, input_value='{}', input_type=str]\n",
)
# JSON that has to be read to see the secret, or to mask all of it.
READ_AS_JSON = (
    *(
        '{{"headers": [["x-api-key", "{}"], ["accept", "*/*"]]}}',
        '{{"password":\n  "{}"}}',
        '{{"pass\\u0077ord": "{}"}}',
    ),
    *(
        '{{"user[password]": "{}"}}',
        '{{"credentials": {{"db": {{"user": "u"}}, "api": "{}"}}}}',
        '{{"a":1e999,"pin":"{}"}}',
    ),
    *('{{"name": "DB_PASSWORD", "value": "{}"}}', '[{{"value": "{}", "name": "DB_PASSWORD"}}]'),
    '{{"properties": {{"password": {{"type": "string", "default": "{}"}}}}}}',
    r'{{"body": "{{\"headers\": [[\"x-api-key\", \"{}\"]]}}"}}',
)
AUTHORIZATION = (
    *(
        "Authorization: Bearer {}",
        "authorization: bearer {}",
        "Authorization: Basic {}",
        "Bearer {}",
        "auth Basic {} sent",
    ),
    *(
        "Cookie: sid={}; theme=dark",
        "Set-Cookie: session={}; HttpOnly",
        "Authorization: Token {}",
        "-H 'Authorization: {}'",
    ),
    '{{"authorization": "Bearer {}"}}',
    "Proxy-Authorization: Basic {}",
)
URLS = (
    *(
        "postgresql://app:{}@db.internal:5432/prod",
        "redis://:{}@cache:6379/0",
        "mongodb+srv://u:{}@cluster0.example.net/db",
    ),
    *("https://user:{}@example.com/private", "amqp://guest:{}@mq//", "mysql+pymysql://root:{}@127.0.0.1/x"),
    *(r'{{"url":"postgres:\/\/u:{}@h\/db"}}', r"the url is\nredis://u:{}@h", "/go?to=redis%3A%2F%2Fu:{}@h"),
    *(
        "smtp://mailer:{}@smtp.example.com:587",
        "git clone https://oauth2:{}@git.example.com/a/b.git",
        "ftp://a:{}@host",
    ),
    *("postgres://u:a/{}@h", "https://0a1b2c3d4e5f0a1b2c3d4e5f{}@github.com/x.git", '{{"netloc":"ann:{}@h"}}'),
    "SplitResult(scheme='postgres', netloc='ann:{}@h', path='/')",
)
# What stands before a secret in a text that was written by json, by repr, by a terminal or in an address.
ESCAPES = (
    *(r"the key is\n{}", r"the key is\t{}", r"the key is\r\n{}", r"b'the key is\xa0{}'", r"the key is\u0020{}"),
    *(
        r"the key is\\n{}",
        "the key is \x1b[32m{}\x1b[0m",
        r"the key is \u001b[1;32m{}\u001b[0m",
        r"the key is \033[32m{}",
    ),
    *("/search?q=the%20key%20{}", "/search?q=it%3A{}%0A", '{{"text": "the key is\\n{}"}}', r"the key is\f{}"),
)
SIGNED = {
    "https://" + "hooks.slack.com/services/T{a}/B{a}/{secret}": 24,
    "https://" + "discord.com/api/webhooks/123456789012345678/{secret}": 68,
    "https://x.blob.core.windows.net/c/f?sv=2024-01-01&sig={secret}": 44,
    "https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature={secret}": 64,
    "https://storage.googleapis.com/b/o?X-Goog-Signature={secret}": 128,
    "https://d1.cloudfront.net/f?Expires=1&Signature={secret}&Key-Pair-Id=K2": 340,
    "https://b.s3.amazonaws.com/k?AWSAccessKeyId=K&Expires=1&Signature={secret}": 28,
    "https://maps.googleapis.com/maps/api/js?key={secret}&v=3": 39,
}
CARDS = (
    *(("4", 16), ("4", 19), ("4", 13), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15)),
    *(
        ("6011", 16),
        ("645", 16),
        ("65", 16),
        ("36", 14),
        ("38", 14),
        ("3528", 16),
        ("3589", 16),
        ("62", 16),
        ("6759", 16),
    ),
)


@cache
def positives():
    """Texts that hold a secret, with the secret and with what gives it away."""
    found = []
    for make in KEYS.values():
        for around in AROUND_A_KEY[: 2 if make is not KEYS["OpenAI"] else 3]:
            key = make()
            found.append(Positive("key", around.format(key), key))
    for around in ESCAPES:
        found += [
            Positive("key", around.format(key), key) for make in ("OpenAI, project", "AWS") for key in [KEYS[make]()]
        ]
        found.append(Positive("card", around.format(card := _card("4", 16)), card))
        found.append(Positive("authorization", around.format(f"Bearer {(token := some(ALNUM, 30))}"), token))
    for text, length in SIGNED.items():
        secret = some(LOWER_HEX, length)
        found.append(Positive("key", text.format(secret=secret, a=some(ALNUM.upper(), 9)), secret))
    found += [Positive("name", text.format(secret), secret) for text in NAMED for secret in [some(ALNUM, 14)]]
    found += [Positive("name", text.format(secret), secret) for text in READ_AS_JSON for secret in [some(ALNUM, 14)]]
    found += [Positive("card", f'{{"card": {card}}}', card) for card in [_card("4", 16), _card("37", 15)]]
    for text in AUTHORIZATION:
        secret = base64.b64encode(f"{some(ALNUM, 6)}:{some(ALNUM, 8)}".encode()).decode()
        found.append(Positive("authorization", text.format(secret), secret))
    found += [Positive("url", text.format(secret), secret) for text in URLS for secret in [some(ALNUM, 12)]]
    for text in ("it is {}", "?id={}&x=1", '{{"data":"{}"}}', "eyes on {} now", "x-{}"):
        token = _jwt()
        found.append(Positive("jwt", text.format(token), token.split(".")[2]))
    for kind in ("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", "DSA "):
        block = _pem(kind)
        found.append(Positive("pem", f"key:\n{block}\nend", block.splitlines()[2]))
        found.append(Positive("pem", json.dumps({"key file": block}), block.splitlines()[2]))
        found.append(Positive("pem", block.split("\n", 1)[1], block.splitlines()[2]))
    for number, (start, length) in enumerate(CARDS):
        card = _card(start, length)
        groups = (
            [card[:4], card[4:10], card[10:]] if length == 15 else [card[at : at + 4] for at in range(0, length, 4)]
        )
        shown = card if number % 3 == 0 or length in {13, 14} else " -"[number % 2].join(groups)
        found.append(Positive("card", f"pay with {shown}, please", shown))
    return found


def is_read_as_json(positive):
    return any(text.format(positive.secret) == positive.text for text in READ_AS_JSON)


@cache
def negatives():
    """Texts of every kind that hold none."""
    lines = []
    for file in sorted((Path(__file__).parent / "corpus").glob("*.txt")):
        lines += [line.replace("\\n", "\n") for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return lines + _made_up()


def _made_up():
    """What is long and looks like chance."""
    image = base64.b64encode(bytes(range(200)) * 3).decode()
    uuid = "-".join
    return [
        *(f"request {uuid(some(LOWER_HEX, size) for size in (8, 4, 4, 4, 12))} done" for _ in range(12)),
        *(f"commit {some(LOWER_HEX, 40)}" for _ in range(8)),
        *(f"sha256:{some(LOWER_HEX, 64)}" for _ in range(6)),
        *(f"etag {some(LOWER_HEX, 32)}" for _ in range(4)),
        *(f"trace {some(LOWER_HEX, 32)} span {some(LOWER_HEX, 16)}" for _ in range(6)),
        *(f"1{some(string.digits, 12)} is a moment in milliseconds" for _ in range(6)),
        *(f"17{some(string.digits, 17)} is one in nanoseconds" for _ in range(6)),
        *(f"https://x.example/status/1{some(string.digits, 18)}" for _ in range(6)),
        *(f"0.{some(string.digits, 16)}, -0.{some(string.digits, 17)}" for _ in range(6)),
        *(f"order no. {some(string.digits, 10)} of {some(string.digits, 8)}" for _ in range(6)),
        f"data:image/png;base64,{image}",
        f'<img src="data:image/gif;base64,{image[:120]}">',
        f"integrity sha512-{image[:86]}==",
        f"npm sha1-{image[:27]}=",
    ]
