"""The same request to two platforms, and their answers with what must differ between them mapped to each other."""

from __future__ import annotations

import base64
import json
import re
from typing import NamedTuple

from google.protobuf import json_format
from google.rpc import status_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
KEY = re.compile(r"(ams_[0-9a-z]{8})_[0-9A-Za-z]{43}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
MADE_BY_THE_PLATFORM = {"created_at", "updated_at", "last_used_at"}
UNNAMED = {"server", "date"}  # headers that every server may fill as it likes
PROTOBUF = "application/x-protobuf"


class Difference(AssertionError):  # noqa: N818 -- it is one
    """The platforms answer one request differently."""


class Pair(NamedTuple):
    """What stands for the same thing on both platforms."""

    mock: str
    server: str

    @classmethod
    def of(cls, text):
        return text if isinstance(text, cls) else cls(text, text)

    def map(self, change):
        return type(self)(*map(change, self))

    def __repr__(self):
        return self.mock if self.mock == self.server else " | ".join(f"{text[:24]}…{text[-6:]}" for text in self)


def joined(*parts):
    return Pair(*map("".join, zip(*map(Pair.of, parts), strict=True)))


class Side:
    """One platform, and the labels of what it has named."""

    def __init__(self, client):
        self.client = client
        self.labels = {}

    def label(self, kind, text):
        """The same label for the same text, numbered in the order in which they were first seen."""
        return self.labels.setdefault((kind, text), f"<{kind} {sum(known == kind for known, _ in self.labels)}>")

    def ask(self, method, path, headers, query, content):
        sent = {} if query is None else {"params": query}
        return self.client.request(method, path, headers=headers, content=content, **sent)

    def seen(self, response):
        """What of an answer has to be the same on both sides."""
        headers = {name: response.headers[name] for name in response.headers.keys() - UNNAMED}
        sent = response.request.headers.get("x-request-id", "")
        said = headers["x-request-id"]
        assert REQUEST_ID.fullmatch(said), said
        headers["x-request-id"] = said if said == sent else "<new>"
        headers.pop("content-length", None)  # of ids and times, which differ in length
        if response.status_code == 415:
            # Nobody says whether a body that is refused by its type is read to its end before the next request.
            headers.pop("connection", None)
        if "allow" in headers:
            headers["allow"] = sorted(headers["allow"].split(", "))
        return {
            "status": response.status_code,
            "headers": dict(sorted(headers.items())),
            "has a length": "content-length" in response.headers,
            "body": self.body(response, said),
        }

    def body(self, response, request_id):
        if not response.content:
            return None
        kind = response.headers["content-type"]
        if kind == PROTOBUF:
            message = ExportTraceServiceResponse() if response.status_code == 200 else status_pb2.Status()
            return json_format.MessageToDict(type(message).FromString(response.content))
        document = response.json()
        if isinstance(document, dict) and "request_id" in document:
            assert document.pop("request_id") == request_id
        return self.mapped(document)

    def mapped(self, value, name=""):  # noqa: PLR0911 -- a line for each kind of value
        if isinstance(value, dict):
            if "key" in value and KEY.fullmatch(str(value["key"])):
                assert KEY.fullmatch(value["key"])[1] == value["prefix"]
            return {key: self.mapped(inner, key) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.mapped(inner) for inner in value]
        if not isinstance(value, str):
            return value
        if name in MADE_BY_THE_PLATFORM and TIME.fullmatch(value):
            return self.label("time", value)
        if name == "access_token":
            return self.claims(value)
        if name == "key" or (name == "prefix" and value.startswith("ams_")):
            return self.label(name, value)
        if name == "next_cursor":
            return "<cursor>"
        return UUID.sub(lambda found: self.label("id", found[0]), value)

    def claims(self, token):
        header, claims = (json.loads(base64.urlsafe_b64decode(f"{part}===")) for part in token.split(".")[:2])
        lasts = claims.pop("exp") - claims.pop("iat")
        return {
            "header": header | {"kid": type(header["kid"]).__name__},
            "claims": claims | {"sub": self.label("id", claims["sub"]), "jti": type(claims["jti"]).__name__},
            "lasts": lasts,
        }


class Sides:
    """Both platforms."""

    def __init__(self, mock, server):
        self.sides = Side(mock), Side(server)
        self.history = []
        self.credentials, self.ended, self.ids, self.agent_ids, self.cursors = [], [], [], [], []

    def ask(self, method, path, *, headers=(), query=None, content=None):
        """Send a request to both, compare the answers, keep what later requests can use, and give the status."""
        asked = f"{method} {path} {headers or ''} {query or ''} {content if content is None else content[:300]}"
        responses = [
            side.ask(
                method,
                Pair.of(path)[index],
                [(name, Pair.of(value)[index].encode("utf-8")) for name, value in headers],
                query and {name: Pair.of(value)[index] for name, value in query.items()},
                content,
            )
            for index, side in enumerate(self.sides)
        ]
        mock, server = (side.seen(response) for side, response in zip(self.sides, responses, strict=True))
        if mock != server:
            differing = [name for name in mock if mock[name] != server[name]]
            lines = [f"  {name}:\n    mock:   {mock[name]}\n    server: {server[name]}" for name in differing]
            raise Difference(
                "\n".join([f"{asked} is answered differently:", *lines, "Before it:", *self.history[-30:]])
            )
        self.history.append(f"  {asked} -> {mock['status']}")
        self.keep(*responses)
        return mock["status"]

    def keep(self, *responses):
        if not all("json" in response.headers.get("content-type", "") and response.content for response in responses):
            return
        self.keep_parts(*(response.json() for response in responses))

    def keep_parts(self, mock, server):
        if isinstance(mock, dict):
            for name in mock:
                pair = (mock[name], server[name])
                if (
                    name in {"access_token", "key"}
                    and isinstance(mock[name], str)
                    and mock[name].startswith(("ey", "ams_"))
                ):
                    self.credentials.append(Pair(*pair))
                elif name == "id" and UUID.fullmatch(str(mock[name])):
                    self.remember(self.agent_ids if "revision" in mock else self.ids, Pair(*pair))
                elif name == "next_cursor" and mock[name] is not None:
                    self.cursors.append(Pair(*pair))
                else:
                    self.keep_parts(*pair)
        elif isinstance(mock, list):
            for one, other in zip(mock, server, strict=True):
                self.keep_parts(one, other)

    @staticmethod
    def remember(known, pair):
        if pair not in known:
            known.append(pair)
