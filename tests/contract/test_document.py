"""docs/contract.md lists the rules; AMS_REWRITE_GOLDEN=1 writes the list again."""

from __future__ import annotations

import os
from itertools import groupby
from pathlib import Path

from ams_sdk.testing.contract import select

DOCUMENT = Path(__file__).parents[2] / "docs" / "contract.md"
HEADING = "## The rules\n"
REWRITES = os.environ.get("AMS_REWRITE_GOLDEN") == "1"  # before the fixture that takes such settings away


def listed():
    for group, rules in groupby(select(), lambda rule: rule.group):
        yield f"### {group}\n\n| rule | what the contract says |\n|---|---|"
        yield "\n".join(f"| `{rule.name}` | {rule.says} |" for rule in rules) + "\n"


def test_the_document_lists_the_rules():
    begin, _, found = DOCUMENT.read_text(encoding="utf-8").partition(HEADING)
    expected = "\n" + "\n".join(listed())
    if REWRITES:
        DOCUMENT.write_text(begin + HEADING + expected, encoding="utf-8")
    else:
        assert found == expected
    assert f"{len(select())} rules: " in begin
