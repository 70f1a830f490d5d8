import pytest


@pytest.mark.parametrize("what", ["trace", "agent"])
def test_what_is_not_there_is_named_with_the_place_that_was_asked(ams, platform, monkeypatch, what):
    monkeypatch.setenv("AMS_API_KEY", "k3y")
    done = ams(f"{what}s", "show", "no\x1bthing")
    assert (done.code, done.out) == (7, "")
    assert done.err == (f"ams: There is no {what} 'no\\x1bthing' of yours at {platform.url}. See: ams {what}s list\n")


def test_a_long_name_is_cut(ams, platform, monkeypatch):
    monkeypatch.setenv("AMS_API_KEY", "k3y")
    assert len(ams("traces", "show", "x" * 5_000).err) < 300


def test_another_refusal_stays_what_it_is(ams, platform, monkeypatch):
    monkeypatch.setenv("AMS_API_KEY", "k3y")
    platform.refuses("GET", "/api/traces/abc", 503, "unavailable", "Try later.")
    done = ams("traces", "show", "abc")
    assert (done.code, "Try later." in done.err) == (12, True)
