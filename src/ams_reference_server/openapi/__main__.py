"""``python -m ams_reference_server.openapi > docs/openapi.json`` writes the committed document."""

from __future__ import annotations

import sys

from ams_reference_server.openapi import encoded

if __name__ == "__main__":
    sys.stdout.buffer.write(encoded())
