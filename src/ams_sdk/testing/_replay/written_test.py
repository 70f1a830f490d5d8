"""The text of a test that replays a run."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ams_sdk.testing._replay.chosen_run import check_whole, chosen_run, given_to, place_of
from ams_sdk.testing._replay.code_place import error_place
from ams_sdk.testing._replay.conversations import conversations
from ams_sdk.testing._replay.imports import Imports
from ams_sdk.testing._replay.model_answer import answer_code
from ams_sdk.testing._replay.name_of_test import name_of_test
from ams_sdk.testing._replay.python_code import (
    INDENT,
    WIDTH,
    Bracketed,
    Named,
    call,
    equality,
    literal,
    quoted,
    statement,
)
from ams_sdk.testing._replay.replay_plan import ReplayPlan
from ams_sdk.testing._replay.stubbed_tool import arguments_code, stub_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ams_sdk.testing._replay.code_place import CodePlace
    from ams_sdk.testing._replay.python_code import Code
    from ams_sdk.testing._replay.replay_plan import DoneStep
    from ams_sdk.testing._trace.agent_run import AgentRun
    from ams_sdk.testing._trace.view import TraceView

__all__ = ["WrittenTest", "pytest_source", "written_test"]

_PLAIN: Final = re.compile(r"[^\w.\- ]+", re.ASCII)
_RETRIED: Final = re.compile(r"error\((?:408|409|429|5\d\d)\b")


class WrittenTest(NamedTuple):
    """A test.

    Attributes:
        name: of its function.
        agent: what it is about.
        source: the text of the file.
        notes: what somebody should know who runs it; they stand in the text as comments.
    """

    name: str
    agent: str
    source: str
    notes: tuple[str, ...]


def pytest_source(
    trace: TraceView, *, agent: str | None = None, trace_id: str | None = None, agent_code: str | None = None
) -> str:
    """The text of a test that replays one run of an agent and asserts that it goes the same way.

    Args:
        trace: the spans of one trace.
        agent: which agent, if not the one above all others.
        trace_id: mentioned in the text.
        agent_code: where the agent's code is, ``package.module:function``, if the trace does not tell.

    Raises:
        ConfigurationError: the trace cannot be replayed; the message says why, and what to do.
    """
    return written_test(trace, agent=agent, trace_id=trace_id, agent_code=agent_code).source


def written_test(
    trace: TraceView, *, agent: str | None = None, trace_id: str | None = None, agent_code: str | None = None
) -> WrittenTest:
    """The same, with what is known of it."""
    run = chosen_run(trace, agent)
    plan = ReplayPlan(run)
    check_whole(run, [span.name for span in plan.open_spans])
    return _Writer(run, plan, place_of(run, agent_code)).test(trace_id or run.span.trace_id)


class _Writer:
    """Writes one test; what it needs is imported on the way."""

    def __init__(self, run: AgentRun, plan: ReplayPlan, place: CodePlace) -> None:
        self._run = run
        self._plan = plan
        own = {one.module.partition(".")[0] for one in (place, *(step.place for step in plan.steps)) if one}
        self._imports = Imports(own)
        self._place = place
        self._agent = self._imports.of(place)
        self._models = [step for step in plan.steps if step.model is not None]
        self._stubbed = [step for step in plan.steps if step.is_stubbed]
        self._notes: list[str] = []

    def test(self, trace_id: str) -> WrittenTest:
        """The whole of it."""
        given = given_to(self._run)
        name = name_of_test(self._run.name, [*given.positional, *given.named.values()])
        body = [*self._tools(), *self._script()]
        body += [*([""] if body else []), *self._call(given.positional, given.named), ""]
        body += self._assertions()
        signature = self._signature(name)
        lines = [*self._head(trace_id), "", *self._imports.lines(), "", "", *signature, *body]
        return WrittenTest(name, self._run.name, "\n".join(lines) + "\n", tuple(self._notes))

    def _head(self, trace_id: str) -> list[str]:
        agent, origin = _PLAIN.sub("_", self._run.name), _PLAIN.sub("_", trace_id)
        said = (
            f"Written by `ams traces to-test` from trace {origin}. Models and tools answer what they did then; the "
            "agent's own code runs, and has to go the same way."
        )
        return [f'"""A run of {agent}, replayed.', "", *textwrap.wrap(said, WIDTH), '"""']

    def _signature(self, name: str) -> list[str]:
        fixtures = {"ams_trace": "TraceCapture"}
        if self._models:
            fixtures["ams_llm"] = "FakeLLM"
        if self._stubbed:
            fixtures["ams_tools"] = "ToolStubs"
        given = ", ".join(f"{fixture}: {self._imports.ours(kind)}" for fixture, kind in fixtures.items())
        line = f"def {name}({given}) -> None:"
        return [line] if len(line) <= WIDTH else [f"def {name}(", f"    {given}", ") -> None:"]

    def _tools(self) -> list[str]:
        lines: list[str] = []
        if self._plan.real["active"]:
            lines += self._note(
                f"{', '.join(self._plan.real['active'])}: this code runs, and what it asks of tools and models is "
                "replayed."
            )
        if self._plan.real["unplaced"]:
            lines += self._note(
                f"{', '.join(self._plan.real['unplaced'])}: this code runs, as the trace does not tell where it is; "
                "put @ams_sdk.tool on a function at the top of a module to have it replayed."
            )
        program = self._place.module
        stubs = [stub_code(step, at, program, self._imports) for at, step in enumerate(self._stubbed, 1)]
        at = 0
        while at < len(stubs):
            alike = next((end for end in range(at, len(stubs)) if stubs[end] != stubs[at]), len(stubs)) - at
            code = stubs[at]
            if alike > 1:
                code = code._replace(named={"times": str(alike), **code.named})
            lines += statement(code.code, INDENT)
            at += alike
        return lines

    def _script(self) -> list[str]:
        codes: list[Code] = []
        for number, step in enumerate(self._models, 1):
            assert step.model is not None  # noqa: S101 -- that is how they were chosen
            codes.append(answer_code(step.model, step.spans, number, self._imports))
        if not codes:
            return []
        lines: list[str] = []
        if any(not isinstance(code, str) and _RETRIED.match(code.flat) for code in codes):
            lines += self._note("A client that tries again takes one more step for each attempt.")
        groups = conversations(self._models)
        if groups is not None:
            for text, members in groups:
                then = f"ams_llm.when(message={quoted(text)}).then"
                lines += statement(call(then, *(codes[at] for at in members), is_open=len(members) > 1), INDENT)
            return lines
        if self._plan.is_unordered and len(codes) > 1:
            lines += self._note(
                "Some calls went on at the same time. If these are models', they may come in another order: give each "
                "agent its own steps then, with ams_llm.when(…).then(…)."
            )
        return [*lines, *statement(call("ams_llm.script", *codes, is_open=len(codes) > 1), INDENT)]

    def _call(self, positional: Any, named: Mapping[str, Any]) -> list[str]:  # noqa: ANN401 -- any JSON values
        subject = self._agent
        head, dot, method = subject.rpartition(".")
        if dot and not method.lstrip("_")[:1].isupper():
            # Of a method's class nobody has recorded how it was made.
            subject = f"{head}().{method}"
            self._notes.append(f"The test makes {head}() without arguments: write those that it needs.")
        arguments = [literal(value) for value in positional]
        code = call(
            self._imports.ours("run"), subject, *arguments, named={one: literal(value) for one, value in named.items()}
        )
        if self._run.error is None:
            return statement(code, INDENT)
        return [*self._raises(), *statement(code, 2 * INDENT)]

    def _raises(self) -> list[str]:
        error = self._run.error
        assert error is not None  # noqa: S101 -- it was asked before
        self._imports.module("pytest")
        place = error_place(error.type, self._place.module)
        kind = "Exception" if place is None else self._imports.of(place)
        said = self._pattern(error.message)
        code = call("pytest.raises", kind, named={} if said is None else {"match": said})
        after = ":" if place or said is not None else ":  # noqa: B017, PT011 -- of no class that can be imported"
        return statement(code, INDENT, "with ", after)

    def _pattern(self, message: str | None) -> Code | None:
        """What the message matches, unless it has the address of the model in it, which is another one each time."""
        of_models = {step.model.error.message for step in self._models if step.model and step.model.error}
        if not message or message in of_models or "127.0.0.1" in message or "localhost" in message:
            return None
        if re.escape(message) == message.replace(" ", r"\ "):
            return literal(message)
        self._imports.module("re")
        return call("re.escape", literal(message))

    def _assertions(self) -> list[str]:
        run, steps = self._run, self._plan.steps
        name = quoted(run.name)
        found = f"ams_trace.agents({name})[0]" if self._plan.of_name(run.name) else f"ams_trace.agent({name})"
        nested = ".with_nested()" if any(step.agent for step in steps) else ""
        lines = [f"{' ' * INDENT}agent_run = {found}{nested}"]
        codes = [self._step(step) for step in steps]
        listed = Bracketed("[", tuple(Named("", code) for code in codes), "]", is_open=len(codes) > 1)
        mode: dict[str, Code] = {"mode": quoted("unordered")} if self._plan.is_unordered else {}
        lines += statement(call("agent_run.assert_trajectory", listed, named=mode), INDENT)
        # After the way that led to it, which tells more when both are others.
        error = run.error
        if error is None:
            lines += self._output(run.output)
        elif error_place(error.type, self._place.module) is None:
            lines += statement(call("agent_run.assert_failed", quoted(error.type)), INDENT)
        tools = sum(step.tool is not None for step in steps)
        limits: dict[str, Code] = {"model_calls": str(len(self._models)), "tool_calls": str(tools)}
        return [*lines, *statement(call("agent_run.assert_within", named=limits), INDENT)]

    @staticmethod
    def _output(value: object) -> list[str]:
        if value is None or isinstance(value, bool):
            return [f"{' ' * INDENT}assert agent_run.output is {value}"]
        return equality("agent_run.output", literal(value), INDENT)

    def _step(self, step: DoneStep) -> Code:
        if step.tool is not None:
            return call(
                self._imports.ours("tool_step"),
                quoted(step.tool.name),
                named=arguments_code(step.tool, self._imports),
            )
        if step.model is not None:
            return call(self._imports.ours("model_step"), *([quoted(step.model.model)] if step.model.model else []))
        return call(self._imports.ours("agent_step"), quoted(step.agent))

    def _note(self, text: str) -> list[str]:
        self._notes.append(text)
        margin = " " * INDENT
        return textwrap.wrap(text, WIDTH, initial_indent=f"{margin}# ", subsequent_indent=f"{margin}# ")
