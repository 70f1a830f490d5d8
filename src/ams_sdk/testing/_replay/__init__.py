"""A recorded run becomes a test that replays it."""

from ams_sdk.testing._replay.run import run
from ams_sdk.testing._replay.written_test import WrittenTest, pytest_source, written_test

__all__ = ["WrittenTest", "pytest_source", "run", "written_test"]
