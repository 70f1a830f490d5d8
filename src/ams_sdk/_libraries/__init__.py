"""Auto-tracing: installed libraries are traced by the OpenTelemetry instrumentors that are installed beside them."""

from ams_sdk._libraries.table import LIBRARIES, Kind, Library, select
from ams_sdk._libraries.tracing import LibraryTracing

__all__ = ["LIBRARIES", "Kind", "Library", "LibraryTracing", "select"]
