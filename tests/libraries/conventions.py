"""In what a span departs from the conventions: as the testing kit says it, and of HTTP.

Each departure is a short text, the same for every span that departs in this way, so that departures can be listed.
"""

from __future__ import annotations

from ams_sdk.testing._trace.captured_span import CapturedSpan
from ams_sdk.testing._trace.conventions import departures as departures_of_one
from ams_sdk.testing._trace.conventions import departures_of_status

INFERENCE = {"chat", "generate_content", "text_completion"}


def departures(span) -> set[str]:
    """In what a span departs from the conventions; empty for a span that is none of theirs."""
    attributes = dict(span.attributes or {})
    made = CapturedSpan(
        name=span.name,
        trace_id="",
        span_id="",
        start_ns=0,
        end_ns=0,
        kind=span.kind.name.lower(),
        status=span.status.status_code.name.lower(),
        attributes=attributes,
    )
    found = {*departures_of_one(made), *departures_of_status(made)}
    if made.operation is None and "http.method" in attributes:
        found.add("http: names from before HTTP's conventions were stable")
    return found
