"""The golden answers: what the server answers, each of them compared; AMS_REWRITE_GOLDEN=1 writes the files again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ams_sdk.testing.contract import PlatformUnderTest, golden, judge

FOLDER = Path(golden.__file__).parent / "golden"
REWRITES = os.environ.get("AMS_REWRITE_GOLDEN") == "1"  # before the fixture that takes such settings away


def as_text(body):
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.slow
def test_the_files_are_what_the_server_answers(sqlite_server, monkeypatch):
    seen = {}

    def note(name, body):
        found = as_text(golden.normalised(body))
        assert seen.setdefault(name, found) == found  # in both encodings the same, and however it is brought about
        return []

    monkeypatch.setattr(golden, "differences", note)
    with PlatformUnderTest(sqlite_server) as platform:
        assert not [verdict for verdict in judge(platform) if verdict.broken]
    if REWRITES:
        for name, text in seen.items():
            (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
    assert {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == seen
