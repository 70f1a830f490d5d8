"""Row 13: secrets are masked before they leave, with the settings that an SDK has by default."""

from __future__ import annotations

import functools
import json
import logging
from contextlib import suppress
from typing import Annotated

from tests.rows.check import NotRun, check
from tests.rows.noise import log_lines

_WORD = "xyzzy7Q2plugh9"  # what no span may say


def _kept(subject, call):
    """Make a call, and hold that the secret is in no span."""
    with log_lines(logging.DEBUG) as lines:
        with suppress(ValueError):
            call()
        spans = subject.spans()
    assert spans, "there is no span"
    for span in spans:
        assert _WORD not in span.text, f"the secret is in the span: …{_around(span.text)}…"
    leaked = [line for line in lines if _WORD in line]
    assert not leaked, f"the secret is in the log: {leaked[:1]}"


def _around(text):
    place = text.index(_WORD)
    return text[max(0, place - 30) : place + 20]


def _named(subject, *, name):
    namespace = {}
    exec(f"def heron({name}):\n    return None", namespace)  # noqa: S102 -- the check's own source
    heron = subject.tool(namespace["heron"])
    _kept(subject, lambda: heron(**{name: _WORD}))


for _name in ("password", "api_key", "authorization", "access_token", "client_secret"):
    check(row=13, says=f"an argument called `{_name}`", sees=True)(functools.partial(_named, name=_name))


@check(row=13, says="an argument called `password` that is given by position", sees=True)
def password_by_position(subject):
    @subject.tool
    def heron(user, password):
        return user

    _kept(subject, lambda: heron("ada", _WORD))


@check(row=13, says="keys of a nested mapping: `headers={'Authorization': …}`, `[{'db': {'password': …}}]`", sees=True)
def nested_mapping(subject):
    @subject.tool
    def heron(options, *more):
        return len(more)

    _kept(
        subject,
        lambda: heron({"headers": {"Authorization": _WORD, "X-Api-Key": _WORD}}, [{"db": {"password": _WORD}}]),
    )


def _in_text(subject, *, kind):
    long = _WORD * 3
    texts = {
        "key": f"use sk-proj-{long} for it",
        "bearer": f"curl -H 'Authorization: Bearer {long}'",
        "pair": f"connect with password={_WORD} and go",
        "url": f"postgresql://ada:{_WORD}@db.example.com/birds",
        "json": json.dumps({"api_key": _WORD, "limit": 3}),
        "token": f"ghp_{long}",
    }

    @subject.tool
    def heron(text):
        return None

    _kept(subject, lambda: heron(texts[kind]))


for _kind, _what in {
    "key": "a provider's API key",
    "bearer": "a bearer token",
    "pair": "`password=…`",
    "url": "the password of a URL",
    "json": "a field of JSON",
    "token": "a GitHub token",
}.items():
    check(row=13, says=f"inside free text: {_what}", sees=True)(functools.partial(_in_text, kind=_kind))


@check(row=13, says="a pydantic `SecretStr`, alone and in a model", sees=True)
def pydantic_secret(subject):
    try:
        import pydantic  # noqa: PLC0415 -- may be missing
    except ImportError:
        raise NotRun("pydantic is not installed") from None

    class Login(pydantic.BaseModel):
        user: str
        code: pydantic.SecretStr

    @subject.tool
    def heron(code, login):
        return login

    _kept(subject, lambda: heron(pydantic.SecretStr(_WORD), Login(user="ada", code=pydantic.SecretStr(_WORD))))


@check(row=13, says="a parameter that is annotated as secret, with the SDK's own mark in `Annotated`", sees=True)
def annotated(subject):
    assert subject.secret is not None, "there is no way to mark a parameter as secret by its annotation"

    def heron(code):
        return None

    heron.__annotations__["code"] = Annotated[str, subject.secret]
    traced = subject.tool(heron)
    _kept(subject, lambda: traced(_WORD))


@check(row=13, says="a key in the message of an exception, and in its stack", sees=True)
def in_an_exception(subject):
    @subject.tool
    def heron():
        raise ValueError(f"refused: api_key={_WORD}")

    _kept(subject, heron)


@check(row=13, says="a key in the result, by its name and inside free text", sees=True)
def in_the_result(subject):
    @subject.tool
    def heron():
        return {"api_key": _WORD, "text": f"password={_WORD}"}

    _kept(subject, heron)


@check(row=13, says="a key in what a generator yields", sees=True)
def in_an_item(subject):
    @subject.tool
    def heron():
        yield {"api_key": _WORD}
        yield f"password={_WORD}"

    _kept(subject, lambda: list(heron()))


@check(row=13, says="a key in the question to an agent, and in its answer", sees=True)
def in_a_message(subject):
    @subject.agent
    def heron(question):
        return f"I use api_key={_WORD}"

    _kept(subject, lambda: heron(f"my password={_WORD}"))
