"""Tokens forged by somebody who even has the key, over a real port: each is 401, and none makes the server connect."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from contextlib import closing

import httpx
import pytest

SECRET = "0123456789abcdef" * 2
KEY = SECRET.encode()
BODY = {"email": "ada@example.org", "password": "Correct-horse-7"}


def encoded(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def signed(header, claims, secret=KEY, digest=hashlib.sha256):
    said = f"{header if isinstance(header, str) else encoded(header)}.{encoded(claims)}"
    return f"{said}.{encoded(hmac.digest(secret, said.encode(), digest))}"


@pytest.fixture
def trap():
    """A port that the tokens name; whoever connects to it shows that a token was believed."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield listener


def forged(token, trap):
    """Every one is signed with the server's key, but for those that say so in their name."""
    header_text, claims_text, signature = token.split(".")
    header, claims = decoded(header_text), decoded(claims_text)
    url = f"http://127.0.0.1:{trap.getsockname()[1]}/key"
    headers = {
        "jku": header | {"jku": url},
        "x5u": header | {"x5u": url},
        "kid is a url": header | {"kid": url},
        "kid is a path": header | {"kid": "/dev/null"},
        "jwk": header | {"jwk": {"kty": "oct", "k": encoded(SECRET.encode())}},
        "crit": header | {"crit": ["exp"]},
        "none": header | {"alg": "none"},
        "HS512": header | {"alg": "HS512"},
        "no kid": {"alg": "HS256", "typ": "JWT"},
        "alg twice": b'{"alg":"none",' + json.dumps(header).encode()[1:],
    }
    made = {name: signed(one, claims) for name, one in headers.items()}
    changes = {
        "exp as text": {"exp": str(claims["exp"])},
        "exp as fraction": {"exp": claims["exp"] + 0.5},
        "exp without end": {"exp": 10**400},
        "iat to come": {"iat": claims["exp"] - 1},
        "other audience": {"aud": ["ams"]},
        "sub is an object": {"sub": {"$ne": None}},
        "sub is somebody": {"sub": "00000000-0000-4000-8000-000000000000"},
        "admin": {"admin": True},
        "huge": {"x": "y" * 3500},
        "nested": {"x": json.loads("[" * 500 + "]" * 500)},
    }
    made |= {name: signed(header_text, claims | change) for name, change in changes.items()}
    bare = signed(header_text, claims)
    return made | {
        "another key": signed(header_text, claims, b"another key" * 3),
        "no signature": f"{header_text}.{claims_text}.",
        "padded": f"{token}=",
        "padded parts": ".".join(part + "==" for part in token.split(".")),
        "aliased end": token[:-1] + chr(ord(token[-1]) + 1),
        "four parts": f"{token}.{signature}",
        "in standard base64": bare.replace("-", "+").replace("_", "/") + "+",
        "blank inside": f"{header_text}. {claims_text}.{signature}",
        "twice": f"{token},{token}",
        "long": token + "A" * 5000,
    }


def test_every_forged_token_is_an_invalid_token_and_nobody_is_asked(environ, server_process, trap):
    with server_process(environ | {"AMS_SECRET_KEY": SECRET}) as server, httpx.Client(base_url=server.url) as client:
        assert client.post("/api/auth/register", json=BODY).status_code == 201
        token = client.post("/api/auth/login", json=BODY).json()["access_token"]
        header, claims = token.split(".")[0], decoded(token.split(".")[1])

        def answer(bearer):
            refused = client.get("/api/users/me", headers={"Authorization": f"Bearer {bearer}"})
            return refused.status_code, refused.json().get("code")

        assert answer(token)[0] == answer(signed(header, claims))[0] == 200  # the forger can do it right
        over = signed(header, claims | {"iat": claims["iat"] - 90_000, "exp": claims["iat"] - 60_000})
        assert answer(over) == (401, "token_expired")
        answers = {name: answer(bearer) for name, bearer in forged(token, trap).items()}
        assert answers == dict.fromkeys(answers, (401, "invalid_token"))
        assert client.get("/api/users/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        code, _, err = server.end(15)
        assert (code, err) == (0, "")
    trap.setblocking(False)  # noqa: FBT003 -- the socket's own signature
    with pytest.raises(BlockingIOError):
        trap.accept()


@pytest.mark.slow
def test_a_key_is_replaced_without_logging_anybody_out(environ, server_process):
    newer = "fedcba9876543210" * 2

    def me(server, bearer):
        return httpx.get(f"{server.url}/api/users/me", headers={"Authorization": f"Bearer {bearer}"}).status_code

    with server_process(environ | {"AMS_SECRET_KEY": SECRET}) as server:
        httpx.post(f"{server.url}/api/auth/register", json=BODY)
        old = httpx.post(f"{server.url}/api/auth/login", json=BODY).json()["access_token"]
    with server_process(environ | {"AMS_SECRET_KEY": newer, "AMS_SECRET_KEY_PREVIOUS": SECRET}) as server:
        new = httpx.post(f"{server.url}/api/auth/login", json=BODY).json()["access_token"]
        assert (me(server, old), me(server, new)) == (200, 200)
        gone = {"Authorization": f"Bearer {old}"}
        assert httpx.post(f"{server.url}/api/auth/logout", headers=gone).status_code == 204
        assert (me(server, old), me(server, new)) == (401, 200)
    with server_process(environ | {"AMS_SECRET_KEY": newer}) as server:
        assert (me(server, old), me(server, new)) == (401, 200)
