"""A recorded call of a tool, as a line of a test that stubs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ams_sdk.testing._replay.code_place import error_place
from ams_sdk.testing._replay.completeness import flaw
from ams_sdk.testing._replay.python_code import Bracketed, Named, Text, call, literal, quoted
from ams_sdk.testing._replay.refusal import refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ams_sdk.testing._replay.imports import Imports
    from ams_sdk.testing._replay.python_code import Code
    from ams_sdk.testing._replay.replay_plan import DoneStep
    from ams_sdk.testing._trace.calls import ToolCall

__all__ = ["StubCode", "arguments_code", "stub_code"]

_OWN: Final = frozenset({"times", "arguments"})
"""Arguments that the stub has itself."""
_SIMPLE: Final = frozenset(
    {
        *("ArithmeticError", "AssertionError", "AttributeError", "BufferError", "ConnectionAbortedError"),
        *("ConnectionError", "ConnectionRefusedError", "ConnectionResetError", "EOFError", "Exception"),
        *("FileExistsError", "FileNotFoundError", "FloatingPointError", "ImportError", "IndexError"),
        *("InterruptedError", "IsADirectoryError", "LookupError", "MemoryError", "ModuleNotFoundError", "NameError"),
        *("NotADirectoryError", "NotImplementedError", "OSError", "OverflowError", "PermissionError", "RuntimeError"),
        *("RecursionError", "ReferenceError", "SystemError", "TimeoutError", "TypeError", "ValueError"),
        *("ZeroDivisionError", "BlockingIOError", "BrokenPipeError", "ChildProcessError", "ProcessLookupError"),
    }
)
"""Built-in exceptions that say the one text that they are made of."""


class StubCode(NamedTuple):
    """A stub.

    Attributes:
        function: everything before the brackets.
        positional: what it answers.
        named: the arguments of the call.
    """

    function: str
    positional: tuple[Code, ...]
    named: Mapping[str, Code]

    @property
    def code(self) -> Bracketed:
        """The statement."""
        return call(self.function, *self.positional, named=self.named)


def stub_code(step: DoneStep, number: int, program: str, imports: Imports) -> StubCode:
    """The stub that answers as a call was answered.

    Args:
        step: the call.
        number: which of the stubbed ones it is.
        program: the module that stands for ``__main__``.
        imports: where what it needs is noted.

    Raises:
        ConfigurationError: what the tool answered was not recorded whole, or cannot be raised by a test.
    """
    tool, place = step.tool, step.place
    assert tool is not None and place is not None  # noqa: S101, PT018 -- only such a call is stubbed
    exact = ", exact=True" if tool.has_arguments else ""
    on = f"ams_tools.on({imports.of(place)}{exact})"
    named = arguments_code(tool, imports)
    if not _OWN.isdisjoint(named):
        items = tuple(Named(f"{quoted(name)}: ", code) for name, code in named.items())
        named = {"arguments": Bracketed("{", items, "}")}
    what = f"tool call {number} ({tool.name})"
    if tool.error is not None:
        return StubCode(f"{on}.raises", _error(tool, what, program, imports), named)
    if not tool.has_result:
        raise refused(
            f"what {what} gave back was not recorded",
            'It was cancelled, or content is not recorded: capture_content=True, and capture="all" at @tool.',
        )
    if (missing := flaw(tool.result, f"the result of {what}")) is not None:
        raise refused(missing, _ADVICE)
    return StubCode(f"{on}.returns", (literal(tool.result),), named)


_ADVICE: Final = "A run without it would be another one: trace a run with smaller or other data."


def arguments_code(tool: ToolCall, imports: Imports) -> dict[str, Code]:
    """The arguments of a call; one that was not recorded whole may be anything."""
    found: dict[str, Code] = {}
    for name, value in tool.arguments.items():
        found[name] = literal(value) if flaw(value, name) is None else imports.standard("unittest.mock", "ANY")
    return found


def _error(tool: ToolCall, what: str, program: str, imports: Imports) -> tuple[Code, ...]:
    error = tool.error
    assert error is not None  # noqa: S101 -- it was asked before
    if tool.has_result:
        raise refused(
            f"{what} gave items before it failed with {error.type}", "A stub gives a result or raises, and not both."
        )
    place = error_place(error.type, program)
    if place is None:
        raise refused(
            f"{what} failed with {error.type}, which a test cannot import",
            "Move the exception's class to the top of its module.",
        )
    if error.message is not None and (missing := flaw(error.message, f"the error of {what}")) is not None:
        raise refused(missing, _ADVICE)
    kind = imports.of(place)
    if error.message is None or error.message == "":
        return (call(kind),) if not place.module else (kind,)
    if not place.module and kind in _SIMPLE:
        return (call(kind, Text(error.message)),)
    if kind == "KeyError" and error.message[:1] in {"'", '"'} and error.message[:1] == error.message[-1:]:
        return (call(kind, Text(error.message[1:-1])),)  # it shows the repr of its key
    return kind, Text(error.message)
