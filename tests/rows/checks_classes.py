"""Row 6: a class that is decorated is still that class, and its entry method is traced."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import inspect
import pickle
import sys
import time
import types

from tests.rows.check import NotRun, check
from tests.rows.seen import only


class module_of:  # noqa: N801 -- reads as the statement it is used in
    """A module that is made of source text, with the SDK's decorators in it; it can be imported, so pickle finds it."""

    def __init__(self, subject, source) -> None:
        self._module = types.ModuleType("rows_birds")
        vars(self._module).update(agent=subject.agent, tool=subject.tool)
        sys.modules["rows_birds"] = self._module
        exec(source, vars(self._module))  # noqa: S102 -- the checks' own source

    def __enter__(self):
        return self._module

    def __exit__(self, *_) -> None:
        del sys.modules["rows_birds"]


def _class(subject):
    class Heron:
        def __init__(self, lake="blue"):
            self.lake = lake

        def run(self, title):
            return self.lake, title

    return Heron, subject.agent(Heron)


def _entry_traced(subject, began):
    """One span: of the entry method, which was called then or later, and not of making an instance before."""
    if subject.records:
        spans = subject.spans()
        assert len(spans) == 1, f"there are {len(spans)} spans"
        assert spans[0].start >= began // 1_000 * 1_000, "the span is of making an instance, not of the entry method"


@check(row=6, says="the decorated class is the same object, and a class")
def class_is_the_same(subject):
    plain, decorated = _class(subject)
    assert inspect.isclass(decorated), f"it is a {type(decorated).__name__}"
    assert decorated is plain


@check(row=6, says="`isinstance` and `issubclass` answer as before")
def class_isinstance(subject):
    _, decorated = _class(subject)
    assert isinstance(decorated(), decorated)
    assert issubclass(decorated, object)
    assert type(decorated()) is decorated


@check(row=6, says="it can be subclassed, and `super()` reaches its methods")
def class_subclassed(subject):
    _, decorated = _class(subject)

    class Grey(decorated):
        def run(self, title):
            return ("grey", *super().run(title))

    assert Grey("lake").run("a") == ("grey", "lake", "a")
    assert isinstance(Grey(), decorated)


@check(row=6, says="it and its instances can be pickled and copied")
def class_pickled(subject):
    source = "@agent\nclass Heron:\n    lake = 1\n    def run(self): return self.lake"
    with module_of(subject, source) as module:
        one = module.Heron()
        one.lake = 2
        assert pickle.loads(pickle.dumps(module.Heron)) is module.Heron  # noqa: S301 -- its own
        again = pickle.loads(pickle.dumps(one))  # noqa: S301 -- its own
        assert (type(again), again.run()) == (module.Heron, 2)
        assert copy.deepcopy(one).run() == 2


@check(row=6, says="a dataclass is still one: fields, equality, `replace`")
def class_dataclass(subject):
    @subject.agent
    @dataclasses.dataclass(frozen=True)
    class Heron:
        lake: int = 3

        def run(self, title):
            return [title] * self.lake

    assert dataclasses.is_dataclass(Heron)
    assert [one.name for one in dataclasses.fields(Heron)] == ["lake"]
    assert Heron() == Heron(3)
    one = dataclasses.replace(Heron(), lake=1)
    began = time.time_ns()
    assert one.run("a") == ["a"]
    _entry_traced(subject, began)


@check(row=6, says="a pydantic model is still one: validation, dump, schema")
def class_pydantic(subject):
    try:
        import pydantic  # noqa: PLC0415 -- may be missing
    except ImportError:
        raise NotRun("pydantic is not installed") from None

    @subject.agent
    class Heron(pydantic.BaseModel):
        lake: int

        def run(self, title: str) -> str:
            return title * self.lake

    one = Heron.model_validate({"lake": "2"})
    began = time.time_ns()
    assert one.run("a") == "aa"
    _entry_traced(subject, began)
    assert one.model_dump() == {"lake": 2}
    assert Heron.model_json_schema()["properties"].keys() == {"lake"}
    try:
        Heron(lake="no")
    except pydantic.ValidationError:
        pass
    else:
        raise AssertionError("nothing is validated")


@check(row=6, says="its `run` is traced: one span a call, none for making an instance")
def class_run_traced(subject):
    _, decorated = _class(subject)
    one = decorated("green")
    began = time.time_ns()
    assert one.run("a") == ("green", "a")
    _entry_traced(subject, began)


@check(row=6, says="its `__call__` is traced if it has no `run`")
def class_call_traced(subject):
    @subject.agent
    class Heron:
        def __call__(self, title):
            return title

    one = Heron()
    began = time.time_ns()
    assert one("a") == "a"
    _entry_traced(subject, began)


@check(row=6, says="the entry method can be chosen by name")
def class_entrypoint(subject):
    @subject.agent(entrypoint="search")
    class Heron:
        def search(self, title):
            return title

        def run(self):
            return 1

    one = Heron()
    began = time.time_ns()
    assert (one.run(), one.search("a")) == (1, "a")
    _entry_traced(subject, began)


@check(row=6, says="an asynchronous entry method is traced until it has ended")
def class_async_run(subject):
    @subject.agent
    class Heron:
        async def run(self, title):
            await asyncio.sleep(0.01)
            return title

    assert inspect.iscoroutinefunction(Heron.run)
    assert asyncio.run(Heron().run("a")) == "a"
    if subject.records:
        span = only(subject.spans(), "Heron", "run")
        assert span.end - span.start >= 9_000_000


@check(row=6, says="name, documentation, module, attributes and signature of the class are as before")
def class_metadata(subject):
    class Heron:
        """A bird."""

        LAKES = 3

        def __init__(self, lake: str = "blue") -> None:
            self.lake = lake

        def run(self, title: str) -> str:
            """Find it."""
            return title

        @classmethod
        def made(cls):
            return cls("made")

    before = (Heron.__name__, Heron.__qualname__, Heron.__doc__, Heron.__module__, inspect.signature(Heron))
    entry = inspect.signature(Heron.run)
    found = subject.agent(Heron)
    after = (found.__name__, found.__qualname__, found.__doc__, found.__module__, inspect.signature(found))
    assert before == after
    assert (found.LAKES, found.made().lake) == (3, "made")
    assert (inspect.signature(found.run), found.run.__doc__) == (entry, "Find it.")
