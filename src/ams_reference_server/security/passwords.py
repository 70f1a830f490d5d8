"""How a password is kept: bcrypt over HMAC-SHA-256, so that no byte of a long password is cut off.

The only place that knows passlib.
"""

from __future__ import annotations

import logging
import math
import time
import warnings
from contextlib import asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.to_thread
from anyio import CapacityLimiter

from ams_reference_server.errors import UnavailableError

with warnings.catch_warnings():
    # passlib imports the standard library's crypt for schemes that are not used here.
    warnings.simplefilter("ignore", DeprecationWarning)
    from passlib.context import CryptContext

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

__all__ = ["HashingTurn", "Passwords"]

_LONGEST_OF_BCRYPT: Final = 72  # bytes
_LONGEST_WAIT: Final = 30  # seconds; who asked has given up by then

T = TypeVar("T")

logger = logging.getLogger(__name__)
# passlib 1.7.4 looks for a version number that bcrypt 4.1 dropped, and logs a stack although nothing is wrong.
logging.getLogger("passlib.handlers.bcrypt").setLevel(logging.ERROR)


class Passwords:
    """Hashes and verifies in worker threads of its own, so that other requests stay fast while people log in.

    Args:
        cost: the work for one hash, as a power of two.
        threads: how many are hashed at once.
        queue: how many may wait for their turn.
    """

    def __init__(self, cost: int, threads: int = 1, queue: int = 64) -> None:
        self._context = CryptContext(
            schemes=["bcrypt_sha256", "bcrypt"],
            deprecated=["bcrypt"],
            bcrypt_sha256__rounds=cost,
        )
        # A well-formed hash that no password is known for: verifying against it costs what a real one costs.
        self._nobodys_hash = f"$bcrypt-sha256$v=2,t=2b,r={cost}${'.' * 22}${'.' * 31}"
        self._threads = threads
        self._queue = queue
        self._seconds = 1.0  # that the last turn took

    @cached_property
    def _lane(self) -> CapacityLimiter:
        return CapacityLimiter(self._threads)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[HashingTurn]:
        """Wait for one of the threads; what is asked inside has it for itself, and so it waits for nothing else.

        Raises:
            UnavailableError: too many wait already, or it took too long. The answer says when it may be better.
        """
        waiting = self._lane.statistics().tasks_waiting
        if self._lane.available_tokens == 0 and waiting >= self._queue:
            until_free = math.ceil((waiting + 1) * self._seconds / self._threads)
            raise _too_many(until_free)
        try:
            with anyio.fail_after(_LONGEST_WAIT):
                await self._lane.acquire()
        except TimeoutError:
            raise _too_many(_LONGEST_WAIT) from None
        try:
            begun = time.monotonic()
            yield HashingTurn(self._context, self._nobodys_hash)
            self._seconds = time.monotonic() - begun
        finally:
            self._lane.release()


def _too_many(retry_after: int) -> UnavailableError:
    return UnavailableError("Too many people log in at this moment. Try again soon.", retry_after=retry_after)


class HashingTurn:
    """What one turn in the lane may do; passlib's work happens in a thread, outside the event loop."""

    def __init__(self, context: CryptContext, nobodys_hash: str) -> None:
        self._context = context
        self._nobodys_hash = nobodys_hash

    async def hash(self, password: str) -> str:
        """The hash to keep, with a fresh salt."""
        return await _in_thread(lambda: self._context.hash(password))

    async def verify(self, password: str, kept: str | None, owner: object = None) -> tuple[bool, str | None]:
        """Whether the password is right, and a new hash where the kept one is of an older scheme or cost.

        Without a kept hash, or with one that cannot be read, the answer is no, after the same work; the log then names
        its owner.
        """
        if kept is not None:
            try:
                is_right, newer = await _in_thread(lambda: self._context.verify_and_update(password, kept))
            except (ValueError, TypeError):
                # Not the hash, and not passlib's error, which may quote it.
                logger.error("The password hash of user %s is corrupt, so nobody can log in to that account.", owner)  # noqa: TRY400 -- as above
            else:
                # Plain bcrypt looked at 72 bytes only: what stands behind them may be wrong, so it is not kept.
                is_whole = kept.startswith("$bcrypt-sha256$") or len(password.encode()) <= _LONGEST_OF_BCRYPT
                return is_right, newer if is_whole else None
        await _in_thread(lambda: self._context.verify(password, self._nobodys_hash))
        return False, None


async def _in_thread(work: Callable[[], T]) -> T:
    # The lane is the limit; anyio's default would be another, shared with whoever else runs threads.
    return await anyio.to_thread.run_sync(work, limiter=CapacityLimiter(1))
