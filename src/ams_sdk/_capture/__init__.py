"""A value becomes a bounded, redacted JSON string. Pure: nothing here knows of spans."""

from ams_sdk._capture.redaction import REDACTED, redact_text
from ams_sdk._capture.rendering import render, render_text
from ams_sdk._capture.secret_names import is_secret_name

__all__ = ["REDACTED", "is_secret_name", "redact_text", "render", "render_text"]
