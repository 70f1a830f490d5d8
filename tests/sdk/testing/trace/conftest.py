"""Failure texts that are compared with files; AMS_REWRITE_GOLDEN=1 writes those files again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ams_sdk.testing._trace.failure import TraceAssertionError

FOLDER = Path(__file__).parent / "golden"
REWRITES = os.environ.get("AMS_REWRITE_GOLDEN") == "1"  # before the fixture that takes such settings away


@pytest.fixture
def fails_as():
    """Runs something that fails, and compares what it says with a file."""

    def check(name, call):
        with pytest.raises(TraceAssertionError) as caught:
            call()
        text = f"{caught.value}\n"
        file = FOLDER / f"{name}.txt"
        if REWRITES:
            FOLDER.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8")
        lines = text.splitlines()
        assert len(lines) <= 60
        assert max(map(len, lines)) <= 120
        return text

    return check
