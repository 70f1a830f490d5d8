from hypothesis import given
from hypothesis import strategies as st

from ams_sdk._tracing import parcels as module
from ams_sdk._tracing.parcels import Parcel, Parcels


class OnDisk:
    """Stands for a batch of the spool."""

    removed = False
    spans = 3

    def read(self):
        return b"body"

    def remove(self):
        self.removed = True


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 5)), max_size=20))
def test_own_ones_go_first_each_kind_in_order_and_the_sums_are_right(history):
    kept = Parcels()
    for is_own, on_disk, spans in history:
        body = None if on_disk else b"x" * spans
        kept.add(Parcel(spans, stored=OnDisk() if on_disk else None, body=body, is_own=is_own))
    own = [spans for is_own, _, spans in history if is_own]
    others = [spans for is_own, _, spans in history if not is_own]
    assert kept.spans() == (sum(own), sum(spans for is_own, on_disk, spans in history if is_own and on_disk))
    assert kept.all_on_disk is all(on_disk for _, on_disk, _ in history)
    taken = []
    while (parcel := kept.first()) is not None:
        assert kept.has_own is (len(taken) < len(own))
        taken.append(parcel.spans)
        assert kept.remove(parcel)
        assert not kept.remove(parcel)
    assert taken == own + others
    assert kept.all_on_disk


def test_the_oldest_in_memory_go_when_it_is_full(monkeypatch):
    monkeypatch.setattr(module, "MAX_IN_MEMORY", 10)
    kept = Parcels()
    assert kept.add(Parcel(1, stored=OnDisk())) == []
    assert kept.add(Parcel(2, body=b"x" * 6)) == []
    assert kept.add(Parcel(3, body=b"x" * 4)) == []
    assert [lost.spans for lost in kept.add(Parcel(4, body=b"x" * 5))] == [2]
    assert kept.spans() == (8, 1)


def test_what_is_being_sent_is_not_among_them(monkeypatch):
    monkeypatch.setattr(module, "MAX_IN_MEMORY", 10)
    kept = Parcels()
    kept.add(Parcel(1, body=b"x" * 8, is_in_flight=True))
    assert [lost.spans for lost in kept.add(Parcel(2, body=b"x" * 8))] == [2]
    assert kept.spans() == (1, 0)


def test_a_message_is_read_from_where_it_is():
    on_disk = OnDisk()
    torn = Parcel(5, stored=on_disk)
    assert (torn.message(), torn.spans) == (b"body", 3)
    assert Parcel(1, body=b"in memory").message() == b"in memory"
    Parcel(1, stored=on_disk).discard()
    Parcel(1, body=b"").discard()
    assert on_disk.removed
