"""What the platform is told about agents that are classes, methods and other callables."""

import functools
import linecache
import sys
import types

import pytest

from ams_sdk import agent, tool
from ams_sdk._decorators import definition_of
from ams_sdk._registration import registration_of


@tool
def of_the_module(what: str) -> str:
    return what


@agent(version="3")
class Librarian:
    """Finds books."""

    @tool
    def search(self, title: str, limit: int = 3) -> list[str]:
        """Search the shelf."""
        return [title] * limit

    def run(self, question: str) -> str:
        return self.search(question)[0]


class Desk:
    @tool
    def look(self, where: str) -> str:
        return where

    @agent
    def method(self, question: str) -> str:
        return self.look(question)


def test_a_class_registers_its_entry_method_and_the_tools_of_the_class_too():
    record = registration_of(definition_of(Librarian))
    assert (record.name, record.version, record.description) == ("Librarian", "3", "Finds books.")
    assert record.input_schema["required"] == ["question"]
    assert record.output_schema == {"type": "string"}
    named = {one.name: one for one in record.tools}
    assert named["search"].input_schema["required"] == ["title"]
    assert "of_the_module" in named


def test_a_method_finds_the_tools_of_its_class():
    assert "look" in {one.name for one in registration_of(definition_of(Desk.method)).tools}


def test_the_fingerprint_of_a_class_is_that_of_all_its_code():
    source = "class Worker:\n    def run(self): return self.help()\n    def help(self): return {}\n"
    seen = set()
    for value in (1, 2):
        lines = source.format(value).splitlines(keepends=True)
        name = f"<{value}>.py"[1:]
        linecache.cache[name] = (len(source), None, lines, name)
        namespace = {"__name__": f"worker{value}"}
        exec(compile("".join(lines), name, "exec"), namespace)  # noqa: S102 -- a class with a source of its own
        module = types.ModuleType(f"worker{value}")
        module.__file__ = name
        vars(module).update(namespace)
        sys.modules[module.__name__] = module
        try:
            seen.add(registration_of(definition_of(agent(namespace["Worker"]))).fingerprint)
        finally:
            del sys.modules[module.__name__], linecache.cache[name]
    assert len(seen) == 2


@pytest.mark.parametrize(
    "made",
    [
        functools.partial(of_the_module.__wrapped__, "a"),
        type("Machine", (), {"__call__": lambda self, what: (self, what)})(),
        len,
    ],
)
def test_other_callables_are_registered(made):
    record = registration_of(definition_of(agent(name="made")(made)))
    assert record.name == "made"
    assert record.fingerprint.startswith("sha256:")
