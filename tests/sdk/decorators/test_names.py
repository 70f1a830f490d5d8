from __future__ import annotations

import functools
import subprocess
import sys

import pytest

from ams_sdk._decorators.names import checked_name, code_name_of, name_of


class Some:
    def method(self):
        pass


def test_the_place_of_code_is_its_module_and_its_qualified_name():
    assert code_name_of(Some.method) == f"{__name__}.Some.method"
    assert code_name_of(Some) == f"{__name__}.Some"
    assert (
        code_name_of(lambda: 1)
        == f"{__name__}.{test_the_place_of_code_is_its_module_and_its_qualified_name.__name__}.<locals>.<lambda>"
    )


def test_what_has_no_place_has_none():
    assert code_name_of(functools.partial(print)) is None
    assert code_name_of(7) is None


def test_a_program_is_found_by_the_name_of_its_file(tmp_path):
    program = tmp_path / "my_agent.py"
    program.write_text(
        "from ams_sdk._decorators.names import code_name_of\ndef researcher(): pass\nprint(code_name_of(researcher))\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    assert done.stdout == "my_agent.researcher\n"
    done = subprocess.run([sys.executable, "-c", program.read_text()], capture_output=True, text=True, check=True)
    assert done.stdout == "__main__.researcher\n"


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("search", "search"),
        ("<lambda>", "_lambda_"),
        ("über_agent", "uber_agent"),
        ("調査", "u8abfu67fb"),
        ("翻訳", "u7ffbu8a33"),
        ("naïve\u2014agent", "naive_agent"),
        ("\u0301", "_"),
        ("x" * 200, "x" * 128),
    ],
)
def test_a_name_of_any_letters_becomes_one_that_the_platform_takes(name, made):
    decorated = type("Any", (), {})
    decorated.__name__ = name
    assert name_of(decorated) == made
    checked_name(made, "tool")
