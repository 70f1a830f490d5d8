from __future__ import annotations

import asyncio

import bcrypt as backend
import pytest
from passlib.hash import bcrypt, bcrypt_sha256

from ams_reference_server.errors import UnavailableError
from ams_reference_server.security.passwords import Passwords

PASSWORDS = Passwords(4)


def hashed(password, passwords=PASSWORDS):
    async def work():
        async with passwords.turn() as turn:
            return await turn.hash(password)

    return asyncio.run(work())


def verify(password, kept, passwords=PASSWORDS):
    async def work():
        async with passwords.turn() as turn:
            return await turn.verify(password, kept, owner="ada")

    return asyncio.run(work())


@pytest.fixture(autouse=True)
def fresh_lane():
    # A lane belongs to an event loop, and each of these tests runs several.
    yield
    PASSWORDS.__dict__.pop("_lane", None)


def test_a_password_is_verified_against_its_hash_and_no_other():
    kept = hashed("correct")
    assert kept.startswith("$bcrypt-sha256$v=2,t=2b,r=4$")
    assert verify("correct", kept) == (True, None)
    assert verify("Correct", kept) == (False, None)
    assert hashed("correct") != kept


def test_no_byte_is_cut_off():
    kept = hashed("x" * 127 + "a")
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


def test_the_event_loop_goes_on_while_passwords_are_hashed():
    passwords = Passwords(11)

    async def one():
        async with passwords.turn() as turn:
            await turn.hash("correct")

    async def scenario():
        hashing = asyncio.gather(*(one() for _ in range(4)))
        turns = 0
        while not hashing.done():
            await asyncio.sleep(0.001)
            turns += 1
        return turns

    assert asyncio.run(scenario()) > 10


def test_a_password_is_hashed_without_a_line_in_the_log(caplog):
    hashed("correct")
    assert caplog.text == ""


@pytest.mark.parametrize(
    "corrupt", ["", "x", "$2b$12$", "$bcrypt-sha256$v=2,t=2b,r=4$tooshort", "$argon2id$v=19$", "\u00e4"]
)
def test_a_corrupt_hash_fits_no_password_and_is_an_error_in_the_log(corrupt, caplog):
    assert verify("correct", corrupt) == (False, None)
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert "ada" in record.getMessage()
    assert not corrupt or len(corrupt) < 2 or corrupt not in caplog.text


@pytest.mark.parametrize("corrupt", [None, "x", "$2b$12$"])
def test_without_an_account_or_with_a_corrupt_hash_as_much_work_is_done(corrupt, monkeypatch):
    """So whoever waits cannot tell; the work is what bcrypt is asked for, by its cost."""
    passwords = Passwords(9)
    right = hashed("correct", passwords)
    asked, hashpw = [], backend.hashpw

    def counted(secret, settings):
        asked.append(int(settings.split(b"$")[2]))
        return hashpw(secret, settings)

    monkeypatch.setattr(backend, "hashpw", counted)
    verify("wrong", right, passwords)
    assert asked == [9]
    verify("wrong", corrupt, passwords)
    assert asked == [9, 9]


def test_no_more_than_the_queue_holds_wait_for_their_turn():
    passwords = Passwords(10, threads=2, queue=3)

    async def one():
        async with passwords.turn() as turn:
            return await turn.hash("correct")

    async def scenario():
        answers = await asyncio.gather(*(one() for _ in range(9)), return_exceptions=True)
        return answers, await one()  # and there is room again

    answers, later = asyncio.run(scenario())
    refused = [answer for answer in answers if isinstance(answer, UnavailableError)]
    assert len(refused) == 9 - 2 - 3
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert sum(isinstance(answer, str) for answer in answers) == 5
    assert later.startswith("$bcrypt-sha256$")


def test_a_turn_is_over_when_its_work_fails():
    passwords = Passwords(4, threads=1, queue=0)

    async def fails():
        async with passwords.turn():
            raise LookupError

    async def scenario():
        with pytest.raises(LookupError):
            await fails()
        async with passwords.turn() as turn:
            return await turn.hash("correct")

    assert asyncio.run(scenario()).startswith("$bcrypt-sha256$")


def test_a_hash_that_saw_only_72_bytes_is_not_replaced_by_what_was_typed():
    older = bcrypt.using(rounds=4, truncate_error=False).hash("x" * 72 + "right")
    assert verify("x" * 72 + "wrong", older) == (True, None)
    right, newer = verify("x" * 72, older)
    assert (right, newer is not None) == (True, True)


def test_who_waits_too_long_for_a_turn_is_told_so(monkeypatch):
    monkeypatch.setattr("ams_reference_server.security.passwords._LONGEST_WAIT", 0.05)
    passwords = Passwords(4, threads=1, queue=5)

    async def scenario():
        async def another():
            async with passwords.turn() as turn:
                return await turn.hash("correct")

        async with passwords.turn():
            with pytest.raises(UnavailableError):
                await asyncio.create_task(another())
        return await another()

    assert asyncio.run(scenario()).startswith("$bcrypt-sha256$")
