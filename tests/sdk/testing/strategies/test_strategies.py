"""The module by itself: what it is called by, and what it needs."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given

from ams_sdk.testing import strategies

WITHOUT = """
import importlib.util, sys
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "hypothesis" else real(name, *rest)
import ams_sdk
import ams_sdk.testing
try:
    {statement}
except ams_sdk.MissingExtraError as error:
    print(error)
assert "hypothesis" not in sys.modules
"""
UNTOUCHED = """
import sys
import ams_sdk
import ams_sdk.testing
for name in ams_sdk.testing.__all__:
    if name != "PlatformMachine":
        getattr(ams_sdk.testing, name)
assert "hypothesis" not in sys.modules
assert not any("_strategies" in name for name in sys.modules)
"""


def run(code):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_hypothesis_it_says_what_to_install():
    said = run(WITHOUT.format(statement="from ams_sdk.testing import strategies"))
    assert "ams_sdk.testing.strategies needs the extra 'testing'" in said
    assert "pip install '.[testing]'" in said


def test_nothing_else_of_the_kit_imports_hypothesis():
    assert run(UNTOUCHED) == ""


def test_each_name_is_documented():
    functions = [getattr(strategies, name) for name in strategies.__all__ if name.islower()]
    assert len(functions) >= 20
    assert all(function.__doc__ and function.__annotations__["return"] for function in functions)


@given(strategies.texts(min_size=1, max_size=3))
def test_texts_are_kept_by_every_platform(text):
    assert 1 <= len(text) <= 3
    assert "\0" not in text
    assert text.encode().decode() == text
