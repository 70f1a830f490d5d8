from __future__ import annotations

import sys

import pytest

from ams_reference_server.app import create_app
from ams_reference_server.errors import MissingDriverError, SettingsError, UnavailableError
from ams_reference_server.redis_store import open_redis, redis_errors_as_unavailable
from ams_reference_server.settings import load


@pytest.mark.parametrize("url", ["http://127.0.0.1", "127.0.0.1:6379", "redis://127.0.0.1:port", "redis//x"])
def test_an_address_that_redis_does_not_understand_is_refused(url):
    pytest.importorskip("redis")
    with pytest.raises(SettingsError, match=r"^AMS_REDIS_URL cannot be used: ") as caught:
        open_redis(url)
    assert url not in str(caught.value)


def test_without_the_driver_the_install_line_is_said(monkeypatch, tmp_path):
    for name in [name for name in sys.modules if name == "redis" or name.startswith("redis.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", None)
    settings = load({"AMS_STATE_DIR": str(tmp_path), "AMS_REDIS_URL": "redis://127.0.0.1"})
    with pytest.raises(MissingDriverError, match=r"pip install '\.\[redis\]'"):
        create_app(settings)


def test_what_goes_wrong_with_redis_is_unavailable_and_a_defect_is_not():
    redis = pytest.importorskip("redis")
    for error in (redis.ConnectionError(), redis.TimeoutError(), redis.ResponseError(), OSError()):
        with pytest.raises(UnavailableError), redis_errors_as_unavailable():
            raise error
    with pytest.raises(ZeroDivisionError), redis_errors_as_unavailable():
        raise ZeroDivisionError
