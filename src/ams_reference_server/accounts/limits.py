"""How often somebody may try: failed logins for an address and from a client, registrations from a client."""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError

from ams_reference_server.errors import TooManyRequestsError, UnavailableError

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.aio.storage import Storage

    from ams_reference_server.settings import Settings

__all__ = ["AttemptLimits", "client_key"]

_HOME_NETWORK: Final = 64  # bits: what one subscriber of IPv6 gets at least, RFC 6177


def client_key(host: str | None) -> str:
    """What counts as one client: an IPv4 address, or the /64 network of an IPv6 address: one client has it all."""
    try:
        address = ip_address(host or "")
    except ValueError:
        return host or "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), _HOME_NETWORK), strict=False))


@dataclass(frozen=True, slots=True)
class _Limit:
    item: RateLimitItem
    name: str
    who: str


class AttemptLimits:
    """The limits of the settings over one store of counts.

    Args:
        settings: how often within how long.
        counts: where attempts are counted; shared by all processes that share it.
    """

    def __init__(self, settings: Settings, counts: Storage) -> None:
        self._settings = settings
        self._counts = counts
        self._limiter = FixedWindowRateLimiter(counts)

    async def let_register(self, client: str) -> None:
        """Count a registration.

        Raises:
            TooManyRequestsError: there were too many from this client.
            UnavailableError: the store of counts does not answer.
        """
        limit = self._settings.registration_limit_per_client
        await self._hit([_Limit(limit, "register", client)] if limit else [])

    async def let_log_in(self, email_key: str, client: str) -> None:
        """See whether a login may be tried, before its password is looked at; nothing is counted.

        Raises:
            TooManyRequestsError: too many have failed for this address or from this client.
            UnavailableError: the store of counts does not answer.
        """
        for limit in self._login(email_key, client):
            try:
                is_free = await self._limiter.test(limit.item, limit.name, limit.who)
            except StorageError as error:
                raise UnavailableError from error
            if not is_free:
                raise await self._refusal(limit)

    async def count_failed_login(self, email_key: str, client: str) -> None:
        """Count a login that failed.

        Raises:
            TooManyRequestsError: it is one too many; those at the same moment may have got past ``let_log_in``.
            UnavailableError: the store of counts does not answer.
        """
        await self._hit(self._login(email_key, client))

    async def confirm_login(self, email_key: str, client: str) -> None:
        """See once more, before a right password is told, whether too many have failed in the meantime.

        It asks as one who counts does, behind those that are counting, and fails where they would: else somebody could
        guess for as long as nothing can be counted.

        Raises:
            TooManyRequestsError: too many have failed for this address or from this client.
            UnavailableError: the store of counts does not answer, or takes no counts.
        """
        for limit in self._login(email_key, client):
            key = limit.item.key_for(limit.name, limit.who)
            try:
                counted = await self._counts.incr(key, limit.item.get_expiry(), 0)
            except StorageError as error:
                raise UnavailableError from error
            if counted >= limit.item.amount:
                raise await self._refusal(limit)

    def _login(self, email_key: str, client: str) -> list[_Limit]:
        per_address, per_client = self._settings.login_limit_per_address, self._settings.login_limit_per_client
        # The counts need no addresses to read.
        address = hashlib.sha256(email_key.encode()).hexdigest()
        limits = [_Limit(per_address, "login-address", address)] if per_address else []
        return [*limits, *([_Limit(per_client, "login-client", client)] if per_client else [])]

    async def _hit(self, limits: list[_Limit]) -> None:
        refused = None
        for limit in limits:
            try:
                if not await self._limiter.hit(limit.item, limit.name, limit.who):
                    refused = limit
            except StorageError as error:
                raise UnavailableError from error
        if refused is not None:
            raise await self._refusal(refused)

    async def _refusal(self, limit: _Limit) -> TooManyRequestsError:
        try:
            window = await self._limiter.get_window_stats(limit.item, limit.name, limit.who)
        except StorageError as error:
            raise UnavailableError from error
        return TooManyRequestsError(max(1, math.ceil(window.reset_time - time.time())))
