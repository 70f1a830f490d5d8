"""One question to a platform and its answer, which can be held to the contract."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from google.protobuf import json_format
from google.rpc import status_pb2  # type: ignore[import-untyped]  # has stubs, no py.typed

from ams_sdk.testing.contract import golden
from ams_sdk.testing.contract.failure import ContractAssertionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

__all__ = ["JSON", "PROBLEM", "PROTOBUF", "Answer", "Asked"]

JSON: Final = "application/json"
PROBLEM: Final = "application/problem+json"
PROTOBUF: Final = "application/x-protobuf"
_MOST_SHOWN: Final = 600
_HIDDEN: Final = "…"
_TOLD: Final = ("content-type", "content-encoding", "x-request-id", "origin")
"""What of a question's headers is shown; who asks is shown apart."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question.

    Attributes:
        method: of HTTP.
        target: path and query.
        headers: names in lower case.
        body: as far as it is known.
        secrets: what is not to be shown of it and of its answer.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def lines(self) -> list[str]:
        """What was asked, for people."""
        credentials = [value for name, value in self.headers if name == "authorization"]
        who = ", ".join(f"{value.partition(' ')[0]} {_HIDDEN}" for value in credentials) or "nobody"
        said = [f"{name}: {value}" for name, value in self.headers if name in _TOLD]
        lines = [f"{self.method} {self.target}   ({'as ' + who if credentials else 'without a credential'})", *said]
        return [self.hidden(_shortened(line)) for line in [*lines, *_body(self.body)]]

    def hidden(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self.secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    def text(self, *came: str) -> str:
        """What was asked and what came, as it is shown."""
        asked, answered = "\n          ".join(self.lines()), "\n          ".join(came)
        return f"asked     {asked}\ncame      {answered}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform answered; each ``must…`` raises ``ContractAssertionError`` if it is not so.

    Attributes:
        asked: the question.
        status: of HTTP.
        header_list: names in lower case, as they came.
        content: the body.
    """

    asked: Asked
    status: int
    header_list: tuple[tuple[str, str], ...]
    content: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """The values of a header; empty if it did not come."""
        return ", ".join(value for came, value in self.header_list if came == name)

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def text(self) -> str:
        """What was asked and what came, for people."""
        told = ("content-type", "www-authenticate", "allow", "location", "retry-after")
        said = [f"{name}: {value}" for name, value in self.header_list if name in told]
        came = [str(self.status), *said, *_body(self.content)]
        return self.asked.text(*(self.asked.hidden(_shortened(line)) for line in came))

    def must(self, holds: object, wrong: str) -> None:
        """Something must hold of it; ``wrong`` says what does not."""
        __tracebackhide__ = True
        if not holds:
            raise ContractAssertionError(self.asked.hidden(wrong), [self.text()])

    def must_equal(self, what: str, found: object, expected: object) -> None:
        """What it says must be what was to come."""
        __tracebackhide__ = True
        self.must(found == expected, f"{what}: {_value(found)} came, {_value(expected)} was to come.")

    def must_be(self, *statuses: int) -> Answer:
        """It must have one of these statuses."""
        __tracebackhide__ = True
        wanted = " or ".join(map(str, statuses))
        self.must(self.status in statuses, f"the status is {self.status}, {wanted} was to come.")
        return self

    def must_have_json(self, *statuses: int) -> Any:  # noqa: ANN401 -- JSON
        """It must have one of these statuses, 200 if none is given, and a body in JSON, which is returned."""
        __tracebackhide__ = True
        self.must_be(*(statuses or (200,)))
        self.must_equal("the content type", self.media_type, JSON)
        return self._parsed()

    def must_be_problem(self, status: int, *codes: str) -> dict[str, Any]:
        """It must be a problem (RFC 9457) with this status and one of these codes."""
        __tracebackhide__ = True
        self.must_be(status)
        self.must_equal("the content type", self.media_type, PROBLEM)
        problem = self._parsed()
        self.must(isinstance(problem, dict), "the problem is no object.")
        wanted = " or ".join(map(repr, codes))
        self.must(problem.get("code") in codes, f"the code is {problem.get('code')!r}, {wanted} was to come.")
        found: dict[str, Any] = problem
        return found

    def must_name_errors(self) -> list[dict[str, Any]]:
        """It must be 422 with ``errors``, which are returned, each a field, a code and a message."""
        __tracebackhide__ = True
        errors: list[dict[str, Any]] = self.must_be_problem(422, "validation").get("errors") or []
        self.must(errors, "there are no 'errors' that name what is broken.")
        whole = all({"field", "code", "message"} <= error.keys() for error in errors)
        self.must(whole, "an entry of 'errors' lacks 'field', 'code' or 'message'.")
        return errors

    def must_refuse(self, *fields: str, code: str | None = None) -> None:
        """It must be 422 and name exactly these fields, the code of each being ``code`` if that is given."""
        __tracebackhide__ = True
        errors = self.must_name_errors()
        self.must_equal("the fields in 'errors'", {error["field"] for error in errors}, set(fields))
        if code is not None:
            self.must_equal("their codes", {error["code"] for error in errors}, {code})

    def must_be_status(self, status: int, rpc_code: int | None = None) -> Any:  # noqa: ANN401 -- protobuf has no types
        """It must have this status and a ``google.rpc.Status`` in the question's content type, which is returned."""
        __tracebackhide__ = True
        self.must_be(status)
        sent = next((value for name, value in self.asked.headers if name == "content-type"), JSON)
        if sent in {JSON, PROTOBUF}:
            self.must_equal("the content type", self.media_type, sent)
        said = self._message(status_pb2.Status())
        self.must(said.message, "the Status has no message.")
        if rpc_code is not None:
            self.must(said.code in {0, rpc_code}, f"the Status has the code {said.code}, {rpc_code} was to come.")
        return said

    def must_be_message(self, empty: Any) -> Any:  # noqa: ANN401 -- protobuf has no types
        """It must be 200 with a message of this kind, in the question's own content type."""
        __tracebackhide__ = True
        self.must_be(200)
        sent = next((value for name, value in self.asked.headers if name == "content-type"), JSON)
        self.must_equal("the content type", self.media_type, sent)
        return self._message(empty)

    def must_be_golden(self, name: str, body: JsonValue = None) -> None:
        """Its body, or ``body``, must be that of the golden file."""
        __tracebackhide__ = True
        differs = golden.differences(name, self._parsed() if body is None else body)
        self.must(not differs, f"the body is not as golden/{name}.json has it:\n" + "\n".join(differs))

    def must_not_hold(self, texts: Iterable[str]) -> None:
        """None of the texts may be in its body or its headers, in any case of letters."""
        __tracebackhide__ = True
        said = (self.content.decode(errors="replace") + str(self.header_list)).lower()
        for text in texts:
            self.must(text.lower() not in said, "it repeats what was sent and is nobody's business.")

    def _parsed(self) -> Any:  # noqa: ANN401 -- JSON
        __tracebackhide__ = True
        try:
            return json.loads(self.content)
        except ValueError:
            raise ContractAssertionError("the body is no JSON.", [self.text()]) from None

    def _message(self, empty: Any) -> Any:  # noqa: ANN401 -- protobuf has no types
        __tracebackhide__ = True
        kind = type(empty).__name__
        try:
            if self.media_type == PROTOBUF:
                empty.ParseFromString(self.content)
            else:
                json_format.Parse(self.content, empty)
        except Exception:  # noqa: BLE001 -- whatever the library makes of it, it is none
            raise ContractAssertionError(f"the body is no {kind} in {self.media_type}.", [self.text()]) from None
        return empty


def _body(content: bytes) -> list[str]:
    if not content:
        return []
    text = content[: 2 * _MOST_SHOWN].decode(errors="backslashreplace")
    return [text if text.isprintable() else repr(text)[1:-1]]


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}… ({len(text)} characters)"


def _value(value: object) -> str:
    if isinstance(value, set):
        members = cast("set[object]", value)
        return _shortened(f"{{{', '.join(sorted(map(repr, members)))}}}")
    return _shortened(repr(value))
