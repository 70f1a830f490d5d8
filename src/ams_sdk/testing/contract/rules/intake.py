"""The intake of spans: OTLP over HTTP, in both encodings, answered in kind."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Final

from google.protobuf import json_format
from google.rpc import error_details_pb2  # type: ignore[import-untyped]  # has stubs, no py.typed
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ams_sdk.testing.contract.exchange import JSON, PROTOBUF
from ams_sdk.testing.contract.rule import rule
from ams_sdk.testing.contract.spans import INTAKE, as_protobuf, hex_id, read, request, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ams_sdk.testing.contract.exchange import Answer
    from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest
    from ams_sdk.testing.contract.spans import JsonObject

__all__: list[str] = []

_ENCODINGS: Final = (PROTOBUF, JSON)
_NO_REQUESTS: Final = (
    *(b"\xff", b"{", b"[]", b"[" * 100_000, b'{"resourceSpans": 7}', b'"\\ud800"'),
    b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":7}]}]}]}',
    b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":"x"}]}]}]}',
)


def _encoded(body: JsonObject, content_type: str) -> bytes:
    return as_protobuf(body) if content_type == PROTOBUF else json.dumps(body).encode()


def _as_json(message: object) -> JsonObject:
    found: JsonObject = json_format.MessageToDict(message)  # type: ignore[arg-type]  # a message
    return found


@rule("telemetry")
def export_answer(platform: PlatformUnderTest) -> None:
    """A success is 200 with an empty ExportTraceServiceResponse, in the request's content type: golden/export.json."""
    for content_type in _ENCODINGS:
        body = _encoded(request(span(hex_id(16))), content_type)
        answer = platform.member().post(INTAKE, content=body, headers={"Content-Type": content_type})
        answer.must_be_golden("export", _as_json(answer.must_be_message(ExportTraceServiceResponse())))


@rule("telemetry")
def export_packed(platform: PlatformUnderTest) -> None:
    """Spans are taken packed with gzip and with deflate, and unpacked."""
    for content_type in _ENCODINGS:
        for encoding, pack in (("identity", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress)):
            trace_id = hex_id(16)
            body = pack(_encoded(request(span(trace_id, values={"question": "why"})), content_type))
            headers = {"Content-Type": content_type, "Content-Encoding": encoding}
            answer = platform.member().post(INTAKE, content=body, headers=headers).must_be(200)
            kept = read(platform.member(), trace_id)["spans"][0]["attributes"]
            answer.must_equal("the attributes that are read back", kept, {"question": "why"})


@rule("telemetry")
def export_empty(platform: PlatformUnderTest) -> None:
    """An empty request is a success."""
    for content_type, body in ((PROTOBUF, b""), (JSON, b"{}"), (JSON, b'{"resourceSpans": []}')):
        answer = platform.member().post(INTAKE, content=body, headers={"Content-Type": content_type})
        answer.must_be_message(ExportTraceServiceResponse())


@rule("telemetry")
def partial_success(platform: PlatformUnderTest) -> None:
    """Spans with invalid ids are counted in `partial_success`, with a message: golden/export_partial.json."""
    for content_type in _ENCODINGS:
        trace_id = hex_id(16)
        answer = platform.member().post(
            INTAKE, content=_encoded(_broken(trace_id), content_type), headers={"Content-Type": content_type}
        )
        said = answer.must_be_message(ExportTraceServiceResponse())
        answer.must_be_golden("export_partial", _as_json(said))


@rule("telemetry")
def partial_success_keeps(platform: PlatformUnderTest) -> None:
    """A span with an invalid id is left out, and the others of its request are kept."""
    for content_type in _ENCODINGS:
        trace_id = hex_id(16)
        body = _encoded(_broken(trace_id), content_type)
        answer = platform.member().post(INTAKE, content=body, headers={"Content-Type": content_type}).must_be(200)
        kept = [one["name"] for one in read(platform.member(), trace_id)["spans"]]
        answer.must_equal("the names of the spans that are kept", kept, ["kept"])


def _broken(trace_id: str) -> JsonObject:
    broken = [
        *(span("00" * 16), span("ab" * 15), span("")),
        *(span(trace_id, span_id="00" * 8), span(trace_id, span_id="ab" * 7), span(trace_id, parent="ab" * 9)),
    ]
    return request(*broken, span(trace_id, "kept"))


@rule("telemetry")
def ids_are_hex(platform: PlatformUnderTest) -> None:
    """In JSON an id that is not hex is rejected."""
    body = request(span("z" * 32), span(hex_id(16), span_id="nothex"))
    answer = platform.member().post(INTAKE, json=body)
    partial = answer.must_be_message(ExportTraceServiceResponse()).partial_success
    answer.must_equal("rejected_spans", partial.rejected_spans, 2)


@rule("telemetry")
def malformed_export(platform: PlatformUnderTest) -> None:
    """A body that is no request is 400 with a Status and its BadRequest, in kind: golden/export_malformed.json."""
    for content_type in _ENCODINGS:
        for body in _NO_REQUESTS:
            answer = platform.member().post(INTAKE, content=body, headers={"Content-Type": content_type})
            _is_bad_request(answer)


def _is_bad_request(answer: Answer) -> None:
    status = answer.must_be_status(400, 3)
    details = error_details_pb2.BadRequest()
    answer.must(status.details and status.details[0].Unpack(details), "the Status has no BadRequest in its details.")
    violations = [{"field": one.field, "message": one.description} for one in details.field_violations]
    said: JsonObject = {"code": status.code or 3, "message": status.message, "field_violations": violations}
    answer.must_be_golden("export_malformed", said)


@rule("telemetry")
def wrongly_packed_export(platform: PlatformUnderTest) -> None:
    """A body that is not packed as its Content-Encoding says is 400."""
    packed = gzip.compress(b"{}", mtime=0)
    for body in (b"", b"no gzip", packed[:-3], packed + b"more"):
        headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
        platform.member().post(INTAKE, content=body, headers=headers).must_be_status(400, 3)


@rule("telemetry")
def export_content_type(platform: PlatformUnderTest) -> None:
    """Another content type or encoding is 415 with a Status."""
    for headers in ({"Content-Type": "text/plain"}, {}, {"Content-Type": JSON, "Content-Encoding": "br"}):
        answer = platform.member().post(INTAKE, content=b"{}", headers=headers)
        answer.must_be_status(415)


@rule("telemetry")
def unpacked_too_large(platform: PlatformUnderTest) -> None:
    """A body over the limit once it is unpacked is 413 with a Status in kind: here 96 MiB of zeros."""
    bomb = gzip.compress(bytes(1024**2) * 96, 1)
    headers = {"Content-Type": PROTOBUF, "Content-Encoding": "gzip"}
    platform.member().post(INTAKE, content=bomb, headers=headers).must_be_status(413)


@rule("telemetry")
def export_too_large(platform: PlatformUnderTest) -> None:
    """A body over the limit is 413 with a Status in kind, and reading stops there: here one that would have 512 MiB."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        chunk = bytes(1024**2)
        for _ in range(512):
            sent += 1
            yield chunk

    answer = platform.member().post(INTAKE, content=endless(), headers={"Content-Type": PROTOBUF})
    answer.must_be_status(413)
    answer.must(sent < 512, "all of it was read.")  # noqa: PLR2004 -- as above


@rule("telemetry")
def unknown_intake(platform: PlatformUnderTest) -> None:
    """An unknown path under /v1/ is 404 with a Status."""
    platform.member().post("/v1/nope", json={}).must_be_status(404)


@rule("telemetry")
def intake_takes_post(platform: PlatformUnderTest) -> None:
    """Another method than POST is 405 with a Status, and Allow says POST."""
    answer = platform.member().get(INTAKE)
    answer.must_be_status(405, 12)
    answer.must_equal("Allow", {name.strip() for name in answer.header("allow").split(",")} - {"OPTIONS"}, {"POST"})
