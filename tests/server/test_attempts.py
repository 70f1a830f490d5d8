"""The limits as a client meets them, over a real port."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

PASSWORD = "Correct-horse-7"
ADA, BOB = ({"email": f"{name}@example.org", "password": PASSWORD} for name in ("ada", "bob"))
REGISTER, LOGIN = "/api/auth/register", "/api/auth/login"


def wrong(body):
    return body | {"password": "Wrong-horse-7"}


def from_client(address):
    return {"X-Forwarded-For": address}


@pytest.fixture
def start(environ, server_process):
    return lambda **changed: server_process(environ | changed)


def test_too_many_failures_for_an_address_are_429_and_others_are_let_in(start):
    with (
        start(AMS_LOGIN_LIMIT_PER_ADDRESS="3 per 2 seconds") as server,
        httpx.Client(base_url=server.url) as client,
    ):
        for body in (ADA, BOB):
            assert client.post(REGISTER, json=body).status_code == 201
        assert [client.post(LOGIN, json=wrong(ADA)).status_code for _ in range(3)] == [401] * 3
        begun = time.monotonic()
        refused = client.post(LOGIN, json=ADA | {"email": " ADA@Example.org "})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert refused.headers["content-type"] == "application/problem+json"
        wait = int(refused.headers["retry-after"])
        assert 1 <= wait <= 2
        assert client.post(LOGIN, json=BOB).status_code == 200
        while client.post(LOGIN, json=ADA).status_code == 429:
            assert time.monotonic() - begun < wait + 2
        assert client.post(LOGIN, json=ADA).status_code == 200


@pytest.mark.slow
def test_an_unknown_address_is_limited_like_a_known_one(start):
    with start(AMS_LOGIN_LIMIT_PER_ADDRESS="3 per hour") as server, httpx.Client(base_url=server.url) as client:
        client.post(REGISTER, json=ADA)
        answers = [[client.post(LOGIN, json=wrong(body)) for _ in range(5)] for body in (ADA, BOB)]
        known, unknown = ([(answer.status_code, answer.json()["code"]) for answer in each] for each in answers)
        assert known == unknown == [(401, "invalid_credentials")] * 3 + [(429, "too_many_requests")] * 2


@pytest.mark.slow
def test_a_right_guess_among_too_many_at_once_is_not_told(start):
    # One thread hashes, so that the wrong ones are counted before the right one, which was let in with them, is told.
    slow = {"AMS_BCRYPT_COST": "11", "AMS_HASH_THREADS": "1", "AMS_LOGIN_LIMIT_PER_ADDRESS": "3 per hour"}
    with start(**slow) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        assert client.post(REGISTER, json=ADA).status_code == 201
        with ThreadPoolExecutor(13) as threads:
            wrong_ones = [threads.submit(client.post, LOGIN, json=wrong(ADA)) for _ in range(12)]
            while not any(guess.done() for guess in wrong_ones):  # now the others wait in the queue
                time.sleep(0.001)
            right_one = threads.submit(client.post, LOGIN, json=ADA)
            codes = [guess.result().status_code for guess in wrong_ones]
        assert sorted(codes) == [401] * 3 + [429] * 9
        assert right_one.result().status_code == client.post(LOGIN, json=ADA).status_code == 429


@pytest.mark.slow
def test_a_login_is_not_counted_when_it_is_right(start):
    with start(AMS_LOGIN_LIMIT_PER_ADDRESS="2 per hour") as server:
        httpx.post(f"{server.url}{REGISTER}", json=ADA)
        with httpx.Client(base_url=server.url) as client, ThreadPoolExecutor(8) as threads:
            assert set(threads.map(lambda _: client.post(LOGIN, json=ADA).status_code, range(24))) == {200}


def test_without_a_proxy_nobody_chooses_their_address(start):
    with start(AMS_LOGIN_LIMIT_PER_CLIENT="3 per hour") as server, httpx.Client(base_url=server.url) as client:
        codes = [
            client.post(
                LOGIN, json=wrong({"email": f"{number}@example.org"}), headers=from_client(f"192.0.2.{number}")
            ).status_code
            for number in range(5)
        ]
        assert codes == [401, 401, 401, 429, 429]


@pytest.mark.slow
def test_behind_a_proxy_the_client_is_whom_the_proxy_names(start):
    proxied = {"AMS_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8", "AMS_LOGIN_LIMIT_PER_CLIENT": "2 per hour"}
    with start(**proxied) as server, httpx.Client(base_url=server.url) as client:

        def attempt(number, forwarded):
            body = wrong({"email": f"{number}@example.org"})
            return client.post(LOGIN, json=body, headers=from_client(forwarded)).status_code

        assert [attempt(number, "192.0.2.1") for number in range(3)] == [401, 401, 429]
        # What the client wrote itself stands before what the proxies added.
        assert attempt(4, "198.51.100.9, 192.0.2.1, 10.1.2.3") == 429
        assert attempt(5, "192.0.2.1, 198.51.100.9, 10.1.2.3") == 401
        assert [attempt(number, "2001:db8::1") for number in range(6, 8)] == [401, 401]
        assert attempt(8, "2001:db8::ffff:1") == 429
        assert attempt(9, "2001:db8:0:1::1") == 401
        assert attempt(10, "nonsense\t, , ;") in {401, 422}


@pytest.mark.slow
def test_registrations_of_one_client_are_limited(start):
    with start(AMS_REGISTRATION_LIMIT_PER_CLIENT="2 per hour") as server, httpx.Client(base_url=server.url) as client:
        assert client.post(REGISTER, json=ADA).status_code == 201
        assert client.post(REGISTER, json=ADA | {"password": "short"}).status_code == 422  # cheap, so not counted
        assert client.post(REGISTER, json=ADA).status_code == 409
        refused = client.post(REGISTER, json=BOB)
        assert refused.status_code == 429
        assert 3500 < int(refused.headers["retry-after"]) <= 3600
        assert client.post(LOGIN, json=ADA).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("store", ["database", "redis"])
def test_two_processes_count_together_and_a_restart_forgets_nothing(start, store, request):
    shared = {"AMS_LOGIN_LIMIT_PER_ADDRESS": "4 per hour"}
    if store == "redis":
        shared["AMS_REDIS_URL"] = request.getfixturevalue("redis_url")

    def codes(server, times):
        with httpx.Client(base_url=server.url) as client:
            return [client.post(LOGIN, json=wrong(ADA)).status_code for _ in range(times)]

    with start(**shared) as one, start(**shared) as two:
        assert codes(one, 2) == codes(two, 2) == [401, 401]
        assert codes(one, 1) == codes(two, 1) == [429]
    with start(**shared) as again:
        assert codes(again, 1) == [429]


@pytest.mark.slow
def test_too_many_that_wait_for_a_hash_are_503_and_the_rest_goes_on(start):
    slow = {"AMS_BCRYPT_COST": "12", "AMS_HASH_THREADS": "1", "AMS_HASH_QUEUE": "1"}
    with start(**slow) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        assert client.post(REGISTER, json=ADA).status_code == 201
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: client.post(LOGIN, json=ADA), range(8)))
        codes = {answer.status_code for answer in answers}
        assert codes == {200, 503}
        refused = [answer for answer in answers if answer.status_code == 503]
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert {answer.json()["code"] for answer in refused} == {"unavailable"}
        assert client.post(LOGIN, json=ADA).status_code == 200
