"""The header ``traceparent``, valid and invalid by W3C Trace Context, section 3.2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy  # noqa: TC002 -- the public types stay resolvable at run time

from ams_sdk.testing._strategies.accounts import Refused

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

__all__ = ["SPAN_IDS", "TRACE_IDS", "invalid_traceparents", "traceparents"]

TRACE_IDS: Final[SearchStrategy[str]] = st.integers(1, 2**128 - 1).map("{:032x}".format)
"""32 digits of lower-case hex, not all zero."""
SPAN_IDS: Final[SearchStrategy[str]] = st.integers(1, 2**64 - 1).map("{:016x}".format)
"""16 digits of lower-case hex, not all zero."""
_FLAGS: Final = st.integers(0, 255).map("{:02x}".format)
_SAMPLED: Final = 1


def traceparents(*, sampled: bool | None = None, future_versions: bool = False) -> SearchStrategy[str]:
    """Headers ``traceparent`` that are valid.

    Args:
        sampled: whether the flag "sampled" is set; either if not given.
        future_versions: also versions above 00, which may have more behind the flags (section 3.2.2).
    """
    return _traceparents(sampled=sampled, future_versions=future_versions)


@st.composite
def _traceparents(draw: DrawFn, *, sampled: bool | None, future_versions: bool) -> str:
    version = draw(st.integers(0, 254)) if future_versions else 0
    flags = draw(st.integers(0, 255))
    if sampled is not None:
        flags = flags | _SAMPLED if sampled else flags & ~_SAMPLED
    more = draw(st.sampled_from(["", "-", "-what-the-future-says"])) if version else ""
    return f"{version:02x}-{draw(TRACE_IDS)}-{draw(SPAN_IDS)}-{flags:02x}{more}"


def invalid_traceparents() -> SearchStrategy[Refused]:
    """Headers ``traceparent`` that a receiver must ignore, each with why; the code is ``invalid_traceparent``."""
    return _invalid_traceparents()


@st.composite
def _invalid_traceparents(draw: DrawFn) -> Refused:
    trace, span, flags = draw(TRACE_IDS), draw(SPAN_IDS), draw(_FLAGS)
    valid = f"00-{trace}-{span}-{flags}"
    broken = {
        "it is empty": "",
        "its trace id is all zero": f"00-{'0' * 32}-{span}-{flags}",
        "its span id is all zero": f"00-{trace}-{'0' * 16}-{flags}",
        "version ff is forbidden": f"ff{valid[2:]}",
        "the hex digits are in upper case": f"00-{'A' + trace[1:]}-{span}-{flags}",
        "a digit is none of hex": f"00-{'g' + trace[1:]}-{span}-{flags}",
        "its trace id is too short": f"00-{trace[1:]}-{span}-{flags}",
        "its span id is too long": f"00-{trace}-{span}0-{flags}",
        "its flags are missing": valid[:-3],
        "its flags are one digit": valid[:-1],
        "its version is one digit": valid[1:],
        "something stands behind version 00": f"{valid}-more",
        "the parts are not joined by dashes": valid.replace("-", "_"),
        "two are joined by a comma": f"{valid},{valid}",
    }
    why = draw(st.sampled_from([*broken]))
    return Refused(broken[why], ("invalid_traceparent",), why)
