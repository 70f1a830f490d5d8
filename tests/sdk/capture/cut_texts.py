"""Texts of which nothing is known but that they go on behind their end."""

from ams_sdk._capture.cut_end import without_cut_secret
from ams_sdk._capture.redaction import redact_text


def redact_cut_text(text):
    return redact_text(without_cut_secret(text, len(text), len(text) + 1))
