"""What exporters send: requests of OTLP with traces of agents, as protobuf messages and as JSON."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final, cast

from google.protobuf import json_format
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy  # noqa: TC002 -- the public types stay resolvable at run time
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ams_sdk.testing._strategies.bounds import check_sizes
from ams_sdk.testing._strategies.span_trees import span_trees
from ams_sdk.testing._trace.captured_span import CapturedSpan  # noqa: TC001 -- as above
from ams_sdk.testing._trace.otlp_json import to_otlp_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ams_sdk.testing._strategies.json_schemas import JsonObject

__all__ = ["as_document", "as_message", "export_documents", "export_requests"]

_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


def export_requests(
    *, traces: SearchStrategy[list[CapturedSpan]] | None = None, max_traces: int = 2
) -> SearchStrategy[ExportTraceServiceRequest]:
    """Requests as protobuf messages; ``SerializeToString()`` is the body.

    Args:
        traces: what they hold; ``span_trees()`` if not given. No two of a request have the same trace id.
        max_traces: at most so many; an exporter may also send none.

    Raises:
        ConfigurationError: a size is none.
    """
    return _several(traces, max_traces, "export_requests").map(as_message)


def export_documents(
    *, traces: SearchStrategy[list[CapturedSpan]] | None = None, max_traces: int = 2
) -> SearchStrategy[JsonObject]:
    """Requests in OTLP's JSON: ids in hex, numbers of 64 bits as texts.

    Args:
        traces: what they hold; ``span_trees()`` if not given. No two of a request have the same trace id.
        max_traces: at most so many; an exporter may also send none.

    Raises:
        ConfigurationError: a size is none.
    """
    return _several(traces, max_traces, "export_documents").map(as_document)


def as_document(spans: Iterable[CapturedSpan]) -> JsonObject:
    """The request that holds these spans, in OTLP's JSON."""
    document: JsonObject = json.loads(to_otlp_json(spans))
    return document


def as_message(spans: Iterable[CapturedSpan]) -> ExportTraceServiceRequest:
    """The request that holds these spans, as a protobuf message."""
    # OTLP's JSON is protobuf's, but for the ids.
    return json_format.ParseDict(_with_ids_in_base64(as_document(spans)), ExportTraceServiceRequest())


def _several(
    traces: SearchStrategy[list[CapturedSpan]] | None, most: int, strategy: str
) -> SearchStrategy[list[CapturedSpan]]:
    check_sizes(strategy, max_traces=most)
    chosen = span_trees() if traces is None else traces
    return st.lists(chosen, max_size=most, unique_by=lambda spans: spans[0].trace_id).map(
        lambda found: [span for spans in found for span in spans]
    )


def _with_ids_in_base64(value: object) -> Any:  # noqa: ANN401 -- any JSON value
    if isinstance(value, dict):
        return {
            name: base64.b64encode(bytes.fromhex(cast("str", inner))).decode()
            if name in _IDS
            else _with_ids_in_base64(inner)
            for name, inner in cast("Mapping[str, object]", value).items()
        }
    if isinstance(value, list):
        return [_with_ids_in_base64(inner) for inner in cast("list[object]", value)]
    return value
