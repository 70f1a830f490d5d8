from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from ams_reference_server.accounts.attempt_counts import DatabaseCounts, redis_counts
from ams_reference_server.accounts.limits import AttemptLimits, client_key
from ams_reference_server.errors import TooManyRequestsError, UnavailableError
from ams_reference_server.models import attempt_counts
from ams_reference_server.redis_store import open_redis
from ams_reference_server.setting_kinds import rate

ADA, BOB = "ada@example.org", "bob@example.org"
HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    def __init__(self):
        self.now = time.time()

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["database", "redis"])
def run(request, settings, clock):
    """Runs a scenario over limits of 3 a second for an address, 5 for a client and 2 registrations, in each store."""
    allowed = replace(
        settings,
        login_limit_per_address=rate("3 per 2 seconds"),
        login_limit_per_client=rate("5 per 2 seconds"),
        registration_limit_per_client=rate("2 per 2 seconds"),
    )
    if request.param == "database":
        counts = DatabaseCounts(request.getfixturevalue("database"), clock)

        async def passed():
            clock.now += 2

        return lambda scenario: asyncio.run(scenario(AttemptLimits(allowed, counts), passed))
    url = request.getfixturevalue("redis_url")

    async def with_redis(scenario):
        async with open_redis(url) as redis:

            async def passed():
                while await redis.keys("*"):  # noqa: ASYNC110 -- Redis has a clock of its own, and tells nobody
                    await asyncio.sleep(0.02)

            await scenario(AttemptLimits(allowed, redis_counts(redis)), passed)

    return lambda scenario: asyncio.run(with_redis(scenario))


def test_failures_are_limited_for_an_address_wherever_they_come_from(run):
    async def scenario(limits, passed):
        for number in range(3):
            await limits.let_log_in(ADA, f"192.0.2.{number}")
            await limits.count_failed_login(ADA, f"192.0.2.{number}")
        with pytest.raises(TooManyRequestsError) as caught:
            await limits.let_log_in(ADA, "192.0.2.9")
        assert caught.value.headers["Retry-After"] in {"1", "2"}
        with pytest.raises(TooManyRequestsError):
            await limits.count_failed_login(ADA, "192.0.2.9")
        await limits.let_log_in(BOB, "192.0.2.9")
        await passed()
        await limits.let_log_in(ADA, "192.0.2.9")
        await limits.count_failed_login(ADA, "192.0.2.9")

    run(scenario)


def test_failures_are_limited_for_a_client_whatever_it_tries(run):
    async def scenario(limits, passed):
        for number in range(5):
            await limits.count_failed_login(f"{number}@example.org", HERE)
        with pytest.raises(TooManyRequestsError):
            await limits.let_log_in(ADA, HERE)
        await limits.let_log_in(ADA, THERE)
        await passed()
        await limits.let_log_in(ADA, HERE)

    run(scenario)


def test_registrations_are_limited_for_a_client(run):
    async def scenario(limits, passed):
        await limits.let_register(HERE)
        await limits.let_register(HERE)
        with pytest.raises(TooManyRequestsError):
            await limits.let_register(HERE)
        await limits.let_register(THERE)
        await limits.let_log_in(ADA, HERE)
        await passed()
        await limits.let_register(HERE)

    run(scenario)


def test_of_many_failures_at_once_each_is_counted(run):
    async def scenario(limits, _passed):
        tried = [limits.count_failed_login(ADA, f"192.0.2.{number}") for number in range(12)]
        answers = await asyncio.gather(*tried, return_exceptions=True)
        assert sum(isinstance(answer, TooManyRequestsError) for answer in answers) == 9

    run(scenario)


def test_a_limit_that_is_off_counts_nothing(settings, database):
    off = replace(
        settings, login_limit_per_address=None, login_limit_per_client=None, registration_limit_per_client=None
    )

    async def scenario():
        limits = AttemptLimits(off, DatabaseCounts(database))
        for _ in range(20):
            await limits.let_register(HERE)
            await limits.let_log_in(ADA, HERE)
            await limits.count_failed_login(ADA, HERE)
        return await database.read(lambda connection: connection.execute(select(attempt_counts)).all())

    assert asyncio.run(scenario()) == []


def test_counts_name_nobody_and_are_forgotten_when_their_window_is_over(settings, database, clock):
    async def scenario():
        limits = AttemptLimits(settings, DatabaseCounts(database, clock))
        await limits.count_failed_login(ADA, HERE)
        kept = await database.read(lambda connection: connection.execute(select(attempt_counts.c.key)).scalars().all())
        clock.now += 3600
        await limits.count_failed_login(BOB, THERE)
        return kept, await database.read(
            lambda connection: connection.execute(select(attempt_counts.c.key)).scalars().all()
        )

    before, after = asyncio.run(scenario())
    assert len(before) == len(after) == 2
    assert not set(before) & set(after)
    assert "ada" not in str(before)


def test_a_store_that_does_not_answer_is_unavailable(settings):
    async def scenario():
        limits = AttemptLimits(settings, redis_counts(open_redis("redis://127.0.0.1:1")))
        for attempt in (
            limits.let_register(HERE),
            limits.let_log_in(ADA, HERE),
            limits.count_failed_login(ADA, HERE),
        ):
            with pytest.raises(UnavailableError):
                await attempt

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        (None, "unknown"),
    ],
)
def test_a_client_is_an_address_or_a_network(host, key):
    assert client_key(host) == key


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_all_of_one_home_network_is_one_client(address, suffix):
    if address.ipv4_mapped is None:
        other = type(address)(int(address) >> 64 << 64 | suffix)
        assert client_key(str(other)) == client_key(str(address)) or other.ipv4_mapped is not None
