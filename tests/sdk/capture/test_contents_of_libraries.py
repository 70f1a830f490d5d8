"""Values of libraries that the SDK does not import, and of the standard library's more unusual corners."""

import io
import json
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, date, datetime
from unittest.mock import AsyncMock, MagicMock, call, create_autospec, sentinel

import numpy as np
import pandas as pd
import pytest

from ams_sdk._capture import REDACTED, render
from ams_sdk._capture.rendering import MAX_TEXT


def rendered(value):
    return json.loads(render(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(1.5), 1.5),
        (np.float64("nan"), "nan"),
        (np.int8(-3), -3),
        (np.bool_(True), True),  # noqa: FBT003 -- the value itself
        (np.str_("password=hunter2"), f"password={REDACTED}"),
        (np.datetime64("2026-01-01"), "2026-01-01"),
        (np.longdouble("1.5"), "1.5"),
        (np.array(5), {"type": "numpy.ndarray", "shape": [], "dtype": "int64", "first": [5]}),
        (
            np.array([{"password": "hunter2"}, 1], dtype=object),
            {"type": "numpy.ndarray", "shape": [2], "dtype": "object", "first": [{"password": REDACTED}, 1]},
        ),
        (
            np.array(["pwd=hunter2"]),
            {"type": "numpy.ndarray", "shape": [1], "dtype": "<U11", "first": [f"pwd={REDACTED}"]},
        ),
        (
            np.ma.array([1, 2], mask=[False, True]),
            {"type": "numpy.ma.MaskedArray", "shape": [2], "dtype": "int64", "first": [1, None]},
        ),
        (
            np.zeros(10_000_000, dtype="float32"),
            {"type": "numpy.ndarray", "shape": [10_000_000], "dtype": "float32", "first": [0.0] * 5},
        ),
        (
            pd.DataFrame({"password": ["hunter2"], "b": [1]}),
            {"type": "pandas.DataFrame", "shape": [1, 2], "dtype": {"password": REDACTED, "b": "int64"}},
        ),
        (pd.Series([1, 2]), {"type": "pandas.Series", "shape": [2], "dtype": "int64"}),
        (pd.Index([1, 2]), {"type": "pandas.Index", "shape": [2], "dtype": "int64"}),
        (pd.Timestamp("2026-01-01 00:00:00.123456789", tz="UTC"), "2026-01-01 00:00:00.123456789+00:00"),
        (pd.NaT, "NaT"),
        (pd.Timedelta(1, "s"), "0:00:01"),
        (float("nan"), "nan"),
        (date.max, "9999-12-31"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01 00:00:00+00:00"),
        (sentinel.something, "sentinel.something"),
        (call(password="hunter2"), ["", [], {"password": REDACTED}]),
        (MagicMock(password="hunter2"), "<unittest.mock.MagicMock>"),
        (AsyncMock(), "<unittest.mock.AsyncMock>"),
        (create_autospec(io.StringIO), "<unittest.mock.MagicMock>"),
        ("\ud800", "?"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_shown_as_what_they_are(value, expected):
    shown = rendered(value)
    # Older releases of pandas say where they keep a class.
    if isinstance(shown, dict) and "pandas" in str(shown.get("type")):
        shown["type"] = f"pandas.{shown['type'].rpartition('.')[2]}"
    assert shown == expected


def test_a_mock_is_not_called_by_being_looked_at():
    mock = MagicMock()
    render({"mock": mock, "in a list": [mock]})
    assert mock.mock_calls == []


def test_files_and_locks_are_left_as_they_are():
    lock = threading.RLock()
    with tempfile.TemporaryFile() as file:
        file.write(b"abc")
        file.seek(1)
        assert rendered(file).startswith("<_io.")
        assert file.tell() == 1
    assert "RLock" in rendered(lock)
    assert lock.acquire(blocking=False)


def test_generators_of_every_kind_are_left_as_they_are():
    async def asynchronous():
        yield 1

    def plain():
        yield 1

    values = [plain(), asynchronous()]
    assert rendered(values) == ["<generator>", "<async_generator>"]
    assert next(values[0]) == 1


@pytest.mark.parametrize(
    "value",
    [
        "x" * 5_000_000,
        dict.fromkeys(range(1_000_000), "y" * 20),
        ["z" * 20] * 1_000_000,
        np.zeros(10_000_000, dtype="int8"),
        pd.DataFrame({str(number): [0] for number in range(5_000)}),
    ],
    ids=["text", "mapping", "list", "array", "frame"],
)
def test_what_is_huge_is_shown_in_little(value):
    assert len(render(value)) < 3 * MAX_TEXT


def test_nothing_of_them_is_imported_for_this():
    code = "import sys, ams_sdk._capture; print({'numpy', 'pandas', 'attrs', 'unittest'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
