"""Bodies of answers that are no success: ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy  # noqa: TC002 -- the public types stay resolvable at run time

from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._platform.refusals import Refusal
from ams_sdk.testing._strategies.bounds import check_choice
from ams_sdk.testing._strategies.texts import texts
from ams_sdk.wire import FieldError, Problem

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

__all__ = ["ProblemCode", "problems"]

ProblemCode = Literal[
    "malformed",
    "unauthenticated",
    "invalid_token",
    "token_expired",
    "invalid_credentials",
    "not_found",
    "method_not_allowed",
    "email_taken",
    "body_too_large",
    "unsupported_media_type",
    "validation",
    "too_many_requests",
    "internal",
    "unavailable",
]
"""The contract's stable name for a problem."""

_CODES: Final[tuple[ProblemCode, ...]] = get_args(ProblemCode)
_STATUSES: Final = {code: Refusal(code).status for code in _CODES}
_FIELDS: Final = st.sampled_from(["email", "password", "name", "tools.0.name", ""])
_RULES: Final = st.sampled_from(["missing", "too_short", "extra_forbidden", "value_error"])


def problems(*, code: ProblemCode | None = None, status: int | None = None) -> SearchStrategy[Problem]:
    """Problem documents as the contract has them: status, title and code belong together.

    Args:
        code: of every one; any if not given.
        status: of every one; any if not given.

    Raises:
        ConfigurationError: no problem of the contract has this code, or this status.
    """
    check_choice("problems", "code", code, _CODES)
    chosen: list[ProblemCode] = [one for one in _CODES if code in {None, one} and status in {None, _STATUSES[one]}]
    if not chosen:
        known = f"{code!r} is {_STATUSES[code]}" if code else f"there are {sorted(set(_STATUSES.values()))}"
        raise ConfigurationError(f"problems(status={status!r}): no problem of the contract has it; {known}.")
    return _problems(tuple(chosen))


@st.composite
def _problems(draw: DrawFn, codes: tuple[ProblemCode, ...]) -> Problem:
    refusal = Refusal(draw(st.sampled_from(codes)))
    errors = None
    if refusal.code == "validation":
        broken = st.builds(FieldError, field=_FIELDS, code=_RULES, message=texts(min_size=1))
        errors = draw(st.lists(broken, min_size=1, max_size=3))
    return Problem(
        title=refusal.title,
        status=refusal.status,
        detail=draw(st.just(refusal.detail) | texts(min_size=1)),
        code=refusal.code,
        request_id=draw(st.from_regex(r"[A-Za-z0-9._-]{1,32}", fullmatch=True)),
        errors=errors,
    )
