"""The tests on docs/testing.md and in the README pass, and fail as they say."""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.+?)^```$", page, re.MULTILINE | re.DOTALL)


TESTS = [block for page in (PAGE, README) for block in blocks(page, "python") if "def test_" in block]
FIRST = next(block for block in blocks(README, "python") if "def test_" in block)


@pytest.fixture
def suite(pytester, monkeypatch):
    for name in list(os.environ):
        if name.startswith(("AMS_", "COV_", "COVERAGE_")):
            monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\n")
    (pytester.path / "researcher.py").write_text((ROOT / "examples" / "researcher.py").read_text(encoding="utf-8"))

    def run(source):
        pytester.makepyfile(test_page=source)
        return pytester.runpytest_subprocess("-p", "no:schemathesis", "-p", "no:xdist", "-W", "error")

    return run


@pytest.mark.parametrize("source", TESTS, ids=range(len(TESTS)))
def test_the_tests_of_the_pages_pass(suite, source):
    suite(source).assert_outcomes(passed=source.count("def test_") + source.count(".TestCase"))


def test_the_page_has_the_test_of_the_readme():
    assert FIRST in PAGE


@pytest.mark.parametrize("page", [PAGE, README], ids=["page", "README"])
def test_the_failure_is_what_the_pages_show(suite, page):
    result = suite(FIRST.replace('query="otters", times', 'query="otter", times'))
    result.assert_outcomes(failed=1)
    output = textwrap.dedent(re.sub(r"^E {6,7}", "", result.stdout.str(), flags=re.MULTILINE))
    (shown,) = [block for block in blocks(page, "text") if "was to call search" in block]
    said = [line.rstrip() for line in output.splitlines()]
    for line in shown.splitlines():
        assert any(line.strip() in one for one in said), line
