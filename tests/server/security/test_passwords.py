from __future__ import annotations

import asyncio
import statistics
import time

import pytest
from passlib.hash import bcrypt, bcrypt_sha256

from ams_reference_server.security.passwords import Passwords

PASSWORDS = Passwords(4)


def verify(password, kept, passwords=PASSWORDS):
    return asyncio.run(passwords.verify(password, kept))


def test_a_password_is_verified_against_its_hash_and_no_other():
    kept = asyncio.run(PASSWORDS.hash("correct"))
    assert kept.startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert verify("correct", kept) == (True, None)
    assert verify("Correct", kept) == (False, None)
    assert asyncio.run(PASSWORDS.hash("correct")) != kept


def test_no_byte_is_cut_off():
    kept = asyncio.run(PASSWORDS.hash("x" * 127 + "a"))
    assert verify("x" * 127 + "b", kept) == (False, None)


@pytest.mark.parametrize("older", [bcrypt.using(rounds=4), bcrypt_sha256.using(rounds=5)])
def test_an_older_hash_is_verified_and_replaced(older):
    right, newer = verify("correct", older.hash("correct"))
    assert right
    assert newer is not None
    assert newer.startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert verify("wrong", older.hash("correct")) == (False, None)


def test_nobody_has_no_password():
    assert verify("", None) == (False, None)
    assert verify("." * 31, None) == (False, None)


def test_an_unknown_account_takes_as_much_work_as_a_known_one():
    passwords = Passwords(9)

    def took(kept):
        begun = time.perf_counter()
        verify("wrong", kept, passwords)
        return time.perf_counter() - begun

    kept = asyncio.run(passwords.hash("correct"))
    known, unknown = (statistics.median(took(hashed) for _ in range(7)) for hashed in (kept, None))
    assert 0.5 < unknown / known < 2


def test_the_event_loop_goes_on_while_passwords_are_hashed():
    passwords = Passwords(11)

    async def scenario():
        hashing = asyncio.gather(*(passwords.hash("correct") for _ in range(4)))
        turns = 0
        while not hashing.done():
            await asyncio.sleep(0.001)
            turns += 1
        return turns

    assert asyncio.run(scenario()) > 10


def test_a_password_is_hashed_without_a_line_in_the_log(caplog):
    asyncio.run(PASSWORDS.hash("correct"))
    assert caplog.text == ""
