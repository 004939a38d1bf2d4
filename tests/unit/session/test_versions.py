"""Versions: what people see of a log."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.errors import Compacted
from jupyter_runt.events.base import Event, Payload
from jupyter_runt.events.codec import document_updated
from jupyter_runt.events.document import (
    CellCreated,
    Change,
    ExecutionStateChanged,
    MetadataChanged,
    OutputsChanged,
    SourceChanged,
    StateChanged,
    TextChanged,
    VersionKept,
)
from jupyter_runt.events.execution import ExecutionCompleted, ExecutionRequested, ExecutionStarted
from jupyter_runt.ids import ActorId, CellId, ExecutionId, NotebookId, Seq
from jupyter_runt.session.version_pages import touched_by, version_page
from jupyter_runt.session.versions import Grouper, Version

NOTEBOOK = NotebookId("n")
ANN, BOB, FILE, KERNEL = map(ActorId, ("user:ann", "user:bob", "file", "runtime:r"))
START = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Log:
    """A log that is written by hand; `at` is in seconds."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.first_seq = Seq(1)
        self.read_events = 0

    def add(self, payload: Payload, actor: ActorId, cause: str | None = None, at: float = 0) -> Seq:
        self.events.append(
            Event(
                seq=Seq(len(self.events) + 1),
                notebook_id=NOTEBOOK,
                actor=actor,
                caused_by=cause,
                recorded_at=(START + timedelta(seconds=at)).isoformat(),
                payload=payload,
            )
        )
        return self.events[-1].seq

    def edit(
        self,
        actor: ActorId = ANN,
        cell: str = "c",
        at: float = 0,
        cause: str | None = None,
        changes: Sequence[Change] | None = None,
    ) -> Seq:
        if changes is None:
            changes = [SourceChanged(cell_id=CellId(cell), inserted=1, removed=0)]
        return self.add(document_updated(b"", tuple(changes)), actor, cause, at)

    def request(self, name: str, actor: ActorId = ANN, cell: str = "c") -> Seq:
        requested = ExecutionRequested(
            execution_id=ExecutionId(name),
            cell_id=CellId(cell),
            source="",
            document_seq=Seq(0),
            requested_by=actor,
        )
        return self.add(requested, actor, "command:x")

    def start(self, name: str) -> Seq:
        started = ExecutionStarted(execution_id=ExecutionId(name))
        return self.add(started, KERNEL, f"execution:{name}")

    def output(self, name: str, cell: str = "c", at: float = 0) -> Seq:
        changed = [OutputsChanged(cell_id=CellId(cell))]
        return self.edit(KERNEL, at=at, cause=f"execution:{name}", changes=changed)

    def end(self, name: str, status: str = "ok") -> Seq:
        ended = ExecutionCompleted(execution_id=ExecutionId(name), status=status)
        return self.add(ended, KERNEL, f"execution:{name}")

    def keep(self, at: float = 0) -> Seq:
        kept = VersionKept(reason="merge_overlap", message="Both changed it.", content="theirs")
        return self.add(kept, FILE, at=at)

    def versions(self) -> list[Version]:
        grouper = Grouper(running=True)
        for event in reversed(self.events):
            grouper.add(event)
        grouper.close()
        return grouper.versions()

    # as `EventLog`

    async def head(self, notebook_id: NotebookId) -> Seq:
        return Seq(len(self.events))

    async def read(
        self,
        notebook_id: NotebookId,
        after: Seq,
        *,
        limit: int = 1000,
        names: frozenset[str] | None = None,
    ) -> list[Event]:
        if after < self.first_seq - 1:
            raise Compacted("folded", first_seq=self.first_seq)
        found = [
            event
            for event in self.events
            if event.seq > after and (names is None or event.name in names)
        ][:limit]
        self.read_events += len(found)
        return found


@pytest.fixture
def log() -> Log:
    return Log()


def spans(versions: Iterable[Version]) -> list[tuple[int, int]]:
    return [(version.first_seq, version.seq) for version in versions]


# bursts


def test_edits_without_a_pause_are_one_version(log):
    for second in range(5):
        log.edit(cell=f"c{second % 2}", at=10 * second)
    [version] = log.versions()
    assert (version.first_seq, version.seq, version.kind) == (1, 5, "edits")
    assert (version.authors, version.cells) == ((ANN,), ("c0", "c1"))
    assert version.summary == "Edited 2 cells"
    assert version.recorded_at == log.events[-1].recorded_at


def test_a_minute_without_an_edit_begins_a_new_version(log):
    for at in (0, 30, 91, 100):
        log.edit(at=at)
    assert spans(log.versions()) == [(3, 4), (1, 2)]


def test_the_clock_cuts_a_burst_that_goes_on_and_on(log):
    for at in range(0, 1500, 50):
        log.edit(at=at)
    assert spans(log.versions()) == [(25, 30), (13, 24), (1, 12)]


def test_people_who_write_together_make_one_version(log):
    for second, actor in enumerate([ANN, BOB, ANN, BOB, BOB]):
        log.edit(actor, at=second)
    [version] = log.versions()
    assert version.authors == (ANN, BOB)


def test_a_version_says_of_each_cell_who_touched_it(log):
    for second, (actor, cell) in enumerate([(ANN, "a"), (BOB, "b"), (ANN, "a"), (ANN, "b")]):
        log.edit(actor, cell, at=second)
    [version] = log.versions()
    assert version.to_json()["cell_authors"] == {"a": [ANN], "b": [BOB, ANN]}


@pytest.mark.asyncio
async def test_who_touched_a_cell_between_two_moments_is_told(log):
    log.request("r", BOB, "ran")
    log.edit(ANN, "before")
    since = log.edit(ANN, "before")
    log.edit(ANN, "a", at=1)
    log.start("r")
    log.output("r", "ran")
    log.end("r")
    until = log.edit(BOB, "a", at=2)
    log.edit(BOB, "after", at=3)
    assert await touched_by(log, NOTEBOOK, since, until) == {"a": (ANN, BOB), "ran": (BOB,)}


def test_where_one_ends_and_another_goes_on_there_are_two_versions(log):
    for second, actor in enumerate([ANN, ANN, BOB, BOB]):
        log.edit(actor, at=second)
    assert [(v.first_seq, v.seq, v.authors) for v in log.versions()] == [
        (3, 4, (BOB,)),
        (1, 2, (ANN,)),
    ]


def test_who_comes_back_after_a_pause_of_their_own_did_not_write_together(log):
    log.edit(ANN, at=0)
    for at in (20, 50, 80):
        log.edit(BOB, at=at)
    log.edit(ANN, at=100)
    assert [version.authors for version in log.versions()] == [(ANN,), (BOB,), (ANN,)]


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [StateChanged(keys=("hash", "dirty"))],
        [ExecutionStateChanged(cell_id=CellId("c"))],
    ],
)
def test_what_nobody_sees_is_no_version(log, changes):
    log.edit(FILE, changes=changes)
    log.edit(ANN, at=1)
    log.edit(FILE, at=2, changes=changes)
    log.edit(ANN, at=3)
    assert spans(log.versions()) == [(2, 4)]


def test_the_summary_counts_cells_once(log):
    log.edit(changes=[CellCreated(cell_id=CellId("a"), cell_type="code", index=0)])
    log.edit(cell="a")
    log.edit(cell="b")
    log.edit(changes=[MetadataChanged(cell_id=None, keys=("x",))])
    [version] = log.versions()
    assert version.summary == "Added 1 cell, edited 1 cell, changed the notebook's metadata"


def test_what_was_kept_is_a_version_that_says_why(log):
    log.edit()
    log.keep()
    log.edit()
    versions = log.versions()
    assert [(v.kind, v.first_seq, v.seq) for v in versions] == [
        ("edits", 3, 3),
        ("kept", 2, 2),
        ("edits", 1, 1),
    ]
    told = versions[1].to_json()
    assert (told["reason"], told["message"]) == ("merge_overlap", "Both changed it.")
    assert "reason" not in versions[0].to_json()


def test_a_text_file_has_versions_too(log):
    log.edit(changes=[TextChanged(inserted=1, removed=0)])
    assert log.versions()[0].summary == "Edited the text"


# other kinds


def test_each_change_of_the_file_is_a_version_and_the_first_is_the_opening(log):
    for _ in range(3):
        log.edit(FILE)
    assert [version.kind for version in log.versions()] == ["file"] * 3
    assert [version.summary for version in log.versions()] == [
        "Changed in the file: edited 1 cell",
        "Changed in the file: edited 1 cell",
        "Opened from the file",
    ]


@pytest.mark.parametrize("kind", ["command", "turn", "restore", "fork"])
def test_what_has_a_cause_is_a_version_of_its_own(log, kind):
    log.edit()
    for name in "aab":
        log.edit(cause=f"{kind}:{name}")
    log.edit()
    assert [(v.first_seq, v.seq, v.kind) for v in log.versions()] == [
        (5, 5, "edits"),
        (4, 4, kind),
        (2, 3, kind),
        (1, 1, "edits"),
    ]


# runs


def test_a_run_is_one_version_by_who_asked_for_it(log):
    log.request("e", BOB, "c1")
    first = log.start("e")
    log.output("e", "c1")
    log.output("e", "c2")
    end = log.end("e")
    [version] = log.versions()
    assert (version.first_seq, version.seq, version.kind) == (first, end, "run")
    assert (version.authors, version.cells) == ((BOB,), ("c1", "c2"))
    assert version.summary == "Ran a cell"


def test_a_run_that_failed_says_so(log):
    log.request("e")
    log.end("e", "error")
    assert log.versions()[0].summary == "Ran a cell: error"


def test_typing_while_a_cell_runs_is_a_version_beside_the_run(log):
    log.request("e", BOB)
    log.start("e")
    for second in range(10):
        log.output("e", at=second)
        log.edit(ANN, at=second)
    end = log.end("e")
    log.edit(ANN, at=10)
    assert [(v.first_seq, v.seq, v.kind) for v in log.versions()] == [
        (24, 24, "edits"),
        (2, end, "run"),
        (4, 22, "edits"),
    ]


def test_a_run_that_goes_on_is_a_version_at_its_last_output(log):
    log.request("e", BOB)
    log.start("e")
    log.output("e")
    last = log.output("e")
    [version] = log.versions()
    assert (version.seq, version.authors, version.summary) == (last, (BOB,), "Ran a cell: running")


def test_outputs_that_come_late_belong_to_their_run(log):
    log.request("e")
    log.start("e")
    log.end("e")
    late = log.output("e", "c9")
    [version] = log.versions()
    assert (version.seq, version.cells, version.summary) == (late, ("c", "c9"), "Ran a cell")


# pages


async def all_pages(log: Log, limit: int) -> list[Version]:
    versions: list[Version] = []
    before: Seq | None = None
    while True:
        page = await version_page(log, NOTEBOOK, before, limit)
        assert len(page.versions) <= limit
        versions += page.versions
        if page.next_before is None:
            return versions
        assert before is None or page.next_before < before
        before = page.next_before


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "file", "command", "run", "quiet", "kept"]),
        st.integers(0, 90),
    ),
    max_size=40,
)


def written(steps: Iterable[tuple[str, int]]) -> Log:
    log, at = Log(), 0
    for number, (step, pause) in enumerate(steps):
        at += pause
        match step:
            case "ann" | "bob":
                log.edit(ActorId(f"user:{step}"), f"c{number % 3}", at)
            case "file":
                log.edit(FILE, at=at)
            case "command":
                log.edit(at=at, cause=f"command:{number}")
            case "quiet":
                log.edit(changes=[StateChanged(keys=("hash",))], at=at)
            case "kept":
                log.keep(at)
            case "run":
                log.request(f"e{number}")
                log.start(f"e{number}")
                log.output(f"e{number}", at=at)
                log.edit(ANN, at=at)
                log.output(f"e{number}", at=at)
                log.end(f"e{number}")
    return log


@given(STEPS, st.integers(1, 5))
@pytest.mark.asyncio
async def test_pages_of_any_size_are_the_same_versions(steps, limit):
    log = written(steps)
    assert await all_pages(log, limit) == log.versions()


@given(STEPS)
def test_every_visible_edit_is_in_a_version_and_versions_are_in_order(steps):
    log = written(steps)
    versions = log.versions()
    assert [v.seq for v in versions] == sorted({v.seq for v in versions}, reverse=True)
    for event in log.events:
        visible = event.name == "v1.VersionKept" or (
            event.name == "v1.DocumentUpdated" and event.payload.changes[0].type != "state_changed"
        )
        if visible:
            assert any(v.first_seq <= event.seq <= v.seq for v in versions)


@pytest.mark.asyncio
async def test_a_page_does_not_read_the_whole_log():
    log = Log()
    for number in range(20_000):
        log.edit(at=number)
    page = await version_page(log, NOTEBOOK, None, 3)
    assert len(page.versions) == 3
    assert log.read_events <= 2500


@pytest.mark.asyncio
async def test_a_page_of_endless_quiet_events_ends_and_says_where_to_go_on():
    log = Log()
    log.edit()
    for _ in range(12_000):
        log.edit(changes=[StateChanged(keys=("hash",))])
    page = await version_page(log, NOTEBOOK, None, 10)
    assert (page.versions, page.next_before) == ((), 2002)
    assert spans(await all_pages(log, 10)) == [(1, 1)]


@pytest.mark.asyncio
@pytest.mark.parametrize("first_seq", [2, 3, 5, 7])
async def test_folded_events_make_no_version(log, first_seq):
    for at in range(0, 600, 100):
        log.edit(at=at)
    log.first_seq = Seq(first_seq)
    assert [v.seq for v in await all_pages(log, 2)] == list(range(6, first_seq - 1, -1))


@pytest.mark.asyncio
async def test_a_run_that_was_asked_for_long_ago_is_by_who_asked(log):
    asked = log.request("e", BOB, "c7")
    log.start("e")
    for _ in range(11_000):
        log.edit(changes=[StateChanged(keys=("hash",))])
    log.end("e")
    page = await version_page(log, NOTEBOOK, None, 10)
    [version] = page.versions
    assert (version.first_seq, version.authors, version.cells) == (asked + 1, (BOB,), ("c7",))


@pytest.mark.asyncio
async def test_an_empty_log_has_no_versions(log):
    page = await version_page(log, NOTEBOOK, None, 10)
    assert page.to_json() == {"versions": [], "next_before": None}
