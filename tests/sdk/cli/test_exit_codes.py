from __future__ import annotations

import re
from pathlib import Path

import pytest

from ams_sdk import _errors
from ams_sdk._cli import exit_codes

DOCUMENT = Path(__file__).parents[3] / "docs" / "cli.md"


def made(kind):
    if issubclass(kind, _errors.APIError):
        return kind("D.", status=400, code="x")
    return kind("server", "x") if kind is _errors.MissingExtraError else kind("x")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("AMSError", 1),
        ("APIError", 1),
        ("ConfigurationError", 2),
        ("MissingExtraError", 3),
        ("PlatformUnreachableError", 4),
        ("PlatformTimeoutError", 4),
        ("InvalidCredentialsError", 5),
        ("NotLoggedInError", 6),
        ("LoginExpiredError", 6),
        ("AuthenticationError", 6),
        ("NotFoundError", 7),
        ("PortTakenError", 8),
        ("StateFolderError", 9),
        ("InvalidRequestError", 10),
        ("ConflictError", 10),
        ("PermissionDeniedError", 10),
        ("RateLimitedError", 10),
        ("DemoMismatchError", 11),
        ("ServerError", 12),
        ("ServerStartError", 12),
        ("ProtocolError", 12),
    ],
)
def test_the_code_of_each_error(name, code):
    assert exit_codes.of(made(getattr(_errors, name))) == code


def test_every_error_has_a_code_and_is_in_the_test_above():
    kinds = {name for name in _errors.__all__ if issubclass(getattr(_errors, name), _errors.AMSError)}
    tested = {row[0] for row in test_the_code_of_each_error.pytestmark[0].args[1]}
    assert kinds == tested


def test_the_documented_table_is_the_one_in_the_code():
    rows = re.findall(r"^\| `(\d+)` \| (.+?) \| (.*?) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    expected = [
        (str(row.number), row.meaning, ", ".join(f"`{error.__name__}`" for error in row.errors))
        for row in exit_codes.TABLE
    ]
    assert rows == expected
