"""What an agent keeps of its kernel."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jupyter_runt.agent.journal import Journal
from jupyter_runt.wire import Channel, Decoder, parse_record, record_frame


def read_all(journal: Journal, seq: int, size: int = 1000) -> list[tuple[int, bytes]]:
    """Return places and contents of the records from a place on."""
    decoder, found = Decoder(), []
    while seq < journal.next_seq:
        data, after = journal.read(seq, size)
        records = [parse_record(payload) for _, payload in decoder.feed(data)]
        assert [each.seq for each in records] == list(range(seq, after)), "whole frames, no gap"
        found += [(each.seq, each.parts[0]) for each in records]
        seq = after
    return found


def say(journal: Journal, text: bytes) -> None:
    journal.append(record_frame(journal.next_seq, Channel.IOPUB, [text]))


class AnyStory(RuleBasedStateMachine):
    """Whatever was said and not let go of can be read from any place."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "journal"
        self.journal = Journal(path, limit=1 << 20, segment_bytes=200)
        self.said: list[tuple[int, bytes]] = []
        self.retired = 0

    @rule(text=st.binary(max_size=150))
    def said_something(self, text: bytes) -> None:
        self.said.append((self.journal.next_seq, text))
        say(self.journal, text)

    @rule(data=st.data())
    def let_go(self, data: st.DataObject) -> None:
        self.retired = data.draw(st.integers(self.retired, self.journal.next_seq - 1))
        self.journal.retire(self.retired)

    @rule(data=st.data(), size=st.integers(1, 500))
    def read(self, data: st.DataObject, size: int) -> None:
        seq = data.draw(st.integers(self.journal.first_seq, self.journal.next_seq))
        wanted = [each for each in self.said if each[0] >= seq]
        assert read_all(self.journal, seq, size) == wanted

    @invariant()
    def nothing_is_lost_that_is_needed(self) -> None:
        assert self.journal.first_seq <= self.retired + 1
        assert self.journal.next_seq == len(self.said) + 1

    def teardown(self) -> None:
        self.journal.remove()
        assert os.listdir(self.folder.name) == []
        self.folder.cleanup()


TestAnyStory = AnyStory.TestCase


def test_what_was_let_go_of_is_not_on_the_disk_any_more(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", limit=1 << 20)
    say(journal, bytes(5000))
    journal.retire(1)
    assert [file.stat().st_size for file in tmp_path.iterdir()] == [0]
    say(journal, b"next")
    assert read_all(journal, 2) == [(2, b"next")]
    with pytest.raises(KeyError):
        journal.read(1, 100)


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal", limit=1 << 20)
    say(journal, b"secret")
    assert [file.stat().st_mode & 0o777 for file in tmp_path.iterdir()] == [0o600]


def test_a_journal_with_as_much_as_it_may_have_says_so_until_some_is_let_go(
    tmp_path: Path,
) -> None:
    journal = Journal(tmp_path / "journal", limit=1000)
    say(journal, bytes(900))
    assert not journal.full
    say(journal, bytes(900))
    assert journal.full
    journal.retire(2)
    assert not journal.full


@given(failures=st.lists(st.booleans(), max_size=12))
def test_what_a_full_disk_does_not_take_stays_in_memory(failures: list[bool]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        journal = Journal(Path(folder) / "journal", limit=1 << 20, segment_bytes=100)
        pwritev = os.pwritev
        said = []
        for number, fails in enumerate(failures, start=1):

            def write(descriptor: int, buffers: list[bytes], at: int, fails: bool = fails) -> int:
                if fails:
                    pwritev(descriptor, buffers[:1], at)
                    raise OSError(28, "No space left on device")
                return pwritev(descriptor, buffers, at)

            patch.setattr(os, "pwritev", write)
            say(journal, b"%d" % number)
            said.append((number, b"%d" % number))
        assert read_all(journal, 1) == said
        journal.retire(journal.next_seq - 1)
        assert sum(file.stat().st_size for file in Path(folder).iterdir()) == 0
