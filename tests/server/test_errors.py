from __future__ import annotations

import pytest

from ams_reference_server import errors


def every(cls):
    for inner in cls.__subclasses__():
        yield inner
        yield from every(inner)


def test_every_error_is_drawn_and_exported():
    found = {errors.ReferenceServerError, *every(errors.ReferenceServerError)}
    ours = {cls.__name__ for cls in found if cls.__module__ == errors.__name__}
    assert ours == set(errors.__all__)
    assert not [name for name in ours if name not in (errors.__doc__ or "")]


def test_every_refusal_has_a_status_and_a_code_of_its_own():
    refusals = [cls for cls in every(errors.RequestError) if cls.__module__ == errors.__name__]
    codes = [cls.code for cls in refusals]
    assert len(codes) == len(set(codes))
    assert all(400 <= cls.status <= 599 and cls.title for cls in refusals)


@pytest.mark.parametrize(
    "cls",
    [errors.UnauthenticatedError, errors.InvalidTokenError, errors.TokenExpiredError, errors.InvalidCredentialsError],
)
def test_every_401_carries_a_challenge(cls):
    assert cls().headers["WWW-Authenticate"].startswith('Bearer realm="ams"')


def test_a_store_that_is_down_says_when_to_come_back():
    assert errors.UnavailableError().headers == {"Retry-After": "1"}
