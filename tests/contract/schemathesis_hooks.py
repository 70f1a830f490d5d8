"""How schemathesis speaks to the platform: with whose token, and with which bodies. Its process loads this."""

from __future__ import annotations

import itertools
import os

import requests
import schemathesis
from hypothesis import strategies
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PROTOBUF = "application/x-protobuf"
URL = os.environ["AMS_FUZZ_URL"]
ACCOUNT = {"email": "fuzz@example.org", "password": "Correct-horse-7"}
ENDING = {"operation_id": "logOut"}
logins = []  # tokens of logins that the run has seen, and not ended yet
numbers = itertools.count()


def register():
    answer = requests.post(f"{URL}/api/auth/register", json=ACCOUNT, timeout=30)
    assert answer.status_code in {201, 409}, answer.text


def new_token():
    answer = requests.post(f"{URL}/api/auth/login", json=ACCOUNT, timeout=30)
    answer.raise_for_status()
    return answer.json()["access_token"]


class Bearer:
    def get(self, _case, _context):
        return new_token()

    def set(self, case, data, _context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.auth(refresh_interval=None).apply_to(**ENDING)
class OneLogin(Bearer):
    """A logout ends its token: it takes one that a login of the run was answered, else a new one."""

    def get(self, _case, _context):
        return logins.pop() if logins else new_token()


@schemathesis.auth(refresh_interval=3600).skip_for(**ENDING)
class SharedLogin(Bearer):
    """Everything else has one token."""


@schemathesis.hook
def after_call(context, case, response):
    if case.operation.definition.raw.get("operationId") == "logIn" and response.status_code == 200:
        logins.append(response.json()["access_token"])


@schemathesis.hook
def map_body(context, body):
    """Most texts are no address and no good password: of what fits the schema, make what fits the rules too."""
    operation = context.operation.definition.raw.get("operationId")
    if operation not in {"register", "logIn"} or not fits(body):
        return body
    number = next(numbers)
    if number % 8 == 5:
        return body
    if operation == "logIn":
        return dict(ACCOUNT)
    return body | ACCOUNT | {"email": f"fuzz{os.getpid()}-{number}@example.org"}


def fits(body):
    return (
        isinstance(body, dict)
        and {"email", "password"} <= body.keys() <= {"email", "password", "name"}
        and all(isinstance(value, str) for value in body.values())
    )


def otlp_bodies():
    span = strategies.fixed_dictionaries(
        {
            "trace_id": strategies.sampled_from([b"", b"\1" * 16, b"\0" * 16, b"x"]),
            "span_id": strategies.binary(min_size=8, max_size=8),
            "name": strategies.text(),
            "start_time_unix_nano": strategies.integers(0, 2**64 - 1),
            "end_time_unix_nano": strategies.integers(0, 2**64 - 1),
            "kind": strategies.integers(-1, 9),
        }
    )
    spans = strategies.lists(span, max_size=3)
    sound = spans.map(
        lambda spans: ExportTraceServiceRequest(
            resource_spans=[{"scope_spans": [{"spans": spans}]}]
        ).SerializeToString()
    )
    return strategies.one_of(sound, strategies.binary())


schemathesis.openapi.media_type(PROTOBUF, otlp_bodies())


@schemathesis.serializer(PROTOBUF)
def as_it_is(context, value):
    return value


register()
