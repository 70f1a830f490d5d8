"""langsmith: `Client()` and `@traceable`."""

from __future__ import annotations

import datetime as dt
import json

import langsmith
import requests
from tests.rows.seen import SeenSpan, keep, read
from tests.rows.subject import NoSuchThing, Setup, Typed

_NOTHING = object()


class Recording(requests.Session):
    """What its client would send over HTTP, kept instead, after all that the client does with it."""

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self._setup = setup
        self._runs: dict[str, dict[str, object]] = {}

    def request(self, method, url, **kwargs):
        if method in {"POST", "PATCH"}:
            body = json.loads(kwargs["data"])
            run = self._runs.setdefault(str(body["id"]), {})
            run.update((name, value) for name, value in body.items() if value is not None)
            if run.get("end_time"):
                keep(self._setup.file, _seen(run))
        if self._setup.state == "down":
            raise requests.ConnectionError("nothing listens there")
        answer = requests.Response()
        answer.status_code, answer._content, answer.url = 200, b"{}", url
        return answer


def _seen(run) -> SeenSpan:
    error = run.get("error")
    said = {name: run.get(name) for name in ("name", "inputs", "outputs", "error", "events", "tags", "extra")}
    return SeenSpan(
        name=str(run["name"]),
        trace_id=str(run["trace_id"]),
        span_id=str(run["id"]),
        parent_id=run.get("parent_run_id"),
        start=_nanoseconds(run["start_time"]),
        end=_nanoseconds(run["end_time"]),
        is_error=error is not None,
        exception_events=int(error is not None),
        text=json.dumps(said, ensure_ascii=False),
        attributes=said,
    )


def _nanoseconds(text) -> int:
    when = dt.datetime.fromisoformat(str(text))
    if when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    return int(when.timestamp() * 1_000_000) * 1_000


class Langsmith:
    name = "langsmith"
    distributions = ("langsmith",)
    typed = Typed("from langsmith import traceable as deco", 'deco(name="heron")')
    note = (
        "`langsmith.configure(client=Client(api_url=…, api_key=…), enabled=True)` and `@traceable`; where spans are "
        "looked at, with a session that keeps what would be sent, and without batches"
    )
    secret = None

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.records = setup.state != "unconfigured" and setup.file is not None
        self._client = None

    def configure(self) -> None:
        if self.setup.state == "unconfigured":
            return
        if self.setup.file:
            self._client = langsmith.Client(
                "http://127.0.0.1:1", api_key="ls-key", session=Recording(self.setup), auto_batch_tracing=False, info={}
            )
        else:
            self._client = langsmith.Client(self.setup.address, api_key="ls-key")
        langsmith.configure(client=self._client, enabled=True)

    def close(self) -> None:
        if self._client is not None:
            self._client.flush()
        langsmith.configure(client=None, enabled=None)

    def tool(self, function=_NOTHING, /, *, name=None, entrypoint=None):
        return self._traceable(function, name, entrypoint, "tool")

    def agent(self, function=_NOTHING, /, *, name=None, entrypoint=None):
        return self._traceable(function, name, entrypoint, "chain")

    def _traceable(self, function, name, entrypoint, kind):
        if entrypoint is not None:
            raise NoSuchThing("there is no way to decorate a class and name its entry method")
        if function is not _NOTHING:
            return langsmith.traceable(function)
        return langsmith.traceable(name=name, run_type=kind) if name else langsmith.traceable(run_type=kind)

    def spans(self):
        if self._client is not None:
            self._client.flush()
        return read(self.setup.file)

    def inject(self, headers) -> None:
        run = langsmith.get_current_run_tree()
        headers.update(run.to_headers() if run else {})

    def extract(self, headers):
        return langsmith.tracing_context(parent=dict(headers))

    @staticmethod
    def arrived(path: str, body: bytes) -> list[tuple[str, str]]:
        if not path.endswith("/runs/batch"):
            return []
        said = json.loads(body)
        runs = [*(said.get("post") or []), *(said.get("patch") or [])]
        return [(str(run["id"]), json.dumps(run, ensure_ascii=False)) for run in runs if run.get("end_time")]


SUBJECT = Langsmith
