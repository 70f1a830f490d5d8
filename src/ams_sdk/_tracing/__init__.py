"""The engine: whose provider serves, what leaves the process, and how it ends in time."""

from ams_sdk._tracing.engine import Engine
from ams_sdk._tracing.pipeline import Counts, Pipeline

__all__ = ["Counts", "Engine", "Pipeline"]
