from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.ids import Seq
from jupyter_runt.storage.clock import spelled
from jupyter_runt.storage.retention import (
    STRIDE,
    Foldable,
    Mark,
    Retention,
    needed_snapshots,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def marks(*sizes: int, first: int = 1, age: float = 0) -> list[Mark]:
    """Return marks of events that were recorded a day apart, the last one `age` days ago."""
    return [
        Mark(Seq(first + n), spelled(NOW - timedelta(days=age + len(sizes) - 1 - n)), size)
        for n, size in enumerate(sizes)
    ]


def until(retention: Retention, marks: list[Mark], pinned: int = 1000) -> int:
    foldable = Foldable(retention, NOW)
    foldable.add(marks)
    return foldable.until(Seq(pinned))


def test_nothing_is_let_go_without_a_limit():
    assert not Retention().limited
    assert until(Retention(), marks(1, 1, 1)) == 0


@pytest.mark.parametrize(("kept", "expected"), [(0, 5), (1, 4), (4, 1), (5, 0), (9, 0)])
def test_so_many_events_are_kept(kept, expected):
    assert until(Retention(events=kept), marks(1, 1, 1, 1, 1)) == expected


@pytest.mark.parametrize(("days", "expected"), [(0.5, 4), (1, 3), (3.5, 1), (4, 0), (9, 0)])
def test_events_are_kept_for_so_many_days(days, expected):
    assert until(Retention(days=days), marks(1, 1, 1, 1, 1)) == expected


@pytest.mark.parametrize(("size", "expected"), [(0, 4), (4, 3), (6, 3), (7, 2), (10, 0), (99, 0)])
def test_so_many_bytes_are_kept(size, expected):
    assert until(Retention(size=size), marks(1, 2, 3, 4)) == expected


def test_an_old_event_after_a_young_one_is_as_young():
    by_a_clock_that_went_back = [*marks(1, age=0), *marks(1, first=2, age=30)]
    assert until(Retention(days=7), by_a_clock_that_went_back) == 0


def test_whatever_is_beyond_any_limit_goes():
    assert until(Retention(days=4, events=2, size=100), marks(1, 1, 1, 1, 1)) == 3


def test_what_is_pinned_stays():
    assert until(Retention(events=0), marks(1, 1, 1, 1, 1), pinned=2) == 2
    assert until(Retention(events=0), marks(1, 1, 1, first=5), pinned=4) == 0


limits = st.none() | st.integers(0, 30)


@given(
    retention=st.builds(Retention, days=limits, events=limits, size=limits),
    log=st.lists(st.integers(0, 9), max_size=20),
    first=st.integers(1, 5),
    pinned=st.integers(0, 30),
    pages=st.integers(1, 7),
)
def test_what_is_left_is_within_the_limits_and_no_more_goes(retention, log, first, pinned, pages):
    every = marks(*log, first=first)
    foldable = Foldable(retention, NOW)
    for start in range(0, len(every), pages):
        foldable.add(every[start : start + pages])
    found = foldable.until(Seq(pinned))

    def fits(left: list[Mark]) -> bool:
        oldest = spelled(NOW - timedelta(days=retention.days or 0))
        return (
            (retention.days is None or all(mark.recorded_at >= oldest for mark in left))
            and (retention.events is None or len(left) <= retention.events)
            and (retention.size is None or sum(mark.size for mark in left) <= retention.size)
        )

    within = next(n for n in range(len(every) + 1) if fits(every[n:]))
    wanted = min(first + within - 1, pinned) if every else 0
    assert found == (wanted if wanted >= first else 0)


def test_the_last_snapshot_and_the_last_one_up_to_the_checkpoint_are_needed():
    seqs = [Seq(n) for n in (10, 20, 30, 40, 50)]
    assert needed_snapshots(seqs, Seq(1), Seq(35)) == {30, 50}
    assert needed_snapshots(seqs, Seq(1), Seq(5)) == {50}


def test_the_snapshot_from_which_the_events_go_on_is_needed():
    seqs = [Seq(n) for n in (10, 20, 30, 40, 50)]
    assert needed_snapshots(seqs, Seq(16), Seq(35)) == {20, 30, 50}
    assert needed_snapshots(seqs, Seq(31), Seq(35)) == {30, 50}


def test_one_snapshot_of_each_stride_is_needed():
    seqs = [Seq(n) for n in range(1000, 3 * STRIDE, 1000)]
    assert needed_snapshots(seqs, Seq(1), Seq(0)) == {STRIDE - 1000, 2 * STRIDE - 1000, seqs[-1]}


def test_no_snapshot_goes_where_none_leads_to_the_events():
    assert needed_snapshots([Seq(3), Seq(4)], Seq(10), Seq(4)) == {3, 4}
