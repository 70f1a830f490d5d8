"""The calls that are measured, traced by langfuse.

It runs in an environment of its own, which ``measured.peers`` makes.
"""

from __future__ import annotations

from langfuse import Langfuse, get_client, observe


@observe
def call(query: str, limit: int) -> str:
    """Do nothing."""
    return query if limit else ""


@observe
async def call_async(query: str, limit: int) -> str:
    """Do nothing."""
    return query if limit else ""


@observe(as_type="tool")
def outer(query: str, limit: int) -> str:
    """Do nothing, one level below."""
    return call(query, limit)


@observe(as_type="agent")
def nested(query: str, limit: int) -> str:
    """Do nothing, two levels below."""
    return outer(query, limit)


@observe
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
    if how not in {"on", "unsampled"}:
        raise NotImplementedError(how)
    Langfuse(
        public_key="pk-benchmark",
        secret_key="sk-benchmark",  # noqa: S106 -- of no account
        base_url=url,
        sample_rate=0.0 if how == "unsampled" else None,
    )


def flush() -> None:
    """Send what there is."""
    get_client().flush()


def finish() -> None:
    """Send what there is and stop."""
    get_client().flush()
    get_client().shutdown()
