"""What a decorator must leave as it was: configured, and not configured."""

import asyncio
import inspect
import pickle
import traceback
import typing

import pytest

import ams_sdk
from ams_sdk import agent, tool
from ams_sdk._decorators import call


@pytest.fixture(params=["unconfigured", "configured", "disabled"], autouse=True)
def state(request, unconfigured_recorder):
    if request.param == "configured":
        unconfigured_recorder.configure()
    elif request.param == "disabled":
        unconfigured_recorder.configure(enabled=False)
    return request.param


@tool
def add(left: int, /, right: int = 2, *rest: int, scale: int = 1, **extra: int) -> int:
    """Add."""
    return (left + right + sum(rest)) * scale + sum(extra.values())


@agent(version="1")
async def think(question: str) -> str:
    """Think."""
    await asyncio.sleep(0)
    return question.upper()


class Refused(Exception):  # noqa: N818 -- a user's name
    pass


def test_results_pass_through():
    assert add(1) == 3
    assert add(1, 2, 3, scale=2, more=4) == 16
    assert asyncio.run(think("why")) == "WHY"


def test_the_result_is_the_same_object():
    value = object()
    assert tool(lambda: value)() is value


def test_the_kind_of_function_stays():
    assert not inspect.iscoroutinefunction(add)
    assert inspect.iscoroutinefunction(think)
    assert inspect.isfunction(add)
    assert inspect.isfunction(think)


def test_signature_name_doc_module_annotations_stay():
    assert (
        str(inspect.signature(add)) == "(left: int, /, right: int = 2, *rest: int, scale: int = 1, **extra: int) -> int"
    )
    assert (add.__name__, add.__qualname__, add.__doc__, add.__module__) == ("add", "add", "Add.", __name__)
    assert typing.get_type_hints(think) == {"question": str, "return": str}
    assert add.__wrapped__(1) == 3


def test_a_wrong_call_is_the_functions_own_error():
    with pytest.raises(TypeError, match=r"add\(\) missing 1 required positional argument: 'left'"):
        add()
    with pytest.raises(TypeError, match="unexpected keyword argument 'answer'"):
        asyncio.run(think("why", answer=1))


def test_an_exception_is_the_same_object_with_one_frame_more():
    error = Refused("no")
    error.__cause__ = cause = ValueError("because")

    @tool
    def refuse():
        raise error

    with pytest.raises(Refused) as caught:
        refuse()
    assert caught.value is error
    assert (error.__cause__, error.__context__, getattr(error, "__notes__", [])) == (cause, None, [])
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    assert frames == [__file__, call.__file__, __file__]


def test_an_exception_of_an_async_agent():
    @agent
    async def refuse():
        await asyncio.sleep(0)
        raise Refused("no")

    with pytest.raises(Refused, match="no") as caught:
        asyncio.run(refuse())
    frames = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert frames.count(call.__file__) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_what_is_no_exception_passes_too(error):
    @tool
    def stop():
        raise error

    with pytest.raises(error):
        stop()


def test_cancelling_an_agent_cancels_it():
    started = asyncio.Event()

    @agent
    async def waits():
        started.set()
        await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(waits())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(main())


def test_the_function_may_change_its_arguments():
    @tool
    def grow(items):
        items.append(1)

    items: list[int] = []
    grow(items)
    assert items == [1]


@pytest.mark.parametrize("hostile", ["__repr__", "__str__", "__eq__", "__hash__", "__bool__", "__len__", "__iter__"])
def test_hostile_arguments_and_results_do_no_harm(hostile):
    def refuse(*_):
        raise RuntimeError(hostile)

    value = type("Hostile", (), {hostile: refuse})()
    assert tool(lambda given: given)(value) is value
    assert agent(lambda given: given)(value) is value


def test_decorated_functions_are_pickled_by_name():
    assert pickle.loads(pickle.dumps(think)) is think  # noqa: S301 -- our own bytes


def test_recursion_is_as_deep_as_before_but_for_our_frames():
    @tool
    def down(depth):
        return depth if depth == 0 else down(depth - 1)

    assert down(200) == 0


def test_decorated_twice_and_agent_over_tool():
    @agent
    @tool
    @tool
    def twice(value):
        return value

    assert twice(3) == 3


def test_nothing_is_printed(capfd):
    add(1)
    asyncio.run(think("why"))
    assert ams_sdk.flush()
    assert capfd.readouterr() == ("", "")
