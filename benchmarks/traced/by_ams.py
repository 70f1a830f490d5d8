"""The calls that are measured, traced by this project."""

from __future__ import annotations

import ams_sdk
from ams_sdk import agent, session, tool

_SETTINGS: dict[str, dict[str, object]] = {"on": {}, "unsampled": {"sample_rate": 0}, "durable": {"durable": True}}


@tool
def call(query: str, limit: int) -> str:
    """Do nothing."""
    return query if limit else ""


@tool
async def call_async(query: str, limit: int) -> str:
    """Do nothing."""
    return query if limit else ""


@tool
def outer(query: str, limit: int) -> str:
    """Do nothing, one level below."""
    return call(query, limit)


@agent
def nested(query: str, limit: int) -> str:
    """Do nothing, two levels below."""
    return outer(query, limit)


def in_session(query: str, limit: int) -> str:
    """Do nothing, in a conversation."""
    with session(query, user="somebody"):
        return call(query, limit)


@tool
def large(text: str, mapping: dict[str, str]) -> int:
    """Do nothing with much."""
    return len(text) + len(mapping)


def start(url: str, how: str) -> None:
    """Trace from now on.

    Raises:
        NotImplementedError: it cannot be traced in that way.
    """
    if how == "unconfigured":
        return
    try:
        ams_sdk.configure(endpoint=url, api_key="benchmark-key", **_SETTINGS[how])  # type: ignore[arg-type]
    except TypeError:
        raise NotImplementedError(f"configure() does not take {_SETTINGS[how]}") from None


def flush() -> None:
    """Send what there is."""
    ams_sdk.flush()


def finish() -> None:
    """Send what there is and stop."""
    ams_sdk.flush()
    ams_sdk.shutdown()
