"""What tells whether a large file was touched, and the digests that are known until then."""

import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_runt.session import digests
from jupyter_runt.session.digests import Digests, state_of

SECOND = 1_000_000_000


def info_of(*, age: float, size: int = digests.LARGE, written: int = 7) -> os.stat_result:
    """Return what a file system says of a file that was touched `age` seconds ago."""
    touched = time.time_ns() - int(age * SECOND)
    fields = {"st_mtime_ns": written, "st_ctime_ns": touched}
    return os.stat_result((0o100644, 3, 2, 1, 0, 0, size, 0, 0, 0), fields)


def test_a_content_that_was_written_over_has_another_state_whatever_times_were_put_back() -> None:
    assert state_of(info_of(age=60)) != state_of(info_of(age=50)) is not None
    same = info_of(age=60)
    assert state_of(same) == state_of(same)


def test_nothing_can_be_told_of_a_file_that_may_change_within_a_tick_of_its_clock() -> None:
    assert state_of(info_of(age=0)) is None
    assert state_of(info_of(age=-60)) is None
    assert state_of(info_of(age=0), ours=True) is not None


def test_small_files_are_read_whatever_their_state() -> None:
    assert state_of(info_of(age=60, size=digests.LARGE - 1)) is None


def test_who_asks_for_what_somebody_will_know_soon_waits_for_it() -> None:
    known = Digests()
    release = known.claim("state")
    known.claim("state")()  # of somebody who came later
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(known.of, "state")
        known.note("state", "digest")
        release()
        assert asked.result() == "digest"
    assert known.of("other") is None
    assert known.of(None) is None


def test_who_claims_it_anew_is_waited_for_whatever_the_first_one_says_again() -> None:
    known = Digests()
    first = known.claim("state")
    first()
    second = known.claim("state")
    first()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(known.of, "state")
        known.note("state", "digest")
        second()
        assert asked.result() == "digest"


def test_one_that_gave_up_leaves_it_to_the_next(tmp_path: Path) -> None:
    known = Digests()
    (tmp_path / "a").write_bytes(b"a")
    with (tmp_path / "a").open("rb") as file:
        known.claim(state_of(os.fstat(file.fileno()), ours=True))()
        assert known.of_file(file) == hashlib.sha256(b"a").hexdigest()


def test_what_was_noted_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "REMEMBERED", 2)
    known = Digests()
    for name in "abc":
        known.note(name, name)
    assert [known.of(name) for name in "abc"] == [None, "b", "c"]
