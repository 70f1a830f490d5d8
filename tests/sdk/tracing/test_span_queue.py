import threading

from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._tracing.span_queue import AFTER_SHUTDOWN, QUEUE_FULL, SpanQueue


def queue_of(max_bytes=1_000, batch_bytes=100):
    return SpanQueue(max_bytes, batch_bytes, lambda: True)


def everything(queue):
    found = []
    while spans := queue.take(10)[0]:
        found += spans
    return found


@given(st.lists(st.integers(0, 300), max_size=30))
def test_what_fits_is_kept_in_order_and_the_rest_is_counted(sizes):
    queue = queue_of(max_bytes=1_000)
    queue._attention = 1_000  # as while the worker is at work
    kept, total = [], 0
    for number, size in enumerate(sizes):
        queue.put(number, size)
        if total + size <= 1_000:
            kept.append(number)
            total += size
    assert len(queue) == len(kept)
    assert queue.dropped == ({QUEUE_FULL: len(sizes) - len(kept)} if len(kept) < len(sizes) else {})
    assert everything(queue) == kept
    assert queue.taken == len(kept)
    queue.put("more", 1_000)
    assert everything(queue) == ["more"]


def test_a_mark_comes_after_what_was_put_in_before_it():
    queue = queue_of()
    queue.put(1, 1)
    mark = queue.mark()
    queue.put(2, 1)
    assert len(queue) == 2
    assert queue.take(10) == ([1], mark)
    assert queue.take(10) == ([2], None)
    assert not mark.passed.is_set()


def test_after_the_close_spans_are_dropped_and_the_mark_stays():
    queue = queue_of()
    queue.put(1, 1)
    end = queue.close()
    queue.put(2, 1)
    assert queue.dropped == {AFTER_SHUTDOWN: 1}
    assert queue.take(10) == ([1], end)
    assert end.is_end


def test_what_came_too_late_for_the_worker_is_counted():
    queue = queue_of()
    queue._append((1, 1))
    mark = queue.mark()
    queue.finish()
    assert queue.dropped == {AFTER_SHUTDOWN: 1}
    assert (len(queue), queue.taken) == (0, 0)
    assert mark.passed.is_set()


def test_the_first_span_wakes_the_worker_and_the_next_ones_need_not():
    queue, woken = queue_of(), threading.Event()
    worker = threading.Thread(target=lambda: (queue.wait(), woken.set()))
    worker.start()
    queue.put(1, 1)
    assert woken.wait(10)
    worker.join()
    assert queue._attention == 1_000


def test_a_worker_that_cannot_be_started_is_asked_for_again():
    asked = []
    queue = SpanQueue(1_000, 100, lambda: asked.append(1) is not None)
    queue.put(1, 1)
    queue.put(2, 1)
    assert len(asked) == 2


def test_a_batch_that_is_there_already_is_not_waited_with():
    queue = queue_of(batch_bytes=10)
    queue.put(1, 11)
    queue.gather(60)
    assert queue.take(10)[0] == [1]


def test_a_mark_that_is_there_already_is_not_waited_with():
    queue = queue_of()
    queue.mark()
    queue.wait()
    queue.gather(60)
    assert queue.take(10)[1] is not None


def test_many_threads_and_a_worker_lose_nothing():
    queue = queue_of(max_bytes=10**9, batch_bytes=50)
    found = []

    def work():
        while True:
            queue.wait()
            queue.gather(0.001)
            while True:
                spans, mark = queue.take(64)
                found.extend(spans)
                if mark is not None:
                    return
                if not spans:
                    break

    def put(start):
        for number in range(start, start + 5_000):
            queue.put(number, 10)

    worker = threading.Thread(target=work)
    worker.start()
    threads = [threading.Thread(target=put, args=(start * 5_000,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.mark()
    worker.join(30)
    assert sorted(found) == list(range(20_000))


def test_when_much_waits_whoever_puts_in_packs():
    queue = SpanQueue(1_000, 100, lambda: True, lambda item: (f"packed {item}", 10) if item != "odd" else None)
    queue.put(1, 60)  # wakes the worker
    queue.put(2, 60)  # within an eighth, before it
    for item in (3, "odd", 4):
        queue.put(item, 60)
    assert len(queue) == 5
    assert everything(queue) == [1, 2, "packed 3", "odd", "packed 4"]


def test_a_mark_is_not_packed():
    queue = SpanQueue(80, 100, lambda: True, lambda item: (item, 1))
    queue.put(1, 60)
    mark = queue.mark()
    queue._pack_last(queue._pack)
    assert queue.take(10) == ([1], mark)
