"""A value becomes a bounded, redacted JSON string. Pure: nothing here knows of spans."""

from ams_sdk._capture.atoms import NOT_ATOMS, quoted, render_atom, render_secret_atom, size_of_atoms
from ams_sdk._capture.redaction import REDACTED, redact_text
from ams_sdk._capture.rendering import MAX_TEXT, render, render_text
from ams_sdk._capture.secret_names import is_secret_name

__all__ = [
    "MAX_TEXT",
    "NOT_ATOMS",
    "REDACTED",
    "is_secret_name",
    "quoted",
    "redact_text",
    "render",
    "render_atom",
    "render_secret_atom",
    "render_text",
    "size_of_atoms",
]
