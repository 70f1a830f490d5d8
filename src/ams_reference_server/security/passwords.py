"""How a password is kept: bcrypt over HMAC-SHA-256, so that no byte of a long password is cut off.

The only place that knows passlib.
"""

from __future__ import annotations

import logging
import os
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter

with warnings.catch_warnings():
    # passlib imports the standard library's crypt for schemes that are not used here.
    warnings.simplefilter("ignore", DeprecationWarning)
    from passlib.context import CryptContext

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Passwords"]

T = TypeVar("T")

# passlib 1.7.4 looks for a version number that bcrypt 4.1 dropped, and logs a stack although nothing is wrong.
logging.getLogger("passlib.handlers.bcrypt").setLevel(logging.ERROR)


class Passwords:
    """Hashes and verifies in worker threads of its own, as many as there are cores, so that other requests stay fast.

    Args:
        cost: the work for one hash, as a power of two.
    """

    def __init__(self, cost: int) -> None:
        self._context = CryptContext(
            schemes=["bcrypt_sha256", "bcrypt"],
            deprecated=["bcrypt"],
            bcrypt_sha256__rounds=cost,
        )
        # A well-formed hash that no password is known for: verifying against it costs what a real one costs.
        self._nobodys_hash = f"$bcrypt-sha256$v=2,t=2b,r={cost}${'.' * 22}${'.' * 31}"

    @cached_property
    def _lane(self) -> CapacityLimiter:
        return CapacityLimiter(os.cpu_count() or 1)

    async def hash(self, password: str) -> str:
        """The hash to keep, with a fresh salt."""
        return await self._in_lane(lambda: self._context.hash(password))

    async def verify(self, password: str, kept: str | None) -> tuple[bool, str | None]:
        """Whether the password is right, and a new hash where the kept one is of an older scheme or cost.

        Without a kept hash the answer is no, after the same work.
        """
        hashed = kept or self._nobodys_hash
        right, newer = await self._in_lane(lambda: self._context.verify_and_update(password, hashed))
        return (right, newer) if kept else (False, None)

    async def _in_lane(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._lane)
