import inspect
import re

import pytest

from ams_sdk import _errors
from ams_sdk._errors import APIError, MissingExtraError

CLASSES = [value for value in vars(_errors).values() if inspect.isclass(value) and issubclass(value, Exception)]


def test_there_is_one_root():
    assert all(issubclass(one, _errors.AMSError) for one in CLASSES)


def test_every_error_is_listed_and_public():
    names = {one.__name__ for one in CLASSES}
    assert names == set(_errors.__all__)


def test_the_drawn_tree_is_the_real_one():
    drawn: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in inspect.getdoc(_errors).splitlines():
        if not (found := re.match(r"([\s│├└─]*)([A-Z]\w+Error)\b", line)):
            continue
        depth = len(found.group(1))
        while path and path[-1][0] >= depth:
            path.pop()
        if path:
            drawn[found.group(2)] = path[-1][1]
        path.append((depth, found.group(2)))
    real = {one.__name__: one.__bases__[0].__name__ for one in CLASSES if one is not _errors.AMSError}
    assert drawn == real


def test_a_missing_extra_says_the_install_line():
    error = MissingExtraError("server", "ams demo")
    assert "ams demo needs the extra 'server'" in str(error)
    assert "python -m pip install '.[server]'" in str(error)


@pytest.mark.parametrize(
    ("errors", "shown"),
    [
        ((), "No."),
        ([("password", "too short."), ("", "too much")], "password: too short; too much."),
    ],
)
def test_an_api_error_shows_each_broken_rule(errors, shown):
    error = APIError("No.", status=422, code="validation", request_id="r", errors=errors, retry_after=3)
    assert str(error) == shown
    assert (error.status, error.code, error.request_id, error.retry_after) == (422, "validation", "r", 3)
