"""What can be decorated and stays what it is; what cannot, and what is written instead."""

import abc
import asyncio
import copy
import dataclasses
import enum
import functools
import inspect
import math
import pickle
import subprocess
import sys
import textwrap

import pydantic
import pytest
import wrapt

import ams_sdk
from ams_sdk import agent, span, tool, workflow
from ams_sdk._decorators import AgentDefinition, ToolDefinition, definition_of

DECORATORS = [agent, tool, workflow, span]


def answer(question, *more, password="", **options):
    """Say something."""
    return question


class Machine:
    """A machine."""

    def __call__(self, question):
        return question.upper()

    @property
    def value(self):
        return 1


@agent(version="2")
class Librarian:
    """Finds books.

    Slowly.
    """

    def __init__(self, shelf):
        self.shelf = shelf

    def run(self, title):
        return self.shelf, title


@agent
class Silent(Librarian):
    pass


@tool
@dataclasses.dataclass
class Search:
    limit: int = 3

    def __call__(self, query):
        return [query] * self.limit


@agent
class Model(pydantic.BaseModel):
    name: str

    async def run(self, question: str) -> str:
        return self.name + question


class Colour(enum.Enum):
    RED = 1

    def run(self, what):
        return what


@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (Machine.__dict__["value"], "goes below @property, directly above the function"),
        (functools.cached_property(answer), "goes below @cached_property"),
        (functools.partialmethod(answer), "goes below @partialmethod"),
        ("researcher", r"\(name='researcher'\): the name is a keyword argument"),
        (3, "not on a int"),
        (int, "traces a method of the class 'int', which has neither run nor __call__: write @"),
    ],
)
def test_what_cannot_be_decorated_says_what_to_do(decorator, value, advice):
    with pytest.raises(ams_sdk.ConfigurationError, match=advice):
        decorator(value)


@pytest.mark.parametrize("decorator", DECORATORS)
@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"capture": "everything"}, 'write "all", "input", "output" or "none"'),
        ({"capture": None}, 'write "all", "input", "output" or "none"'),
        ({"exclude": "password"}, r"write the names of parameters, \(\"password\",\)"),
        ({"exclude": (1,)}, "write the names of parameters"),
        ({"exclude": 1}, "write the names of parameters"),
        ({"exclude": ("passwort",)}, "has no parameter 'passwort'"),
        ({"entrypoint": "run"}, "is for a class"),
        ({"entrypoint": 3}, "write a text, or leave it out"),
        ({"capture": ["all"]}, 'write "all", "input", "output" or "none"'),
        ({"exclude": [["x"]]}, "write the names of parameters"),
    ],
)
def test_an_option_that_cannot_be_used_says_what_to_write(decorator, options, advice):
    def f(password):
        return password

    with pytest.raises(ams_sdk.ConfigurationError, match=advice):
        decorator(**options)(f)


@pytest.mark.parametrize("entrypoint", ["value", "nothing"])
def test_an_entrypoint_that_is_no_method(entrypoint):
    with pytest.raises(ams_sdk.ConfigurationError, match="entrypoint="):
        agent(entrypoint=entrypoint)(Machine)


def test_a_name_may_be_excluded_where_any_is_taken():
    assert tool(exclude=["anything"])(answer)("a", anything=1) == "a"


def test_a_class_is_the_same_class():
    class Plain:
        def run(self):
            return self

    assert agent(Plain) is Plain
    assert isinstance(Plain().run(), Plain)
    assert inspect.isclass(Plain)


def test_what_a_class_says_of_itself():
    definition = definition_of(Librarian)
    assert isinstance(definition, AgentDefinition)
    assert (definition.name, definition.version, definition.description) == ("Librarian", "2", "Finds books.")
    assert (definition.positional, definition.skipped, definition.owner) == (("title",), 1, Librarian)
    assert definition_of(Search).description is None  # what a dataclass writes is no description


def test_a_subclass_has_what_was_put_on_it():
    assert definition_of(Silent).name == "Silent"
    assert definition_of(Silent).owner is Silent

    class Undecorated(Librarian):
        pass

    assert definition_of(Undecorated) is None
    assert Undecorated("a").run("b") == ("a", "b")


def test_an_agent_that_inherits_its_method_is_one_run(recorder):
    assert Silent("a").run("b") == ("a", "b")
    assert [one.name for one in recorder.spans] == ["invoke_agent Silent"]


class Base:
    def run(self, what):
        return f"base {what}"

    @classmethod
    def build(cls, what):
        return cls.__name__, what

    async def wait(self, what):
        return f"base {what}"

    def steps(self, what):
        return (yield f"base {what}")

    async def later(self, what):
        yield f"base {what}"

    @staticmethod
    def fixed(what):
        return f"base {what}"


class Mixin(Base):
    def run(self, what):
        return f"mixin > {super().run(what)}"

    @classmethod
    def build(cls, what):
        return "mixin", *super().build(what)

    async def wait(self, what):
        return f"mixin > {await super().wait(what)}"

    def steps(self, what):
        return (yield from super().steps(what)), "mixin"

    async def later(self, what):
        async for item in super().later(what):
            yield f"mixin > {item}"


def used(instance, entrypoint):
    """What the method gives: a result, or what is yielded and returned."""

    async def gathered(items):
        return [item async for item in items]

    found = getattr(instance, entrypoint)("x")
    if inspect.isasyncgen(found):
        return asyncio.run(gathered(found))
    if inspect.iscoroutine(found):
        return asyncio.run(found)
    if inspect.isgenerator(found):
        first = next(found)
        with pytest.raises(StopIteration) as stop:
            found.send("sent")
        return first, stop.value.value
    return found


@pytest.mark.parametrize("slots", [False, True])
@pytest.mark.parametrize("entrypoint", ["run", "build", "wait", "steps", "later", "fixed"])
def test_an_inherited_method_is_the_one_that_comes_next_for_the_instance(recorder, entrypoint, slots):
    def classes(decorate):
        class Own(Base):
            pass

        own = decorate(Own)
        own = dataclasses.dataclass(slots=True)(own) if slots else own

        class Both(own, Mixin):
            pass

        return own, Both

    plain, traced = classes(lambda cls: cls), classes(agent(entrypoint=entrypoint))
    for without, with_us in zip(plain, traced, strict=True):
        for kind in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction):
            assert kind(getattr(with_us(), entrypoint)) == kind(getattr(without(), entrypoint))
        assert used(with_us(), entrypoint) == used(without(), entrypoint) or entrypoint == "fixed"
    assert [one.name for one in recorder.spans] == ["invoke_agent Own"] * 2


def test_an_inherited_method_that_is_replaced_in_its_class_is_called(recorder, monkeypatch):
    @agent
    class Own(Base):
        pass

    monkeypatch.setattr(Base, "run", lambda _, what: f"patched {what}")
    assert Own().run("x") == "patched x"
    assert [one.name for one in recorder.spans] == ["invoke_agent Own"]


def test_a_class_may_inherit_from_a_decorated_one_of_its_own_name(recorder):
    @agent
    class Own(Base):
        pass

    first = Own

    class Own(first):
        pass

    second = agent(Own)
    assert second().run("x") == "base x"
    assert [one.name for one in recorder.spans] == ["invoke_agent Own"]


def test_instances_are_pickled_and_copied():
    for one in (Librarian("a"), copy.copy(Librarian("a")), pickle.loads(pickle.dumps(Librarian("a")))):  # noqa: S301
        assert type(one) is Librarian
        assert one.run("b") == ("a", "b")


def test_a_dataclass_and_a_model_work(recorder):
    assert Search(2)("a") == ["a", "a"]
    assert Search(2) == Search(2)
    assert [one.name for one in dataclasses.fields(Search)] == ["limit"]
    assert Model(name="a").model_dump() == {"name": "a"}
    assert set(Model.model_json_schema()["properties"]) == {"name"}
    assert inspect.iscoroutinefunction(Model(name="a").run)
    assert [one.name for one in recorder.spans] == ["execute_tool Search"]


def test_an_enumeration_stays_one(recorder):
    assert agent(Colour) is Colour
    assert Colour.RED.run("a") == "a"
    assert list(Colour) == [Colour.RED]
    assert [one.name for one in recorder.spans] == ["invoke_agent Colour"]


def test_an_abstract_method_stays_abstract():
    @agent
    class Worker(abc.ABC):
        @abc.abstractmethod
        def run(self, what): ...

    with pytest.raises(TypeError, match="abstract"):
        Worker()
    assert Worker.run.__isabstractmethod__


@pytest.mark.parametrize("kind", [staticmethod, classmethod])
def test_the_entrypoint_of_a_class_may_be_any_method(recorder, kind):
    class Plain:
        make = kind(lambda *args: args[-1])

    agent(entrypoint="make", name="maker")(Plain)
    assert Plain.make("a") == Plain().make("a") == "a"
    assert type(inspect.getattr_static(Plain, "make")) is kind
    assert [one.name for one in recorder.spans] == ["invoke_agent maker"] * 2


class Desk:
    @tool
    @staticmethod
    def above_static(what):
        return what

    @staticmethod
    @tool
    def below_static(what):
        return what

    @tool
    @classmethod
    def above_class(cls, what):
        return cls, what

    @classmethod
    @tool
    def below_class(cls, what):
        return cls, what

    @tool
    def plain(self, what):
        return self, what

    @tool
    @functools.lru_cache  # noqa: B019 -- the point of the test
    def cached(self, what):
        return self, what


@pytest.mark.parametrize("name", ["above_static", "below_static", "above_class", "below_class", "plain", "cached"])
def test_methods_of_all_kinds(recorder, name):
    desk = Desk()
    expected = {"static": "a", "class": (Desk, "a")}.get(name.partition("_")[2], (desk, "a"))
    assert getattr(desk, name)("a") == expected
    assert getattr(desk, name)(what="a") == expected
    assert [one.attributes["gen_ai.tool.call.arguments"] for one in recorder.spans] == ['{"what":"a"}'] * 2


def test_a_static_method_is_still_one():
    assert type(inspect.getattr_static(Desk, "above_static")) is staticmethod
    assert type(inspect.getattr_static(Desk, "above_class")) is classmethod


def test_a_cached_method_has_its_cache():
    desk = Desk()
    assert desk.cached("b") is desk.cached("b")
    assert Desk.cached.cache_info().hits >= 1


def test_a_bound_method_stays_bound(recorder):
    desk = Desk()
    bound = tool(desk.plain.__func__.__wrapped__.__get__(desk))
    assert bound("a") == (desk, "a")
    assert inspect.ismethod(bound)
    assert bound.__self__ is desk
    assert recorder.one("execute_tool plain").attributes["gen_ai.tool.call.arguments"] == '{"what":"a"}'


def test_a_partial_stays_one(recorder):
    partial = functools.partial(answer, "a", password="b")
    traced = tool(partial)
    assert isinstance(traced, functools.partial)
    assert (traced.func, traced.args, traced.keywords) == (answer, ("a",), {"password": "b"})
    assert inspect.signature(traced) == inspect.signature(partial)
    assert traced() == "a"
    assert traced == partial
    assert hash(traced) == hash(partial)
    assert repr(traced) == repr(partial)
    assert pickle.loads(pickle.dumps(traced)).args == ("a",)  # noqa: S301
    assert [one.name for one in recorder.spans] == ["execute_tool answer"]


def test_a_callable_object_stays_what_it_is(recorder):
    machine = Machine()
    traced = tool(machine)
    assert isinstance(traced, Machine)
    assert traced("a") == "A"
    assert traced.value == 1
    traced.colour = "red"
    assert machine.colour == "red"
    del traced.colour
    assert not hasattr(machine, "colour")
    assert traced == machine
    assert traced.__doc__ == "A machine."
    assert vars(traced) == {}
    assert dir(traced) == dir(machine)
    assert str(traced) == str(machine)
    assert type(copy.copy(traced)) is Machine
    assert [one.name for one in recorder.spans] == ["execute_tool Machine"]
    assert recorder.one("execute_tool Machine").attributes["gen_ai.tool.call.arguments"] == '{"question":"a"}'


def test_callable_objects_of_every_kind(recorder):
    class Streaming:
        def __call__(self, what):
            yield what

    class Asynchronous:
        async def __call__(self, what):
            return what

    assert list(tool(Streaming())("a")) == ["a"]
    coroutine = tool(Asynchronous())("b")
    with pytest.raises(StopIteration, match="b"):
        coroutine.send(None)
    assert [one.attributes["gen_ai.tool.call.result"] for one in recorder.spans] == ['"a"', '"b"']


def test_a_function_written_in_c_works(recorder):
    measured = tool(len)
    assert measured([1, 2]) == 2
    assert inspect.isbuiltin(measured)
    assert recorder.one("execute_tool len").attributes["gen_ai.tool.call.arguments"] == '{"obj":[1,2]}'


class Singleton(type):
    def __call__(cls, *args):
        return super().__call__(*args)

    def run(cls):
        return cls


def test_the_methods_of_a_metaclass_are_not_the_classs(recorder):
    @agent(name="one")
    class One(metaclass=Singleton):
        def __call__(self, what):
            return what

    assert One()("a") == "a"
    assert One.run() is One
    assert [one.name for one in recorder.spans] == ["invoke_agent one"]
    with pytest.raises(ams_sdk.ConfigurationError, match="neither run nor __call__"):
        agent(Singleton("Two", (), {}))


def test_a_class_that_holds_itself_has_a_definition_or_none():
    class Circle:
        pass

    Circle.me = Circle
    assert definition_of(Circle) is None


def test_a_dataclass_with_slots_is_still_the_tool_that_was_decorated():
    @dataclasses.dataclass(slots=True)
    @tool
    class Slotted:
        limit: int = 3

        def run(self, what):
            return [what] * self.limit

    assert Slotted(1).run("a") == ["a"]
    assert definition_of(Slotted).name == "Slotted"


def test_put_on_twice_the_outer_one_counts(recorder):
    assert tool(name="outer")(tool(name="inner")(answer))("a") == "a"
    assert [one.name for one in recorder.spans] == ["execute_tool outer"]


def test_an_agent_over_a_tool_is_both(recorder):
    assert agent(tool(answer))("a") == "a"
    inner, outer = recorder.spans
    assert (inner.name, outer.name) == ("execute_tool answer", "invoke_agent answer")
    assert inner.parent.span_id == outer.context.span_id


def test_tools_of_an_agent_may_be_methods_and_classes():
    machine = tool(name="machine")(Machine())

    @agent(tools=[Desk().plain, Desk.above_static, Desk.above_class, Search, machine])
    def worker():
        return None

    named = definition_of(worker).tools
    assert [one.name for one in named] == ["plain", "above_static", "above_class", "Search", "machine"]
    assert all(isinstance(one, ToolDefinition) for one in named)


class Everything(list):
    """A list that can be called, joined and entered."""

    def __call__(self, what):
        return what

    def __or__(self, other):
        return "piped", other

    __ror__ = __or__

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __index__(self):
        return 7

    def __format__(self, how):
        return how


def test_what_python_asks_of_the_type_is_answered_too():
    plain = Everything([1, 2])
    traced = tool(plain)
    assert (len(traced), list(traced), traced[1], 2 in traced, bool(tool(Everything()))) == (2, [1, 2], 2, True, False)
    assert (traced | 3, 3 | traced, hex(traced), f"{traced:x}") == (("piped", 3), ("piped", 3), "0x7", "x")
    assert traced < tool(Everything([3]))
    with traced as entered:
        assert entered is plain
    traced[0] = 5
    assert plain == [5, 2]
    with pytest.raises(TypeError):
        len(tool(Machine()))
    with pytest.raises(TypeError):
        tool(Machine()) | 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(traced)
    assert isinstance(copy.deepcopy(traced), Everything)


def test_a_function_written_in_c_is_pickled_by_its_name():
    assert pickle.loads(pickle.dumps(tool(math.sqrt))) is math.sqrt  # noqa: S301 -- what was just written


def test_looking_through_a_module_evaluates_nothing():
    class Lazy:
        @property
        def __class__(self):
            raise RuntimeError("not ready")

    assert definition_of(Lazy()) is None


CLOUDPICKLED = """
    import asyncio, pickle, sys
    import cloudpickle
    import ams_sdk

    @ams_sdk.tool
    def plain(x):
        return x + 1

    @ams_sdk.tool
    async def later(x):
        return x + 1

    @ams_sdk.agent
    class Counter:
        def run(self, x):
            return plain(x)

    @ams_sdk.model_call(provider="p")
    def asked(x):
        return "said"

    if "configured" in sys.argv:
        ams_sdk.configure(endpoint="http://127.0.0.1:9", api_key="k", spool_dir="none")
        plain(1)
    sys.stdout.buffer.write(cloudpickle.dumps((plain, later, Counter, asked)))
    sys.stdout.flush()
    ams_sdk.shutdown(0)
"""
UNPICKLED = """
    import asyncio, pickle, sys
    import ams_sdk
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    ams_sdk.configure(exporters=[exporter])
    plain, later, Counter, asked = pickle.load(sys.stdin.buffer)
    assert (plain(1), asyncio.run(later(1)), Counter().run(1), asked(1)) == (2, 2, 2, "said")
    ams_sdk.flush()
    print(*sorted(span.name for span in exporter.get_finished_spans()), sep=", ")
"""


@pytest.mark.parametrize("state", ["configured", "not"])
def test_functions_of_the_program_itself_are_copied_into_other_processes(tmp_path, state):
    """As Ray, Dask, Spark and loky do it, with cloudpickle."""
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(CLOUDPICKLED))
    copied = subprocess.run([sys.executable, program, state], capture_output=True, check=False)
    assert copied.returncode == 0, copied.stderr.decode()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(UNPICKLED)], input=copied.stdout, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    names = done.stdout.decode().strip().split(", ")
    assert names == ["chat", *["execute_tool later"], *["execute_tool plain"] * 2, "invoke_agent Counter"]


@wrapt.decorator
def passing_through(wrapped, instance, args, kwargs):
    return type(instance).__name__, wrapped(*args, **kwargs)


class Wrapped:
    @tool
    @passing_through
    def method(self, what):
        """Says it."""
        return what

    @tool
    @passing_through
    @classmethod
    def of_class(cls, what):
        return what

    @tool
    @passing_through
    @staticmethod
    def of_nothing(what):
        return what

    @classmethod
    @tool
    @passing_through
    def below(cls, what):
        return what


class Plain:
    @classmethod
    @passing_through
    def below(cls, what):
        return what


@passing_through
def wrapped(what):
    return what


def test_a_wrapper_that_pretends_to_be_what_it_wraps_keeps_its_instance(recorder):
    one = Wrapped()
    assert one.method("a") == ("Wrapped", "a")
    assert Wrapped.method(one, "a") == ("Wrapped", "a")
    assert one.of_class("a") == Wrapped.of_class("a") == ("type", "a")
    assert one.of_nothing("a") == Wrapped.of_nothing("a") == ("NoneType", "a")
    assert Wrapped.below("a") == Plain.below("a")  # until Python 3.12 a classmethod asks what it wraps to bind
    assert tool(wrapped)("a") == ("NoneType", "a")
    said = [(span.name, span.attributes["gen_ai.tool.call.arguments"]) for span in recorder.spans]
    assert {arguments for _, arguments in said} == {'{"what":"a"}'}
    assert [name.removeprefix("execute_tool ") for name, _ in said] == [
        *("method", "method", "of_class", "of_class", "of_nothing", "of_nothing", "below", "wrapped")
    ]
    assert one.method.__doc__ == "Says it."


class Expression:
    """A callable that answers comparisons and operators as it likes, and binds in its own way."""

    def __init__(self):
        self.items = [1]

    def __call__(self, *what):
        return "called", *what

    def __eq__(self, other):
        return "eq", other

    def __ne__(self, other):
        return "ne", other

    __hash__ = None

    def __iadd__(self, more):
        self.items += more
        return self

    def __get__(self, instance, owner=None):
        return functools.partial(self, "of the class" if instance is None else "of an instance")

    def __set__(self, instance, value):
        self.items.append(value)

    def __set_name__(self, owner, name):
        self.items.append(name)

    def __instancecheck__(self, instance):
        return instance == 7


def test_an_object_answers_comparisons_and_binds_as_it_does_by_itself(recorder):
    plain = Expression()
    traced = tool(name="it")(plain)
    assert (traced == 3, traced != 3, isinstance(7, traced)) == (("eq", 3), ("ne", 3), True)
    same = traced
    traced += [2]
    assert traced is same
    assert plain.items == [1, 2]

    class Holder:
        held = traced

    assert Holder.held("x") == ("called", "of the class", "x")
    assert Holder().held("x") == ("called", "of an instance", "x")
    Holder().held = 5
    assert plain.items == [1, 2, "held", 5]
    assert traced.__call__("y") == ("called", "y")
    assert [one.name for one in recorder.spans] == ["execute_tool it"] * 3


def test_the_call_of_an_object_is_of_the_kind_that_it_was():
    class Waits:
        async def __call__(self):
            return 1

    assert inspect.iscoroutinefunction(tool(Waits()).__call__)
