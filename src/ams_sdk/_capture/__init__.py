"""A value becomes a bounded, redacted JSON string. Pure: nothing here knows of spans."""

from ams_sdk._capture.redaction import REDACTED, redact_text
from ams_sdk._capture.rendering import render, render_text

__all__ = ["REDACTED", "redact_text", "render", "render_text"]
