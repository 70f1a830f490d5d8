import os
import threading

import pytest

from ams_sdk._capture import mask_counts, redact_text, render


def counted(act):
    before = mask_counts.masked()
    act()
    after = mask_counts.masked()
    return {kind: after[kind] - before.get(kind, 0) for kind in after if after[kind] != before.get(kind, 0)}


def test_what_is_masked_is_counted_once():
    assert counted(lambda: render({"password": "a", "headers": [("X-Api-Key", "b")], "text": "pwd=c"})) == {"name": 3}
    assert counted(lambda: redact_text("nothing to hide: at all")) == {}
    assert counted(lambda: redact_text("password=[redacted]")) == {}


def test_whoever_counts_waits_for_nobody():
    # A thread that is held up while it reads must not hold up the spans of the others.
    held, over = threading.Event(), threading.Event()

    def hold():
        with mask_counts._lock:
            held.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert redact_text("password=x") == "password=[redacted]"
    over.set()
    thread.join()


def test_no_count_is_lost_between_threads():
    def mask():
        for _ in range(500):
            redact_text("password=x")

    def all_at_once():
        threads = [threading.Thread(target=mask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert counted(all_at_once) == {"name": 4_000}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_begins_anew_even_if_another_thread_was_counting():
    redact_text("password=x")
    held, over = threading.Event(), threading.Event()

    def hold():
        with mask_counts._lock:
            held.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if not child:
        redact_text("password=x")
        os._exit(0 if mask_counts.masked() == {"name": 1} else 1)
    over.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
