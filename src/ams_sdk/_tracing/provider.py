"""Our tracer provider: the SDK's own, whose tracers make our spans and are lent while it serves the process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace import TracerProvider

from ams_sdk._tracing.model_call import TRACE_THEMSELVES, SelectiveTracer
from ams_sdk._tracing.process_resource import process_resource
from ams_sdk._tracing.tracer import OwnTracer

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer
    from opentelemetry.util.types import Attributes

__all__ = ["OwnProvider"]


class OwnProvider(TracerProvider):
    """A tracer provider with the SDK's constructor and methods, and spans of ours.

    Attributes:
        is_lent: whether it serves, or served, as OpenTelemetry's global provider by our doing. Then its tracers start
            each span with whoever serves at that moment.
    """

    is_lent = False

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """The tracer of a library; the same one for the same library."""
        scope = (instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        tracer = super().get_tracer(*scope)
        if type(tracer) is SdkTracer:
            tracer = OwnTracer.from_sdk(tracer, self, scope)
        return SelectiveTracer(tracer) if instrumenting_module_name in TRACE_THEMSELVES else tracer

    def _handle_fork(self) -> None:
        self._tracers_lock = threading.Lock()
        self._update_resource(process_resource())
