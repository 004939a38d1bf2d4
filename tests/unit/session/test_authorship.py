"""Who wrote which line of a cell: as people typed it, whatever was done around it."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Text

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.origins import written_lines
from jupyter_runt.errors import CellNotFound, Compacted
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.codec import document_updated
from jupyter_runt.ids import FILE_ACTOR, ActorId, CellId, NotebookId, Seq
from jupyter_runt.protocols import Snapshot
from jupyter_runt.session import authorship
from jupyter_runt.session.authorship import cell_lines
from jupyter_runt.storage.memory import MemoryStore

NOTEBOOK, CELL = NotebookId("n"), CellId("c0")
ANN, BOB = ActorId("user:ann"), ActorId("user:bob")


class Desk:
    """A notebook in a log, and the people who edit copies of it."""

    def __init__(self, store: MemoryStore, source: str = "") -> None:
        self.store = store
        self.hub = NotebookDoc(1)
        self.copies = {ANN: NotebookDoc(2), BOB: NotebookDoc(3)}
        self._source = source

    async def open(self) -> "Desk":
        cell = {"id": CELL, "cell_type": "code", "source": self._source, "metadata": {}}
        cell |= {"outputs": [], "execution_count": None}
        await self._record(FILE_ACTOR, lambda: self.hub.insert_cell(cell, None))
        self.sync()
        return self

    async def _record(self, actor: ActorId, edit: Callable[[], object]) -> Seq:
        done = self.hub.transact(edit)
        if done.update is None:
            return await self.store.head(NOTEBOOK)
        draft = Draft(document_updated(done.update, done.changes), actor)
        [event] = await self.store.append(NOTEBOOK, [draft])
        return event.seq

    def sync(self) -> None:
        for copy in self.copies.values():
            copy.apply([self.hub.doc.get_update(copy.doc.get_state())])

    async def edit(self, who: ActorId, change: Callable[[NotebookDoc], object]) -> Seq:
        """Have somebody edit their copy, and the log take it."""
        copy = self.copies[who]
        update = copy.transact(lambda: change(copy)).update or b"\0\0"
        return await self._record(who, lambda: self.hub.doc.apply_update(update))

    async def write(self, who: ActorId, old: str, new: str) -> Seq:
        """Have somebody write `new` in the place of `old`, an empty one at the end."""
        source = self.copies[who].source(CELL)
        place = source.index(old) if old else len(source)
        seq = await self.edit(who, lambda doc: _splice(doc, place, len(old), new))
        self.sync()
        return seq

    async def snapshot(self) -> None:
        seq = await self.store.head(NOTEBOOK)
        await self.store.put_snapshot(
            NOTEBOOK, "document", Snapshot(seq, self.hub.doc.get_update())
        )

    async def lines(self, at: Seq | None = None) -> list[tuple[str, list[ActorId], Seq | None]]:
        """Return each line, who has text in it, and since when it is as it is."""
        head = await self.store.head(NOTEBOOK)
        found = [
            line.to_json() for line in await cell_lines(self.store, NOTEBOOK, CELL, at or head)
        ]
        return [(line["text"], line["authors"], line["seq"]) for line in found]


@pytest.mark.asyncio
async def test_each_line_names_who_has_text_in_it_the_last_one_first() -> None:
    async with MemoryStore() as store:
        desk = await Desk(store, "a = 1\n\nb = 2").open()
        await desk.write(ANN, "1", "100")
        before = await desk.write(ANN, "", "\nc = 'ö𝄞'")
        after = await desk.write(BOB, "00", "00 + x")
        assert await desk.lines() == [
            ("a = 100 + x", [BOB, ANN, FILE_ACTOR], after),
            ("", [FILE_ACTOR], 1),
            ("b = 2", [FILE_ACTOR], 1),
            ("c = 'ö𝄞'", [ANN], before),
        ]
        assert [line[1] for line in await desk.lines(before)] == [
            [ANN, FILE_ACTOR],
            [FILE_ACTOR],
            [FILE_ACTOR],
            [ANN],
        ]
        assert await desk.lines(await desk.write(ANN, desk.hub.source(CELL), "")) == []
        with pytest.raises(CellNotFound):
            await cell_lines(store, NOTEBOOK, CellId("nowhere"), Seq(1))


@pytest.mark.asyncio
async def test_who_moves_a_cell_has_not_written_it() -> None:
    async with MemoryStore() as store:
        desk = await Desk(store, "one\ntwo").open()
        other = await desk.edit(ANN, lambda doc: doc.create_cell("code", "x", CELL))
        desk.sync()
        mine = await desk.write(ANN, "", "\nthree")
        below = desk.hub.cell_ids[1]
        await desk.edit(BOB, lambda doc: doc.move_cell(CELL, below))
        desk.sync()
        await desk.edit(BOB, lambda doc: doc.set_cell_type(CELL, "markdown"))
        desk.sync()
        await desk.write(BOB, "two", "TWO")
        last = await desk.write(BOB, "", "\nfour")
        assert other < mine
        assert await desk.lines() == [
            ("one", [FILE_ACTOR], 1),
            ("TWO", [BOB], Seq(last - 1)),
            ("three", [ANN], mine),
            ("four", [BOB], last),
        ]


@pytest.mark.asyncio
async def test_what_was_before_a_move_may_be_folded_away(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = authorship.past

    async def folded(log, notebook_id, at):
        if at < 3:
            raise Compacted("folded", first_seq=3)
        return await plain(log, notebook_id, at)

    async with MemoryStore() as store:
        desk = await Desk(store, "one").open()
        await desk.edit(ANN, lambda doc: doc.create_cell("code", "x", CELL))
        desk.sync()
        moved = await desk.edit(BOB, lambda doc: doc.move_cell(CELL, desk.hub.cell_ids[1]))
        monkeypatch.setattr(authorship, "past", folded)
        assert await desk.lines() == [("one", [BOB], moved)]


@pytest.mark.asyncio
async def test_a_long_history_is_not_read_to_tell_who_wrote_a_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(authorship, "WINDOW", 10)
    read: list[Event] = []
    plain = MemoryStore.read

    async def counted(self, *arguments, **options):
        found = await plain(self, *arguments, **options)
        read.extend(found)
        return found

    monkeypatch.setattr(MemoryStore, "read", counted)
    async with MemoryStore() as store:
        desk = await Desk(store, "").open()
        await desk.write(BOB, "", "old\n")
        for number in range(300):
            who = ANN if number % 2 else BOB
            await desk.write(who, "", "x")
            if number % 10 == 0:
                await desk.snapshot()
        await desk.write(ANN, "x" * 300, "new")
        read.clear()
        assert [line[:2] for line in await desk.lines()] == [("old", [BOB]), ("new", [ANN])]
        assert len(read) < 60

        monkeypatch.setattr(authorship, "MAX_SCAN", 10)
        assert [line[:2] for line in await desk.lines()] == [("old", []), ("new", [ANN])]


@given(
    edits=st.lists(
        st.tuples(
            st.sampled_from([ANN, BOB]),
            st.integers(0, 40),
            st.integers(0, 4),
            st.text("ab\nö𝄞", max_size=4),
            st.booleans(),
        ),
        max_size=12,
    )
)
@pytest.mark.asyncio
async def test_the_authors_of_a_line_are_those_who_typed_its_characters(edits) -> None:
    async with MemoryStore() as store:
        desk = await Desk(store, "start").open()
        typed: list[tuple[str, ActorId]] = [(char, FILE_ACTOR) for char in "start"]
        cells = desk.hub.doc.get("cells", type=Array)
        actor = [FILE_ACTOR]

        def follow(event) -> None:
            at = 0
            for step in event.delta:
                at = _followed(typed, at, step, actor[0])

        source = cells[0]["source"]
        subscription = source.observe(follow)
        for who, place, removed, text, meet in edits:
            actor[0] = who
            await desk.edit(who, lambda doc, *edit: _splice(doc, place, removed, text))  # noqa: B023
            if meet:
                desk.sync()
        assert "".join(char for char, _ in typed) == desk.hub.source(CELL)
        lines = await desk.lines()
        assert [text for text, _, _ in lines] == [
            line.text for line in written_lines(desk.hub, CELL)
        ]
        at = 0
        for text, authors, _ in lines:
            if text:
                assert set(authors) == {who for _, who in typed[at : at + len(text)]}
            at += len(text) + 1
        source.unobserve(subscription)


def _splice(doc: NotebookDoc, place: int, removed: int, text: str) -> None:
    cells = doc.doc.get("cells", type=Array)
    source: Text = cells[doc.cell_ids.index(CELL)]["source"]
    now = str(source)
    start = min(place, len(now))
    end = min(start + removed, len(now))
    first, last = len(now[:start].encode()), len(now[:end].encode())
    if last > first:
        del source[first:last]
    if text:
        source.insert(first, text)


def _followed(typed: list[tuple[str, ActorId]], at: int, step, actor: ActorId) -> int:
    """Do to the list what a step of a delta, whose counts are bytes, did; return where it ends."""
    if "insert" in step:
        typed[at:at] = [(char, actor) for char in step["insert"]]
        return at + len(step["insert"])
    until, left = at, step.get("retain", 0) + step.get("delete", 0)
    while left > 0:
        left -= len(typed[until][0].encode())
        until += 1
    if "delete" in step:
        del typed[at:until]
        return at
    return until
