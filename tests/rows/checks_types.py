"""Row 8: what type checkers see through the decorator.

One file has a section for each shape of decorated code. Lines that end with ``# wrong`` must be reported, and no
others. Each type checker reads the file once, in the SDK's own environment.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.rows.check import NotRun, check

KEPT = "ROWS_KEPT"
"""The variable with the folder that keeps what a type checker has said; without it each check asks anew."""
_START = """\
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, assert_type, overload
{header}
T = TypeVar("T")
"""

_SECTIONS = {
    "function": """
@deco
def heron(query: str, limit: int = 3) -> list[str]:
    return [query] * limit
assert_type(heron("a"), list[str])
assert_type(heron("a", limit=2), list[str])
heron(1)  # wrong
heron("a", depth=1)  # wrong
""",
    "function with a named decorator": """
@{called}
def stork(query: str, /, *, limit: int) -> list[str]:
    return [query] * limit
assert_type(stork("a", limit=1), list[str])
stork("a")  # wrong
stork(query="a", limit=1)  # wrong
""",
    "coroutine function": """
@deco
async def egret(question: str) -> dict[str, int]:
    return {{question: 1}}
async def awaited() -> None:
    assert_type(await egret("a"), dict[str, int])
    await egret(1)  # wrong
egret_kind: Callable[[str], Coroutine[Any, Any, dict[str, int]]] = egret
""",
    "generator function": """
@deco
def gull(question: str) -> Generator[str, int, bytes]:
    sent = yield question
    return bytes(sent)
assert_type(gull("a"), Generator[str, int, bytes])
gull(1)  # wrong
""",
    "asynchronous generator function": """
@deco
async def tern(question: str) -> AsyncGenerator[int, str]:
    yield len(question)
@deco
async def skua(question: str) -> AsyncIterator[str]:
    yield question
async def iterated() -> None:
    async for one in skua("a"):
        assert_type(one, str)
assert_type(tern("a"), AsyncGenerator[int, str])
assert_type(skua("a"), AsyncIterator[str])
tern(1)  # wrong
""",
    "method": """
class Bird:
    @deco
    def look(self, where: str) -> bytes:
        return where.encode()
    @deco
    async def wait(self, where: str) -> bytes:
        return where.encode()
assert_type(Bird().look("a"), bytes)
async def waited() -> None:
    assert_type(await Bird().wait("a"), bytes)
Bird().look(1)  # wrong
""",
    "class method and static method": """
class Nest:
    @classmethod
    @deco
    def made(cls, name: str) -> "Nest":
        return cls() if name else Nest()
    @staticmethod
    @deco
    def fetch(name: str) -> float:
        return float(name)
    @deco
    @classmethod
    def above(cls, name: str) -> "Nest":
        return cls() if name else Nest()
    @deco
    @staticmethod
    def over(name: str) -> float:
        return float(name)
assert_type(Nest.made("a"), Nest)
assert_type(Nest.fetch("1"), float)
assert_type(Nest.above("a"), Nest)
assert_type(Nest.over("1"), float)
Nest.made(1)  # wrong
Nest.over(1)  # wrong
""",
    "class": """
@{entrypoint}
@dataclass
class Shelf(Generic[T]):
    first: T
    def search(self, title: str) -> tuple[T, str]:
        return self.first, title
class Sub(Shelf[int]):
    pass
assert_type(Shelf(3), Shelf[int])
assert_type(Shelf("a").search("a"), tuple[str, str])
assert_type(Sub(3).search("a"), tuple[int, str])
Shelf(3).search(1)  # wrong
shelf_kind: type[Shelf[int]] = Shelf
""",
    "overloads": """
@overload
def either(value: int) -> int: ...
@overload
def either(value: str) -> str: ...
def either(value: int | str) -> int | str:
    return value
traced_either = deco(either)
assert_type(traced_either(3), int)
assert_type(traced_either("a"), str)
traced_either(b"a")  # wrong
""",
    "generic function": """
@deco
def same(value: T, more: list[T]) -> dict[str, T]:
    return {{"a": value or more[0]}}
assert_type(same(3, [1]), dict[str, int])
assert_type(same("a", ["b"]), dict[str, str])
same(3)  # wrong
""",
}


def _written(subject) -> tuple[str, dict[str, range]]:
    """The file, and which lines are of which section."""
    typed = subject.typed
    text = _START.format(header=typed.header)
    lines = {}
    for name, section in _SECTIONS.items():
        first = text.count("\n") + 1
        text += section.format(called=typed.called, entrypoint=typed.entrypoint)
        lines[name] = range(first, text.count("\n") + 1)
    return text, lines


def _reported(subject, tool: str, text: str) -> dict[int, str]:
    """The messages of a type checker by line. What one has said of a text is kept, for the other sections of it."""
    if importlib.util.find_spec(tool) is None:
        raise NotRun(f"{tool} is not installed")
    digest = hashlib.sha256(f"{tool}{sys.executable}{text}".encode()).hexdigest()[:16]
    kept = Path(os.environ.get(KEPT) or subject.setup.folder, f"types-{digest}.json")
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "typed.py")
            file.write_text(text)
            said = {"mypy": _mypy, "pyright": _pyright}[tool](file)
        kept.write_text(json.dumps(said))
    return {int(line): message for line, message in json.loads(kept.read_text()).items()}


def _mypy(file: Path) -> dict[int, str]:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file=", file.name]
    ended = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    found = re.findall(r"^typed\.py:(\d+): error: (.*)$", ended.stdout, re.MULTILINE)
    return {int(line): message for line, message in reversed(found)}


def _pyright(file: Path) -> dict[int, str]:
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "include": [file.name]}
    Path(file.parent, "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pyright", "--outputjson", f"--pythonpath={sys.executable}"]
    ended = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    found = json.loads(ended.stdout)["generalDiagnostics"]
    errors = [one for one in found if one["severity"] == "error"]
    return {one["range"]["start"]["line"] + 1: one["message"] for one in reversed(errors)}


def _types(subject, *, tool, shape):
    text, lines = _written(subject)
    said = _reported(subject, tool, text)
    source = text.splitlines()
    wrong = {line for line in lines[shape] if source[line - 1].endswith("# wrong")}
    reported = {line: message for line, message in said.items() if line in lines[shape]}
    unexpected = sorted(reported.keys() - wrong)
    if unexpected:
        line = unexpected[0]
        raise AssertionError(f"{tool} says of `{source[line - 1].strip()}`: {reported[line].splitlines()[0]}")
    missed = sorted(wrong - reported.keys())
    assert not missed, f"{tool} does not see that `{source[missed[0] - 1].strip()}` is wrong"


for _tool in ("mypy", "pyright"):
    for _shape in _SECTIONS:
        _named = "function with overloads" if _shape == "overloads" else _shape
        _says = f"{_tool} sees the exact type of a decorated {_named} and reports wrong arguments"
        check(row=8, says=_says, alone=True, slow=True)(functools.partial(_types, tool=_tool, shape=_shape))
