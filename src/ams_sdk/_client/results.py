"""What a call is after, read from its complete reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ams_sdk._client import problems

if TYPE_CHECKING:
    from ams_sdk._client.calls import Call
    from ams_sdk._client.exchange import Reply

__all__ = ["result_of"]

T = TypeVar("T")


def result_of(call: Call[T], reply: Reply) -> T:
    """Return what a call is after, from its complete reply.

    Raises:
        APIError: the platform refused.
        ProtocolError: the reply is not what the contract says.
    """
    response, content = reply.response, bytes(reply.content)
    if not response.is_success:
        raise problems.from_refusal(response.status_code, response.headers, content, reply.endpoint)
    try:
        return call.parse(content)
    except ValueError as error:
        # Without its cause: pydantic's message quotes what it read, a token perhaps.
        raise problems.from_wrong_shape(error, response.headers, content, reply.endpoint) from None
