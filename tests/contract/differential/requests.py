"""What is asked: sound requests and broken ones, from few values, so that they meet."""

from __future__ import annotations

import gzip
import json
import zlib

from hypothesis import strategies as st

from ams_sdk.testing import strategies
from ams_sdk.testing._strategies.export_requests import as_document, as_message

JSON, PROTOBUF = "application/json", "application/x-protobuf"
BLANK_SPELLINGS = ["{}", "{}", "{}", " {}", "{} "]


def encoded(value):
    return json.dumps(value).encode()


# --- who asks ---------------------------------------------------------------------------------------------------------

RAW = ["Bearer", "Bearer x", "bearer a.b.c", "Bearer ams_x", "Basic YTpi", "", "\u00e4", "Bearer \u00e4"]
DAMAGES = [*["ended"] * 3, "cut", "longer", "swapped", "lower scheme", "blanks", "basic", "twice"]


@st.composite
def credentials(draw):
    """How a request says who asks, and which of the known credentials it takes for that."""
    # hypothesis takes each alternative of one_of() once, however often it is given; a list counts.
    how = draw(st.sampled_from([*["known"] * 20, "none", "raw", *DAMAGES]))
    return how, draw(st.sampled_from(RAW) if how == "raw" else st.integers(0, 30))


CREDENTIALS = credentials()

# --- bodies of JSON ---------------------------------------------------------------------------------------------------

EMAILS = st.sampled_from(["a", "A", "b", "\u00df", "ss", "\uff41", "a+b", "a..b", ".a", "a b", "a@b", ""])
DOMAINS = st.sampled_from(
    ["x.org", "X.org", "b\u00fccher.example", "xn--bcher-kva.example", "x", "x..org", "x.org.", ""]
)
PASSWORDS = st.one_of(
    st.sampled_from(
        ["Correct-horse-7", "Correct-horse-7x", "Wrong-horse-9", "Password1!", "short", "", "\u00c4\u0308" * 20 + "a1!"]
    ),
    strategies.refused_passwords().map(lambda refused: refused.text),
)
NEARLY_RIGHT = ("Correct-horse-7x", "Correct-horse-7 ", " Correct-horse-7", "Correct-horse-", "correct-horse-7")
"""Of the two people who are always there: drawn among all passwords and addresses they would be met too seldom."""
ODD = st.sampled_from([None, 0, -1, 1.5, True, "", "x", "\0", "\ud800", [], ["x"], {}, {"x": None}, "x" * 300, 2**70])


@st.composite
def damaged(draw, sound):
    """A sound body, sometimes with a field that is missing, odd or unknown."""
    body = dict(draw(sound))
    how = draw(st.sampled_from(["not", "not", "not", "not", "not", "missing", "odd", "unknown"]))
    if how == "unknown":
        return body | {draw(st.sampled_from(["nam", "id", "email ", "\0"])): draw(ODD)}
    if how != "not" and body:
        name = draw(st.sampled_from(sorted(body)))
        if how == "missing":
            del body[name]
        else:
            body[name] = draw(ODD)
    return body


AGENTS = st.one_of(
    strategies.agent_registrations(
        names=st.sampled_from(["one", "two", "Two"]), versions=st.sampled_from(["1", "2"])
    ).map(lambda wanted: wanted.model_dump(mode="json", exclude_defaults=True)),
    st.fixed_dictionaries(
        {"name": st.sampled_from(["one", "two"]), "version": st.just("1")},
        optional={
            "labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy")),
            "description": st.just("D\u00e9"),
        },
    ),
    st.fixed_dictionaries(
        {"name": st.sampled_from(["a b", "", "n" * 128, "n" * 129, "n\n", "\u00e9", "-n"]), "version": st.just("1")},
        optional={
            "tools": st.lists(
                st.fixed_dictionaries({"name": st.sampled_from(["t", ""])}, optional={"input_schema": ODD}), max_size=2
            )
        },
    ),
)
KEYS = st.fixed_dictionaries(
    {"name": st.sampled_from(["k", "", "k" * 200, "k" * 201])},
    optional={
        "expires_at": st.sampled_from(
            [
                None,
                "2999-01-01T00:00:00+02:00",
                "2999-01-01",
                "2001-01-01T00:00:00Z",
                "2999-01-01T00:00:00",
                "9999-12-31T23:59:59-14:00",
                99,
            ]
        )
    },
)
NOT_JSON = st.sampled_from(
    [
        *(
            b"",
            b"{",
            b"nul",
            b"\xff",
            b"[]",
            b"1",
            b'"x"',
            b"null",
            b"{} {}",
            b"\xef\xbb\xbf{}",
            b'{"a": NaN}',
            b'{"a": 1e999}',
        ),
        *(
            b"[" * 70 + b"]" * 70,
            b'{"a":' * 64 + b"1" + b"}" * 64,
            b"[" * 30_000,
            b" " * 65_537,
            b'{"name": "\\ud800", "version": "1"}',
        ),
        *(b'{"name": "one", "name": "two", "version": "1"}', b'{"name": "one", "version": "1", "version": "2"}'),
    ]
)
JSON_TYPES = st.sampled_from(
    [*[JSON] * 6, "Application/JSON; charset=utf-8", "application/json; charset=latin-1", "text/plain", PROTOBUF, None]
)
ENCODINGS = st.sampled_from([*[None] * 6, "identity", "gzip"])

# --- queries ----------------------------------------------------------------------------------------------------------

PAGES = st.fixed_dictionaries(
    {},
    optional={
        "limit": st.sampled_from(["1", "1", "2", "200", "201", "0", "-1", "x", " 1", "1.0", "", "\u0661", "1_0"]),
        "cursor": st.one_of(
            st.integers(0, 9),
            st.integers(0, 9),
            st.sampled_from(["", "x", "b25l", "MS4x", "\u00e4", "x" * 1025, "MjAyNi0wMS0wMQ"]),
        ),
    },
)
AGENT_QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "q": st.sampled_from(["O", "%", "_", "\u00c9", "x" * 201, "\0", ""]),
        "status": st.sampled_from(["active", "deprecated", "x"]),
    },
)
MOMENTS = st.sampled_from(
    [
        "2023-11-14T22:13:20Z",
        "2023-11-14T22:13:20.000001+01:00",
        "2023-11-14",
        "x",
        "0",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
    ]
)
TRACE_QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "agent": st.sampled_from(["one", "researcher", "x", "", "\0"]),
        "status": st.sampled_from(["ok", "error", "unset"]),
        "session": st.sampled_from(["session-1", "x"]),
        "since": MOMENTS,
        "until": MOMENTS,
        "min_duration": st.sampled_from(["0", "1", "0.5", "-1", "inf", "nan", "1e9", "1e10", "x"]),
        "q": st.sampled_from(["INVOKE", "%", "_", "00", "\u00e9"]),
    },
)

# --- OTLP -------------------------------------------------------------------------------------------------------------

IDS = st.sampled_from(["ab" * 16, "AB" * 16, "cd" * 16, "00" * 16, "ab", "", "zz" * 16, 7])
SPAN_IDS = st.sampled_from(["01" * 8, "02" * 8, "03" * 8, "00" * 8, "", "x", "AB" * 8, " 1" * 8])
TIMES = st.sampled_from(
    [
        "0",
        "1700000000000000000",
        1700000000000000001,
        "1700000001000000000",
        "9223372036854775807",
        "9223372036854775808",
        "-1",
        "x",
        None,
    ]
)
VALUES = st.sampled_from(
    [
        *(
            {"stringValue": "one"},
            {"stringValue": ""},
            {"stringValue": "\0"},
            {"stringValue": "chat"},
            {"intValue": "5"},
            {"intValue": 7},
        ),
        *(
            {"intValue": "-3"},
            {"intValue": "9223372036854775807"},
            {"doubleValue": "NaN"},
            {"doubleValue": 0.5},
            {"doubleValue": "-Infinity"},
        ),
        *(
            {"boolValue": True},
            {"bytesValue": "AQI="},
            {},
            {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "x"}, {}]}},
        ),
        *(
            {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": False}}]}},
            {"unknownValue": 1},
            {"intValue": "1.5"},
            {"stringValue": 5},
        ),
    ]
)
NAMES = st.sampled_from(
    [
        *(
            "gen_ai.agent.name",
            "gen_ai.operation.name",
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.output_tokens",
            "error.type",
        ),
        *("gen_ai.conversation.id", "ams.agent.id", "exception.type", "x", "", "\0"),
    ]
)
ATTRIBUTES = st.lists(st.fixed_dictionaries({"key": NAMES, "value": VALUES}), max_size=4)
SPANS = st.fixed_dictionaries(
    {"traceId": IDS, "spanId": SPAN_IDS},
    optional={
        "parentSpanId": SPAN_IDS,
        "name": st.sampled_from(["run", "step", "\0x", "n" * 300, ""]),
        "startTimeUnixNano": TIMES,
        "endTimeUnixNano": TIMES,
        "kind": st.sampled_from([0, 1, 3, 5, 9, "SPAN_KIND_SERVER"]),
        "status": st.sampled_from([{}, {"code": 1}, {"code": 2}, {"code": 2, "message": "it failed"}, {"code": 9}]),
        "attributes": ATTRIBUTES,
        "events": st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(["exception", "e"]), "timeUnixNano": TIMES, "attributes": ATTRIBUTES}
            ),
            max_size=2,
        ),
        "links": st.lists(
            st.fixed_dictionaries({"traceId": IDS, "spanId": SPAN_IDS, "attributes": ATTRIBUTES}), max_size=1
        ),
        "flags": st.just(257),
        "unknownField": st.just({"x": 1}),
        "trace_id": st.just("ab"),
    },
)
HAND_MADE = st.lists(SPANS, max_size=3).map(
    lambda spans: {
        "resourceSpans": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}]},
                "scopeSpans": [{"scope": {"name": "scope", "version": ""}, "spans": spans}],
            }
        ]
    }
)
FIRST_TRACE = {
    "resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "ab" * 16, "spanId": "04" * 8, "name": "first"}]}]}]
}
TREES = strategies.span_trees(max_spans=4, agents=st.sampled_from(["one", "two"]))
MANY = st.integers(127, 130).map(
    lambda count: {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": "ee" * 16,
                                "spanId": "01" * 8,
                                "attributes": [{"key": f"k{n}", "value": {"intValue": n}} for n in range(count)],
                            }
                        ]
                    }
                ]
            }
        ]
    }
)
PACKINGS = {
    None: lambda body: body,
    "identity": lambda body: body,
    "gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda body: body,
    "gzip, gzip": lambda body: gzip.compress(gzip.compress(body)),
    "gzip cut": lambda body: gzip.compress(body)[:-3],
    "gzip and more": lambda body: gzip.compress(body) + b"x",
    "gzip of nothing": lambda _body: b"",
}


@st.composite
def exports(draw):
    """A body, its type and its content encoding."""
    bodies = [
        *[TREES.map(lambda spans: (encoded(as_document(spans)), JSON))] * 3,
        *[TREES.map(lambda spans: (as_message(spans).SerializeToString(), PROTOBUF))] * 3,
        *[HAND_MADE.map(lambda document: (encoded(document), JSON))] * 4,
        MANY.map(lambda document: (encoded(document), JSON)),
        NOT_JSON.map(lambda body: (body, JSON)),
        st.binary(max_size=20).map(lambda body: (body, PROTOBUF)),
    ]
    body, kind = draw(draw(st.sampled_from(bodies)))
    kind = draw(st.sampled_from([*[kind] * 12, "text/plain", f"{kind}; charset=utf-8", None]))
    packing = draw(st.sampled_from([*[None] * 10, *["gzip"] * 5, *["gzip and more"] * 2, *PACKINGS]))
    encoding = packing and packing.removesuffix(" cut").removesuffix(" and more").removesuffix(" of nothing")
    return PACKINGS[packing](body), kind, encoding


# --- anything ---------------------------------------------------------------------------------------------------------

METHODS = st.sampled_from(["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "get"])
PATHS = st.sampled_from(
    [
        *(
            "/",
            "/api",
            "/api/",
            "/v1/",
            "/v1",
            "/health/live",
            "/health/ready",
            "/health/live/",
            "/health",
            "/api/auth/register",
            "/api/auth/login",
        ),
        *(
            "/api/auth/login/",
            "/api/auth/logout",
            "/api/users/me",
            "/api/users/me/",
            "/api/users",
            "/api/keys",
            "/api/keys/",
            "/api/keys/x",
            "/api/keys/x/y",
        ),
        *(
            "/api/agents",
            "/api/agents/",
            "/api/agents/one",
            "/api/agents/%6fne",
            "/api/agents/one%2Fx",
            "/api/agents/%00",
            "/api/agents/%ff",
            "//api/agents",
        ),
        *(
            "/api/traces",
            "/api/traces/",
            "/api/traces/x",
            "/v1/traces",
            "/v1/traces/",
            "/v1/logs",
            "/v1/nope",
            "/API/agents",
            "/nope",
            "/api/agents;x",
            "/a%20b",
        ),
    ]
)
REQUEST_IDS = st.sampled_from([*[None] * 8, "mine-1.A_b", "a b", "", "x" * 128, "x" * 129, "\u00e4"])
