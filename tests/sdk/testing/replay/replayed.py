"""A written test is run without pytest: its function, with fixtures of a kit of its own."""

from __future__ import annotations

import inspect
from contextlib import suppress

from ams_sdk.testing import Kit, TraceView
from ams_sdk.testing._replay import written_test
from ams_sdk.testing._trace.otlp_json import to_otlp_json


def recorded(call, *steps, **settings):
    """The trace of what ``call`` does, with a model that says these steps."""
    with Kit(**settings) as kit:
        model = kit.model()
        model.script(*steps)
        with suppress(Exception):  # what the agent raises is on its span
            call()
        # As a file would have it.
        return TraceView.from_otlp_json(to_otlp_json([*kit.trace.spans, *kit.trace.open_spans]))


def replay(source):
    """Run the test that the text is."""
    namespace = {}
    exec(compile(source, "<written>", "exec"), namespace)  # noqa: S102 -- that is what is tested
    (test,) = (one for name, one in namespace.items() if name.startswith("test_"))
    with Kit() as kit:
        fixtures = {"ams_trace": lambda: kit.trace, "ams_llm": kit.model, "ams_tools": kit.tools}
        test(**{name: fixtures[name]() for name in inspect.signature(test).parameters})
        kit.verify()


def source_of(trace, **options):
    return written_test(trace, **options).source
