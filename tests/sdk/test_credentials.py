from __future__ import annotations

import json
import os
import stat
import string
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ams_sdk import _credentials
from ams_sdk._credentials import FILE_NAME, Login
from ams_sdk._errors import StateFolderError

HERE = "http://127.0.0.1:8787"
THERE = "https://ams.example.com"
END = datetime(2099, 1, 2, 3, 4, 5, tzinfo=UTC)


def a_login(endpoint=HERE, token="t0ken", email="ada@example.com"):  # noqa: S107 -- made up
    return Login(endpoint, email, token, END)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_saved_is_found_and_current(tmp_path):
    assert _credentials.find(tmp_path / "none") is None
    _credentials.save(tmp_path, a_login())
    assert _credentials.find(tmp_path) == a_login()
    assert _credentials.find(tmp_path, HERE) == a_login()


def test_a_token_is_never_found_for_another_endpoint(tmp_path):
    _credentials.save(tmp_path, a_login())
    assert _credentials.find(tmp_path, THERE) is None
    assert _credentials.find(tmp_path, HERE + "/") is None


def test_the_last_login_is_current_and_the_one_before_is_kept(tmp_path):
    _credentials.save(tmp_path, a_login())
    _credentials.save(tmp_path, a_login(THERE, "other"))
    assert _credentials.find(tmp_path).endpoint == THERE
    assert _credentials.find(tmp_path, HERE).access_token == "t0ken"


def test_a_login_is_forgotten_and_nothing_else(tmp_path):
    _credentials.save(tmp_path, a_login(THERE, "other"))
    _credentials.save(tmp_path, a_login())
    assert _credentials.forget(tmp_path, HERE)
    assert not _credentials.forget(tmp_path, HERE)
    assert _credentials.find(tmp_path) is None
    assert _credentials.find(tmp_path, THERE).access_token == "other"
    assert "t0ken" not in (tmp_path / FILE_NAME).read_text()


def test_forgetting_another_login_leaves_the_current_one(tmp_path):
    _credentials.save(tmp_path, a_login(THERE, "other"))
    _credentials.save(tmp_path, a_login())
    assert _credentials.forget(tmp_path, THERE)
    assert _credentials.find(tmp_path) == a_login()


def test_forgetting_where_nothing_is_makes_nothing(tmp_path):
    assert not _credentials.forget(tmp_path / "none", HERE)
    assert not (tmp_path / "none").exists()


@given(
    st.lists(
        st.builds(Login, st.text(), st.text(), st.text(string.printable[:94]), st.datetimes(timezones=st.just(UTC))),
        min_size=1,
        max_size=5,
    )
)
def test_any_login_survives_the_file(logins):
    with TemporaryDirectory() as folder:
        for login in logins:
            _credentials.save(Path(folder), login)
        for login in {login.endpoint: login for login in logins}.values():
            assert _credentials.find(Path(folder), login.endpoint) == login
        assert _credentials.find(Path(folder)) == logins[-1]


def test_the_time_is_kept_in_utc(tmp_path):
    local = END.astimezone(timezone(timedelta(hours=5)))
    _credentials.save(tmp_path, Login(HERE, "a@b.c", "t", local))
    assert _credentials.find(tmp_path).expires_at == END
    assert json.loads((tmp_path / FILE_NAME).read_text())["logins"][HERE]["expires_at"] == "2099-01-02T03:04:05+00:00"


def test_a_login_is_over_from_its_last_second_on():
    assert a_login().is_over(END)
    assert not a_login().is_over(END - timedelta(seconds=1))
    assert not a_login().is_over()


def test_the_token_is_not_in_the_repr():
    assert "t0ken" not in repr(a_login())


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_only_the_owner_can_read_whatever_the_umask_is(tmp_path):
    old = os.umask(0)
    try:
        _credentials.save(tmp_path / "state" / "ams", a_login())
    finally:
        os.umask(old)
    assert mode(tmp_path / "state" / "ams") == 0o700
    assert {mode(file) for file in (tmp_path / "state" / "ams").iterdir()} == {0o600}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_file_that_others_can_read_is_tightened_at_the_next_save(tmp_path):
    _credentials.save(tmp_path, a_login())
    (tmp_path / FILE_NAME).chmod(0o644)
    _credentials.save(tmp_path, a_login(THERE))
    assert mode(tmp_path / FILE_NAME) == 0o600


def test_a_link_is_replaced_and_not_written_through(tmp_path):
    outside = tmp_path / "outside.json"
    outside.write_text('{"version": 1, "current": null, "logins": {}}')
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / FILE_NAME).symlink_to(outside)
    _credentials.save(folder, a_login())
    assert "t0ken" not in outside.read_text()
    assert _credentials.find(folder) == a_login()


GOOD = {
    "version": 1,
    "current": HERE,
    "logins": {HERE: {"email": "a", "access_token": "t0ken", "expires_at": "2099-01-02T00:00:00Z"}},
}


def changed(**entry):
    return json.dumps(GOOD | {"logins": {HERE: GOOD["logins"][HERE] | entry}})


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '"t0ken"',
        "[" * 100_000,
        json.dumps(GOOD)[:-20],
        json.dumps(GOOD | {"version": 2}),
        json.dumps({"logins": {}}),
        json.dumps(GOOD | {"current": 5}),
        json.dumps(GOOD | {"logins": []}),
        json.dumps(GOOD | {"logins": {HERE: "t0ken"}}),
        changed(expires_at="2099-01-02T00:00:00"),
        changed(expires_at="soon"),
        changed(expires_at=12),
        changed(access_token=None),
        changed(access_token="t0ken\r\nX-Evil: 1"),
        changed(access_token="t\xf6ken"),
        changed(expires_at="0001-01-01T00:00:00+23:00"),
    ],
)
def test_a_file_that_is_not_ours_is_an_error_and_is_left_as_it_is(tmp_path, content):
    path = tmp_path / FILE_NAME
    path.write_text(content)
    for attempt in (
        lambda: _credentials.find(tmp_path),
        lambda: _credentials.save(tmp_path, a_login()),
        lambda: _credentials.forget(tmp_path, HERE),
    ):
        with pytest.raises(StateFolderError, match="Delete that file and run: ams login") as caught:
            attempt()
        assert str(path) in str(caught.value)
        assert "t0ken" not in str(caught.value)
        assert caught.value.__cause__ is None
    assert path.read_text() == content


def test_a_file_that_is_not_text_is_an_error(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StateFolderError, match="damaged"):
        _credentials.find(tmp_path)


def test_a_folder_in_the_place_of_the_file_is_an_error(tmp_path):
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(StateFolderError, match="cannot be read: Is a directory"):
        _credentials.find(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(StateFolderError, match="cannot be written: File exists"):
        _credentials.save(tmp_path / "state", a_login())


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    _credentials.save(tmp_path, a_login())

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateFolderError, match="No space left on device"):
        _credentials.save(tmp_path, a_login(THERE))
    assert _credentials.find(tmp_path) == a_login()
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE_NAME, "credentials.lock"]


WRITER = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from ams_sdk import _credentials
for number in range(20):
    login = _credentials.Login(f"http://{sys.argv[2]}:{number + 1}", "a", "t", datetime(2099, 1, 1, tzinfo=UTC))
    _credentials.save(Path(sys.argv[1]), login)
"""


def test_processes_that_write_at_the_same_time_lose_nothing(tmp_path):
    names = ["one", "two", "three"]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, name]) for name in names]
    assert [writer.wait(30) for writer in writers] == [0, 0, 0]
    saved = json.loads((tmp_path / FILE_NAME).read_text())["logins"]
    assert set(saved) == {f"http://{name}:{number}" for name in names for number in range(1, 21)}
