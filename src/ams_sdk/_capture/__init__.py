"""A value becomes a bounded, redacted JSON string. Pure: nothing here knows of spans."""

from ams_sdk._capture import mask_counts, rules
from ams_sdk._capture.atoms import NOT_ATOMS, cut_atoms, quoted, render_atom, render_secret_atom, size_of_atoms
from ams_sdk._capture.attributes import redact_attributes, redact_line, redact_name
from ams_sdk._capture.contents import HIDDEN
from ams_sdk._capture.redaction import redact_text
from ams_sdk._capture.rendering import MAX_KEPT, MAX_TEXT, CutText, render, render_text
from ams_sdk._capture.rules import REDACTED, Rules, compile_rules, use_rules
from ams_sdk._capture.secret import Secret, is_marked_secret
from ams_sdk._capture.secret_names import holds_secret, is_secret_name

__all__ = [
    "HIDDEN",
    "MAX_KEPT",
    "MAX_TEXT",
    "NOT_ATOMS",
    "REDACTED",
    "CutText",
    "Rules",
    "Secret",
    "compile_rules",
    "cut_atoms",
    "holds_secret",
    "is_marked_secret",
    "is_secret_name",
    "mask_counts",
    "quoted",
    "redact_attributes",
    "redact_line",
    "redact_name",
    "redact_text",
    "render",
    "render_atom",
    "render_secret_atom",
    "render_text",
    "rules",
    "size_of_atoms",
    "use_rules",
]
