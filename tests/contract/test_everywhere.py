from __future__ import annotations

import gzip
import json
import re
import socket
from urllib.parse import urlsplit

import pytest

REGISTER = "/api/auth/register"


def is_problem(response, status, code):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["request_id"] == response.headers["x-request-id"]
    assert {"type", "title", "detail"} <= problem.keys()
    return problem


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/nope"),
        ("GET", "/api"),
        ("GET", "/api/nope"),
        ("DELETE", "/api/users/me"),
        ("GET", "/api/users/me"),
        ("POST", "/api/auth/logout"),
        ("GET", "/api/auth/login/"),
        ("GET", "/api//auth/login"),
        ("GET", "/api/agents"),
        ("GET", "/api/agents/some"),
        ("GET", "/api/traces"),
        ("GET", "/api/traces/" + "a" * 32),
        ("OPTIONS", "/api/agents"),
        ("BREW", "/api/agents"),
    ],
)
def test_a_path_is_denied_without_a_credential_whether_it_exists_or_not(client, method, path):
    response = client.request(method, path)
    is_problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == 'Bearer realm="ams"'


@pytest.mark.parametrize(
    "credential", ["Bearer x", "Bearer", "Bearer a.b.c", "bearer \u00e4".encode("latin-1"), "Bearer " + "a" * 9000]
)
def test_a_credential_that_is_none_is_an_invalid_token(client, credential):
    response = client.get("/api/nope", headers={"Authorization": credential})
    is_problem(response, 401, "invalid_token")
    assert response.headers["www-authenticate"] == 'Bearer realm="ams", error="invalid_token"'


def test_another_scheme_is_no_credential(client):
    is_problem(client.get("/api/users/me", auth=("ada", "secret")), 401, "unauthenticated")


def test_two_credentials_are_an_invalid_token(account):
    token = account.headers["authorization"]
    response = account.get("/api/users/me", headers=[("Authorization", token), ("Authorization", token)])
    is_problem(response, 401, "invalid_token")


def test_the_scheme_may_be_spelled_in_any_case(account):
    account.headers["authorization"] = account.headers["authorization"].replace("Bearer", "bEARER")
    assert account.get("/api/users/me").status_code == 200


@pytest.mark.parametrize("path", ["/nope", "/api/nope", "/api/agents/", "/api/users/me/"])
def test_an_unknown_path_is_404_and_no_redirect(account, path):
    is_problem(account.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/users/me", {"GET", "HEAD"}),
        ("OPTIONS", "/api/agents", {"GET", "HEAD", "POST"}),
        ("BREW", "/api/agents", {"GET", "HEAD", "POST"}),
        ("GET", REGISTER, {"POST"}),
        ("PUT", "/health/live", {"GET", "HEAD"}),
    ],
)
def test_an_unknown_method_is_405_with_those_that_are_allowed(account, method, path, allowed):
    response = account.request(method, path)
    is_problem(response, 405, "method_not_allowed")
    assert set(response.headers["allow"].split(", ")) == allowed


def test_head_answers_like_get_without_a_body(account):
    head, get = account.head("/api/users/me"), account.get("/api/users/me")
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("sent", ["a", "Run-7_x.y", "A" * 128])
def test_the_callers_request_id_comes_back(client, sent):
    assert client.get("/health/live", headers={"X-Request-ID": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "a" * 129, "a;b", "\u00e4".encode()])
def test_another_request_id_is_replaced(client, sent):
    response = client.get("/health/live", headers={"X-Request-ID": sent})
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", response.headers["x-request-id"])
    assert response.headers.get_list("x-request-id") != [sent]


def test_every_answer_forbids_sniffing_and_answers_of_the_api_forbid_storing(client, account):
    for response in (client.get("/health/live"), client.get("/nope"), account.get("/api/nope")):
        assert response.headers["x-content-type-options"] == "nosniff"
    for response in (client.get("/api/nope"), account.get("/api/users/me"), client.post(REGISTER, json={})):
        assert response.headers["cache-control"] == "no-store"


def test_no_other_origin_is_let_in(account):
    response = account.get("/api/users/me", headers={"Origin": "https://elsewhere.example"})
    assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        '{"email": "\u00e4"}'.encode("utf-16"),
        '{"email": "\u00e4"}'.encode("latin-1"),
        b'{"email": NaN}',
        b"[" * 60_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"[" * 200 + b"]" * 200,
        b"9" * 5000,
    ],
)
def test_a_body_that_is_not_json_is_malformed(client, body):
    is_problem(client.post(REGISTER, content=body, headers={"Content-Type": "application/json"}), 400, "malformed")


@pytest.mark.parametrize("body", [None, [], "text", 7, True, {}, {"email": 1, "password": None}])
def test_json_of_another_shape_breaks_the_rules(client, body):
    response = client.post(REGISTER, content=json.dumps(body), headers={"Content-Type": "application/json"})
    problem = is_problem(response, 422, "validation")
    assert problem["errors"]
    assert all({"field", "code", "message"} <= error.keys() for error in problem["errors"])


def test_an_unknown_field_is_named(client):
    body = {"email": "ada@example.org", "password": "Correct-horse-7", "pasword": "x"}
    problem = is_problem(client.post(REGISTER, json=body), 422, "validation")
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [("pasword", "extra_forbidden")]


@pytest.mark.parametrize("text", ["a\u0000b", "a\ud800b", "\udfff"])
@pytest.mark.parametrize("place", ["email", "password", "name"])
def test_text_that_cannot_be_kept_breaks_the_rules(client, place, text):
    body = {"email": "ada@example.org", "password": "Correct-horse-7", "name": "Ada"} | {place: text}
    response = client.post(REGISTER, content=json.dumps(body), headers={"Content-Type": "application/json"})
    problem = is_problem(response, 422, "validation")
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [(place, "invalid_text")]


@pytest.mark.parametrize("text", ["a\u0000b", "a\ud800b"])
def test_a_name_of_a_field_that_cannot_be_kept_breaks_the_rules(account, text):
    body = json.dumps({"name": "a", "version": "1", "labels": {text: "x"}})
    response = account.post("/api/agents", content=body, headers={"Content-Type": "application/json"})
    problem = is_problem(response, 422, "validation")
    assert problem["errors"][0]["field"] == "labels"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/json; charset=latin-1",
    ],
)
def test_another_content_type_is_415(client, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    is_problem(client.post(REGISTER, content=b"{}", headers=headers), 415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "x"])
def test_a_packed_body_of_json_is_415_and_not_unpacked(client, encoding):
    packed = gzip.compress(b'{"email": "ada@example.org", "password": "' + b"x" * 10_000_000 + b'"}')
    assert len(packed) < 65_536
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    is_problem(client.post(REGISTER, content=packed, headers=headers), 415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json;charset=UTF-8", 'Application/JSON; charset="utf-8"'])
def test_the_content_type_may_name_its_charset(client, content_type):
    response = client.post(REGISTER, content=b"{}", headers={"Content-Type": content_type})
    is_problem(response, 422, "validation")


def test_a_body_over_the_limit_is_413(client):
    body = json.dumps({"email": "a" * 65_536}).encode()
    response = client.post(REGISTER, content=body, headers={"Content-Type": "application/json"})
    is_problem(response, 413, "body_too_large")


def test_a_body_without_a_length_is_counted_while_it_arrives(client):
    def chunks():
        for _ in range(100):
            yield b"[" * 1024

    response = client.post(REGISTER, content=chunks(), headers={"Content-Type": "application/json"})
    is_problem(response, 413, "body_too_large")


def test_a_body_without_a_length_is_read_when_it_fits(client):
    response = client.post(REGISTER, content=iter([b'{"em', b'ail":1}']), headers={"Content-Type": "application/json"})
    is_problem(response, 422, "validation")


def test_a_body_that_is_announced_too_large_is_refused_unread(platform):
    address = urlsplit(platform)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        head = (f"POST {REGISTER} HTTP/1.1", "Host: x", "Content-Type: application/json", "Content-Length: 1000000000")
        connection.sendall("\r\n".join((*head, "", "")).encode())
        answer = b""
        while chunk := connection.recv(65_536):  # ends only if the server closes the connection
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_strangers_body_is_refused_unread(platform):
    address = urlsplit(platform)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        head = ("POST /v1/traces HTTP/1.1", "Host: x", "Content-Type: application/json", "Content-Length: 10000000")
        connection.sendall("\r\n".join((*head, "", "")).encode())
        answer = b""
        while chunk := connection.recv(65_536):  # ends only if the server closes the connection
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer.lower()


def test_an_error_does_not_repeat_what_was_sent(client):
    secret = "Sup3r-secret-value"
    sent = [
        client.post(REGISTER, json={"email": secret, "password": secret.lower()}),
        client.post(REGISTER, json={"email": [secret], "password": {secret: secret}}),
        client.post("/api/auth/login", json={"email": "ada@example.org", "password": secret}),
        client.get("/api/users/me", headers={"Authorization": f"Bearer {secret}"}),
    ]
    assert [response.status_code for response in sent] == [422, 422, 401, 401]
    assert not [response.text for response in sent if secret in response.text or secret.lower() in response.text]


@pytest.mark.parametrize("name", ["q", "agent", "session"])
def test_a_filter_of_a_list_is_no_novel(account, name):
    is_problem(account.get("/api/traces", params={name: "x" * 20_000}), 422, "validation")


@pytest.mark.parametrize("path", ["/api/agents", "/api/traces"])
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=1_0",
        "limit=%2B5",
        "limit=5.0",
        "limit=",
        "cursor=!",
        "cursor=",
        "cursor=AAAA",
        "q=%00",
        "status=odd",
    ],
)
def test_a_list_refuses_a_query_that_breaks_its_rules(account, path, query):
    problem = is_problem(account.get(f"{path}?{query}"), 422, "validation")
    assert [error["field"] for error in problem["errors"]] == [query.split("=")[0]]
