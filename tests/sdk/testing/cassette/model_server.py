"""A model's endpoint, as simple as cassettes allow: what it is asked decides what it says."""

from __future__ import annotations

import gzip
import json

from ams_sdk.testing._http import Chunk, Response

JSON = (("content-type", "application/json"), ("set-cookie", "session=abcdefgh"), ("x-request-id", "r-1"))
EVENTS = (("content-type", "text/event-stream; charset=utf-8"),)


class ModelServer:
    def __init__(self) -> None:
        self.asked = []
        self.answers = {}

    def body_limit(self, _):
        return 2**20

    def answer(self, request):
        self.asked.append(request)
        if request.path in self.answers:
            return self.answers[request.path]
        if request.path == "/events":
            return Response(200, EVENTS, self.events())
        if request.path == "/zipped":
            packed = gzip.compress(b'{"packed": true}')
            return Response(200, (*JSON, ("content-encoding", "gzip")), packed)
        if request.path == "/busy":
            return Response(429, (("retry-after", "3"),), b"busy")
        if request.path == "/binary":
            return Response(200, (("content-type", "application/octet-stream"),), bytes(range(256)))
        said = json.loads(request.body) if request.body else {}
        return Response(200, JSON, json.dumps({"echo": said, "number": len(self.asked)}).encode())

    def events(self):
        yield Chunk(b'event: start\ndata: {"text": "Ott')
        yield Chunk(b'ers"}\n\nid: 7\ndata: pl', after=0.03)
        yield Chunk(b"ain\ndata: text\n\n", after=0.03)
        yield Chunk(b'data: "quoted"\n\ndata: [DONE]\n\n')
