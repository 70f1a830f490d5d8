"""``ToolStubs``: tools answer what a test says, and their bodies do not run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk._decorators.definition import REST
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._tools.made_error import made_error
from ams_sdk.testing._tools.stand_in import stand_in
from ams_sdk.testing._tools.stub import Stub, StubbedCall, said_of_result
from ams_sdk.testing._tools.stub_report import ToolStubMismatchError, mismatch_text, transcript_of, unused_text
from ams_sdk.testing._tools.tool_body import tool_body
from ams_sdk.testing._trace.masked_text import shown
from ams_sdk.testing._trace.parameters import Parameters
from ams_sdk.testing._trace.steps import united_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from ams_sdk.testing._tools.tool_body import ToolBody

__all__ = ["StubbedTool", "ToolStub", "ToolStubs"]

_ON: Final = "ams_tools.on()"


class StubbedTool:
    """One tool, what it answers, and how it was called.

    Attributes:
        name: of the tool.
        stubs: in the order in which they were written.
        calls: in the order in which they came.
        problems: what was said of calls that no stub answers.
        parameters: what the tool can be given.
    """

    def __init__(self, body: ToolBody, lock: threading.RLock) -> None:
        self.name: str = body.definition.name
        self.stubs: list[Stub] = []
        self.calls: list[StubbedCall] = []
        self.problems: list[str] = []
        self.parameters: Parameters = Parameters(body.definition)
        self._body = body
        self._lock = lock
        self._stand_in = stand_in(body, self._answer)
        body.replace(self._stand_in)

    def restore(self) -> None:
        """Let the tool do again what it does."""
        self._body.restore(self._stand_in)

    def _answer(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401 -- the tool's own types
        __tracebackhide__ = True
        given = self._named(args, kwargs)
        with self._lock:
            stub = next((one for one in self.stubs if one.is_left and not one.differs(given)), None)
            self.calls.append(StubbedCall(given, stub is not None))
            problem = "" if stub is not None else mismatch_text(self, given)
            if stub is None:
                self.problems.append(problem)
            else:
                stub.used += 1
        if stub is None:
            raise ToolStubMismatchError(problem)
        return stub.answer()

    def _named(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """By their names, in the way in which the arguments are recorded."""
        definition = self._body.definition
        given = args[definition.skipped :]
        named = dict(zip(definition.positional, given, strict=False))
        if len(given) > len(definition.positional):
            named[REST] = list(given[len(definition.positional) :])
        return named | {f"**{name}" if name in named else name: value for name, value in kwargs.items()}


class ToolStub:
    """What one tool answers; made by ``ToolStubs.on``. Of several answers that fit the first that is left counts."""

    def __init__(self, tool: StubbedTool, lock: threading.RLock, *, exact: bool) -> None:
        self._tool = tool
        self._lock = lock
        self._exact = exact

    def returns(
        self,
        value: Any,  # noqa: ANN401 -- whatever the tool gives
        /,
        *,
        times: int | None = 1,
        arguments: Mapping[str, Any] | None = None,
        **named: Any,  # noqa: ANN401 -- whatever it takes
    ) -> Self:
        """A call with these arguments, among others, gives this back.

        A JSON value is rebuilt by the annotation of what the tool returns, each time anew: a dataclass, a model of
        pydantic, a date, an enum, a tuple. What cannot be rebuilt, and what is no JSON value, is given as it is. A
        generator gives the items of a list one by one.

        Args:
            value: the result.
            times: how often it answers; None for any number of calls, and none.
            arguments: the same as ``named``, for names that this method has itself, such as ``times``.
            named: values, or anything whose ``__eq__`` tells, as in ``AgentRun.assert_called``. They are compared with
                what the call is given, or leaves at its default: nothing is masked or cut, and an object of a class
                without an ``__eq__`` is equal to one of its class that holds the same.

        Raises:
            ConfigurationError: this is no number of times, an argument is given twice, or the tool cannot be given it.
        """
        return self._add(lambda: value, said_of_result(value), times, arguments, named)

    def raises(
        self,
        error: BaseException | type[BaseException],
        message: str | None = None,
        /,
        *,
        times: int | None = 1,
        arguments: Mapping[str, Any] | None = None,
        **named: Any,  # noqa: ANN401 -- whatever it takes
    ) -> Self:
        """A call with these arguments, among others, raises this.

        Args:
            error: the exception; or its class, for one that cannot be made of a message only.
            message: what an exception of the class says.
            times: as in ``returns``.
            arguments: as there.
            named: as there.

        Raises:
            ConfigurationError: this is no exception or no number of times, an argument is given twice, or the tool
                cannot be given it.
        """
        is_class = isinstance(error, type) and issubclass(error, BaseException)
        if not is_class and (not isinstance(error, BaseException) or message is not None):
            raise ConfigurationError(
                f"raises({shown(error, 60)}): write an exception, LookupError('nothing found'), or a class and a text."
            )

        def answer() -> Any:  # noqa: ANN401 -- never comes back
            raise made_error(error, message)

        kind = cast("type[BaseException]", error) if is_class else type(error)
        said = str(error) if not is_class else message
        return self._add(answer, f"raises {kind.__name__}({shown(said or '', 40)})", times, arguments, named)

    def _add(
        self,
        answer: Callable[[], Any],
        says: str,
        times: object,
        arguments: object,
        named: Mapping[str, Any],
    ) -> Self:
        if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
            raise ConfigurationError(
                f"times={shown(times, 40)}: write how often it answers, 1 or more, or None for any number. For an "
                'argument of the tool that has this name write arguments={"times": …}.'
            )
        united = united_arguments(arguments, named, "The stub")
        self._tool.parameters.refuse_others(united, self._tool.name, _ON)
        defaults = self._tool.parameters.defaults
        with self._lock:
            self._tool.stubs.append(Stub(united, self._exact, times, defaults, answer, says))
        return self


class ToolStubs:
    """Tools that answer what a test says: their spans are recorded as ever, and their bodies do not run.

    ::

        ams_tools.on(search).returns(["Otters hold hands."], query="otters")
        ams_tools.on(search).raises(LookupError("nothing found"))

    A call that no stub answers raises ``ToolStubMismatchError``, and fails the test at its end even if the agent went
    on after that. In a ``with`` block it is checked (``verify``) and everything put back at the end. Any thread may
    call.

    Args:
        strict: a stub that was not used fails ``verify``.
    """

    def __init__(self, *, strict: bool = True) -> None:
        self._strict = strict
        self._lock = threading.RLock()
        self._tools: dict[int, StubbedTool] = {}
        self._is_closed = False

    def on(self, tool: Callable[..., Any], /, *, exact: bool = False) -> ToolStub:
        """Stub a tool; from here on its body does not run.

        Args:
            tool: the function that is decorated with ``@tool``, ``Class.method``, or a decorated class.
            exact: the stubs answer only calls that have no other arguments than theirs.

        Raises:
            ConfigurationError: it is no tool, or everything is put back already.
        """
        body = tool_body(tool, _ON)
        with self._lock:
            if self._is_closed:
                raise ConfigurationError("These ToolStubs are closed: stub tools before the end of the with block.")
            stubbed = self._tools.get(body.identity)
            if stubbed is None:
                stubbed = self._tools[body.identity] = StubbedTool(body, self._lock)
        return ToolStub(stubbed, self._lock, exact=exact)

    def calls(self, tool: Callable[..., Any], /) -> list[StubbedCall]:
        """The calls of a stubbed tool, in the order in which they came.

        Raises:
            ConfigurationError: it is no tool, or is not stubbed here.
        """
        body = tool_body(tool, "ams_tools.calls()")
        with self._lock:
            stubbed = self._tools.get(body.identity)
            if stubbed is None:
                raise ConfigurationError(
                    f"{body.definition.name} is not stubbed: write ams_tools.on({body.definition.name}).returns(…), or "
                    "ask the trace, which has every call."
                )
            return list(stubbed.calls)

    def verify(self) -> None:
        """Check that stubs and calls have met.

        Raises:
            ToolStubMismatchError: a call had no stub, or (strict) a stub was not used.
        """
        __tracebackhide__ = True
        with self._lock:
            tools = list(self._tools.values())
            problems = [problem for tool in tools for problem in tool.problems]
            if problems:
                raise ToolStubMismatchError(f"{problems[0]}\n\nThe agent went on after that.")
            if self._strict and any(stub.is_unused for tool in tools for stub in tool.stubs):
                raise ToolStubMismatchError(unused_text(tools))

    def transcript(self) -> str:
        """The stubs with marks for what was used, and the calls, a line each."""
        with self._lock:
            return transcript_of(list(self._tools.values()))

    def close(self) -> None:
        """Let all tools do again what they do; what was called stays readable."""
        with self._lock:
            was_closed, self._is_closed = self._is_closed, True
            for tool in () if was_closed else self._tools.values():
                tool.restore()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        __tracebackhide__ = True
        try:
            if kind is None:
                self.verify()
        finally:
            self.close()

    def __repr__(self) -> str:
        with self._lock:
            stubs = sum(len(tool.stubs) for tool in self._tools.values())
            return f"<ToolStubs: {stubs} stubs of {len(self._tools)} tools>"
