from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit
from urllib.request import urlopen

import httpcore
import httpcore2
import httpx
import httpx2
import pytest

import ams_sdk
from ams_sdk.testing._cassette import Cassette, CassetteError, CassetteMismatchError, SecretInCassetteError
from ams_sdk.testing._cassette.cassette_file import write_exchanges
from ams_sdk.testing._http import Chunk, Response

ASKED = '{"method": "GET", "url": "/"}'


def test_what_was_recorded_is_replayed_without_a_network(ask, server, model, path, recorded):
    url = f"{server.url}/chat?b=2&a=1"
    first = []
    replaying = recorded(lambda: first.append(ask("POST", url, json={"text": "why?", "n": [1, 2.5, None]})))
    server.stop()
    with replaying:
        again = ask("POST", "http://127.0.0.1:1/chat?a=1&b=2", json={"n": [1, 2.5, None], "text": "why?"})
    replaying.verify()
    assert (again.status_code, again.json()) == (200, first[0].json())
    assert again.headers["x-request-id"] == "r-1"
    assert len(model.asked) == 1


def test_a_recording_of_nothing_fails_and_says_whose_requests_are_seen(server, path):
    with Cassette(path, "all") as cassette, urlopen(f"{server.url}/events") as answer:  # noqa: S310 -- of this test
        answer.read()
    with pytest.raises(CassetteError, match=r"Clients of httpx and httpx2 are seen.* urllib, requests and aiohttp are"):
        cassette.verify()
    assert not path.exists()


def test_a_stream_is_replayed_event_by_event(ask, server, path, recorded):
    first = []
    replaying = recorded(lambda: first.append(b"".join(ask.pieces(f"{server.url}/events"))))
    with replaying:
        pieces = ask.pieces(f"{server.url}/events")
    assert pieces == [
        b'event: start\ndata: {"text":"Otters"}\n\n',
        b"id: 7\ndata: plain\ndata: text\n\n",
        b'data: "quoted"\n\n',
        b"data: [DONE]\n\n",
    ]
    stream = json.loads(path.read_bytes())["exchanges"][0]["response"]["stream"]
    assert [{name: value for name, value in event.items() if name != "after"} for event in stream] == [
        {"event": "start", "data": {"text": "Otters"}},
        {"id": "7", "data": "plain\ntext"},
        {"data": '"quoted"'},
        {"data": "[DONE]"},
    ]
    assert stream[0]["after"] >= 0.02
    assert stream[1]["after"] >= 0.02
    assert stream[3]["after"] < stream[1]["after"]


def test_pauses_are_waited_for_only_if_that_is_asked(ask, server, recorded):
    replaying = recorded(lambda: ask.pieces(f"{server.url}/events"))
    began = time.monotonic()
    replaying.timing = 1.0
    with replaying:
        ask.pieces(f"{server.url}/events")
    assert time.monotonic() - began >= 0.04


def test_a_stream_that_was_not_read_to_its_end_is_replayed_as_far_as_it_was(ask, server, path, recorded):
    replaying = recorded(lambda: ask.pieces(f"{server.url}/events", most=2))
    with replaying:
        pieces = ask.pieces(f"{server.url}/events")
    assert b"Otters" in b"".join(pieces)
    assert b"[DONE]" not in b"".join(pieces)


def test_an_answer_whose_packing_is_unknown_comes_again_as_it_was(server, model, path, recorded):
    model.answers["/odd"] = Response(200, (("content-encoding", "x-odd"),), b"\x00\x01")
    model.answers["/broken"] = Response(200, (("content-encoding", "gzip"),), b"no gzip")

    def read(route):
        with httpx.Client() as client, client.stream("GET", server.url + route) as answer:
            return answer.headers["content-encoding"], b"".join(answer.iter_raw())

    replaying = recorded(lambda: [read("/odd"), read("/broken")])
    with replaying:
        assert read("/odd") == ("x-odd", b"\x00\x01")
        assert read("/broken") == ("gzip", b"no gzip")


@pytest.mark.parametrize(
    ("route", "body"), [("/zipped", b'{"packed":true}'), ("/busy", b"busy"), ("/binary", bytes(range(256)))]
)
def test_any_body_comes_again(ask, server, recorded, route, body):
    replaying = recorded(lambda: ask("GET", server.url + route))
    with replaying:
        again = ask("GET", server.url + route)
    assert again.content == body
    if route == "/busy":
        assert (again.status_code, again.headers["retry-after"]) == (429, "3")


def test_a_cassette_holds_no_header_but_those_of_the_list(ask, server, path, recorded):
    headers = {"Authorization": "Bearer abc-def-123", "x-api-key": "key-12345", "anthropic-version": "2023-06-01"}
    recorded(lambda: ask("POST", f"{server.url}/chat", json={}, headers=headers))
    text = path.read_text()
    (exchange,) = json.loads(text)["exchanges"]
    assert exchange["request"]["headers"] == {"content-type": "application/json", "anthropic-version": "2023-06-01"}
    assert exchange["response"]["headers"] == {"content-type": "application/json", "x-request-id": "r-1"}
    assert not [secret for secret in ("abc-def-123", "key-12345", "abcdefgh") if secret in text]


def test_more_headers_are_kept_if_they_are_no_credentials(server, path):
    with Cassette(path, "all") as cassette:
        cassette.keep_headers("Server-Timing")
        httpx.get(f"{server.url}/chat")
        with pytest.raises(ams_sdk.ConfigurationError, match="is a credential"):
            cassette.keep_headers("Authorization")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"text": "my key is sk-proj-" + "a1B2" * 12}, "exchanges[0].request.json.text: it has the shape"),
        ({"password": "hunter2hunter2"}, "exchanges[0].request.json.password: 'password' is the name"),
        (
            {"deep": [{"said": "it is abc-def-123!"}]},
            "exchanges[0].request.json.deep[0].said: the credential that was sent",
        ),
        ({"deep": "it is YWJjLWRlZi0xMjM="}, "exchanges[0].request.json.deep: the credential that was sent"),
    ],
)
def test_a_secret_is_refused_and_nothing_is_written(server, path, body, place):
    with Cassette(path, "all") as cassette:
        httpx.post(f"{server.url}/chat", json=body, headers={"Authorization": "Bearer abc-def-123"})
    with pytest.raises(SecretInCassetteError) as refused:
        cassette.verify()
    assert place in str(refused.value)
    assert not [text for text in ("a1B2", "hunter2", "abc-def-123") if text in str(refused.value)]
    assert not path.exists()
    assert list(path.parent.glob("*")) == []


def test_what_is_replaced_is_written_and_matched_so(ask, server, path):
    body = {"text": "my key is sk-proj-" + "a1B2" * 12, "date": "2026-11-26"}
    with Cassette(path, "all") as recording:
        recording.replace(r"sk-proj-\w+", "KEY")
        recording.replace(r"\d{4}-\d\d-\d\d", "DATE")
        ask("POST", f"{server.url}/chat", json=body)
    recording.verify()
    assert json.loads(path.read_text())["exchanges"][0]["request"]["json"] == {"text": "my key is KEY", "date": "DATE"}
    with Cassette(path) as replaying:
        replaying.replace(r"sk-proj-\w+", "KEY")
        replaying.replace(r"\d{4}-\d\d-\d\d", "DATE")
        ask("POST", f"{server.url}/chat", json=body | {"date": "2027-01-01"})
    replaying.verify()
    with pytest.raises(ams_sdk.ConfigurationError, match="no regular expression"):
        replaying.replace("(", "")


def test_a_key_in_the_address_is_not_written(server, path, recorded):
    replaying = recorded(lambda: httpx.get(f"{server.url}/v1beta/models?key=first-key&alt=sse&api_key=x1"))
    assert json.loads(path.read_text())["exchanges"][0]["request"]["url"] == ("http://127.0.0.1/v1beta/models?alt=sse")
    with replaying:
        assert httpx.get(f"{server.url}/v1beta/models?key=other-key&alt=sse&api_key=x2").status_code == 200


def test_a_request_that_was_not_recorded_shows_how_it_differs_from_the_nearest(ask, server, model, recorded):
    url = f"{server.url}/chat"

    def run():
        ask("POST", url, json={"model": "m", "messages": [{"role": "user", "content": "why?"}]})
        ask(
            "POST", url, json={"model": "m", "messages": [{"role": "user", "content": "Other things entirely"}], "n": 3}
        )

    replaying = recorded(run)
    with replaying, pytest.raises(CassetteMismatchError) as missed:
        ask("POST", url, json={"model": "m", "messages": [{"role": "user", "content": "how?"}]})
    told = str(missed.value)
    assert '-        "content": "why?",' in told
    assert '+        "content": "how?",' in told
    assert "--ams-record=all" in told
    assert len(told.splitlines()) <= 60
    with pytest.raises(CassetteMismatchError, match="how\\?"):
        replaying.verify()
    assert len(model.asked) == 2
    assert "how?" in replaying.transcript()


def test_the_difference_shows_no_secret(server, recorded):
    replaying = recorded(lambda: httpx.post(f"{server.url}/chat", json={"text": "a"}))
    with replaying, pytest.raises(CassetteMismatchError) as missed:
        httpx.post(f"{server.url}/chat", json={"text": "sk-proj-" + "a1B2" * 12})
    assert "a1B2" not in str(missed.value)


def test_a_long_difference_is_cut(server, recorded):
    replaying = recorded(lambda: httpx.post(f"{server.url}/chat", json={str(n): n for n in range(500)}))
    with replaying, pytest.raises(CassetteMismatchError) as missed:
        httpx.post(f"{server.url}/chat", json={str(n): "x" * 500 for n in range(500)})
    lines = str(missed.value).splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) < 400


def test_each_exchange_answers_once(ask, server, recorded):
    def run():
        return [ask("POST", f"{server.url}/chat", json={}).json()["number"] for _ in range(2)]

    replaying = recorded(run)
    with replaying:
        assert run() == [1, 2]
        with pytest.raises(CassetteMismatchError, match="once more: it was recorded 2 times"):
            ask("POST", f"{server.url}/chat", json={})


def test_threads_get_each_exchange_once(server, path, recorded):
    def run():
        with ThreadPoolExecutor(8) as threads:
            return sorted(threads.map(lambda _: httpx.get(f"{server.url}/chat").json()["number"], range(24)))

    replaying = recorded(run)
    with replaying:
        assert run() == list(range(1, 25))
    replaying.verify()


def test_what_was_recorded_and_is_not_asked_for_fails_the_test(server, recorded):
    replaying = recorded(lambda: [httpx.get(f"{server.url}/chat/{n}") for n in range(3)])
    with replaying:
        httpx.get(f"{server.url}/chat/1")
    with pytest.raises(CassetteMismatchError, match=r"2 of the 3 requests in .* were not made") as unused:
        replaying.verify()
    assert "GET http://127.0.0.1/chat/0\n  GET http://127.0.0.1/chat/2" in str(unused.value)
    replaying.allow_unused = True
    replaying.verify()


def test_an_empty_cassette_says_so(server, path):
    path.parent.mkdir()
    write_exchanges(path, [], [])
    with Cassette(path), pytest.raises(CassetteMismatchError, match="which holds nothing"):
        httpx.get(f"{server.url}/chat")


def test_a_cassette_that_is_not_there_says_how_to_record_it(path):
    with pytest.raises(CassetteError, match="--ams-record=once"):
        Cassette(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"ams_cassette": 2, "exchanges": []}',
        '{"ams_cassette": 1, "exchanges": [1]}',
        '{"ams_cassette": 1, "exchanges": [{"request": {}, "response": {}}]}',
        '{"ams_cassette": 1, "exchanges": [{"request": {"method": "GET", "url": "/"}, "response": {}}]}',
        f'{{"ams_cassette": 1, "exchanges": [{{"request": {ASKED}, "response": {{"status": 1, "base64": 1}}}}]}}',
        f'{{"ams_cassette": 1, "exchanges": [{{"request": {ASKED}, "response": {{"status": 1, "base64": "?"}}}}]}}',
        '{"ams_cassette": 1, "exchanges": [{"request": {"method": "GET"}, "response": {"status": 1}}]}',
        '{"ams_cassette": 1, "exchanges": [{"request": 1, "response": {"status": 1}}]}',
    ],
)
def test_a_file_that_is_no_cassette_says_what_to_do(path, text):
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(CassetteError, match="Record it anew"):
        Cassette(path)


def test_an_unknown_mode_is_told(path):
    with pytest.raises(ams_sdk.ConfigurationError, match="none, once or all"):
        Cassette(path, "new")


def test_once_records_only_what_is_not_there(server, model, path):
    for _ in range(2):
        with Cassette(path, "once") as cassette:
            httpx.get(f"{server.url}/chat")
        cassette.verify()
    assert len(model.asked) == 1


def test_what_is_ignored_goes_to_the_network_and_is_not_recorded(server, model, path):
    with Cassette(path, "all", ignore=lambda url: url.endswith("/local")) as cassette:
        httpx.get(f"{server.url}/local")
        httpx.get(f"{server.url}/chat")
    cassette.verify()
    with Cassette(path, ignore=lambda url: url.endswith("/local")) as cassette:
        httpx.get(f"{server.url}/local")
        httpx.get(f"{server.url}/chat")
    cassette.verify()
    assert [urlsplit(request.target).path for request in model.asked] == ["/local", "/chat", "/local"]
    (kept,) = json.loads(path.read_text())["exchanges"]
    assert kept["request"]["url"].endswith("/chat")


def test_a_host_that_is_recorded_is_announced(server, path):
    told = []
    with Cassette(path, "all", allow=told.append):
        httpx.get(f"{server.url}/chat")
    assert told == ["127.0.0.1"]


def test_a_folder_that_cannot_be_written_is_an_error(server, tmp_path):
    (tmp_path / "file").write_text("")
    with Cassette(tmp_path / "file" / "one.json", "all") as cassette:
        httpx.get(f"{server.url}/chat")
    with pytest.raises(CassetteError, match="cannot be written"):
        cassette.verify()


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_the_libraries_are_left_as_they_were_found(library, path):
    core = httpcore if library is httpx else httpcore2
    before = core.ConnectionPool.handle_request, core.AsyncConnectionPool.handle_async_request
    with Cassette(path, "all"):
        assert core.ConnectionPool.handle_request is not before[0]
    assert (core.ConnectionPool.handle_request, core.AsyncConnectionPool.handle_async_request) == before


def test_a_redirect_is_followed_when_it_is_replayed_too(ask, server, model, path, recorded):
    model.answers["/moved"] = Response(302, (("location", f"{server.url}/chat?key=first-key"),))

    def run():
        return ask("GET", f"{server.url}/moved", follow_redirects=True).status_code

    replaying = recorded(run)
    assert "first-key" not in path.read_text()
    with replaying:
        assert run() == 200
    replaying.verify()


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({"Authorization": "bearer lower-case-123"}, "lower-case-123"),
        ({"Authorization": "Basic YWRhOmh1bnRlcjItaHVudGVyMg=="}, "hunter2-hunter2"),
        ({"xi-api-key": "other-name-123"}, "other-name-123"),
        ({"Cookie": "a=1; session=of-a-cookie-1"}, "of-a-cookie-1"),
    ],
)
def test_a_credential_that_comes_back_is_refused_however_it_was_sent(server, path, headers, secret):
    with Cassette(path, "all") as cassette:
        httpx.post(f"{server.url}/chat", json={"said": f"it is {secret}!"}, headers=headers)
    with pytest.raises(SecretInCassetteError, match="the credential that was sent") as refused:
        cassette.verify()
    assert secret not in str(refused.value)
    assert not path.exists()


def test_a_secret_that_the_network_has_cut_or_that_is_no_text_is_refused(server, model, path):
    secret = "sk-proj-" + "a1B2" * 12
    model.answers["/cut"] = Response(
        200,
        (("content-type", "application/x-ndjson"),),
        iter([Chunk(f'{{"is": "{secret[:20]}'.encode()), Chunk(f'{secret[20:]}"}}'.encode(), 0.05)]),
    )
    model.answers["/bytes"] = Response(200, (), b"\xff " + secret.encode())
    for route in ("/cut", "/bytes"):
        with Cassette(path, "all") as cassette:
            httpx.get(server.url + route)
        with pytest.raises(SecretInCassetteError, match="has the shape of a secret"):
            cassette.verify()
    assert not path.exists()


def test_a_mismatch_does_not_show_the_credential(server, recorded):
    replaying = recorded(lambda: httpx.post(f"{server.url}/chat", json={}))
    with replaying, pytest.raises(CassetteMismatchError) as missed:
        httpx.post(f"{server.url}/chat", json={"said": "plain-key-123"}, headers={"x-api-key": "plain-key-123"})
    assert "plain-key-123" not in str(missed.value)


@pytest.mark.parametrize("ending", ["mid_body", "no_answer"])
def test_an_answer_that_broke_off_is_not_recorded_as_a_whole_one(ask, server, model, path, ending):
    model.answers["/broken"] = Response(200, (), b"0123456789", ending=ending)
    with Cassette(path, "all") as cassette, pytest.raises(ask.library.RemoteProtocolError):
        ask("GET", f"{server.url}/broken")
    with pytest.raises(CassetteError, match="an answer broke off"):
        cassette.verify()
    assert not path.exists()


def test_an_answer_that_nobody_closed_is_recorded_as_far_as_it_was_read(server, path):
    with Cassette(path, "all") as cassette, httpx.Client() as client:
        answer = client.send(client.build_request("GET", f"{server.url}/chat"), stream=True)
        assert answer.status_code == 200
        cassette.verify()
        answer.close()
    assert len(json.loads(path.read_text())["exchanges"]) == 1


def test_the_same_request_is_replayed_in_the_order_in_which_it_was_made(server, path, recorded):
    def run():
        with httpx.Client() as client, client.stream("GET", f"{server.url}/chat") as first:
            second = client.get(f"{server.url}/chat")
            first.read()
            return first.json()["number"], second.json()["number"]

    replaying = recorded(run)
    with replaying:
        assert run() == (1, 2)


def test_a_form_with_a_file_is_replayed(ask, server, recorded):
    def run():
        return ask("POST", f"{server.url}/binary", files={"file": ("a.bin", bytes(range(200)))}).content

    replaying = recorded(run)
    with replaying:
        assert run() == bytes(range(256))
