"""Who wrote the lines of a cell, and when: each character tells which update brought it."""

from asyncio import to_thread
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from pycrdt import get_state

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.origins import ItemId, Line, written_lines
from jupyter_runt.errors import Compacted
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import CellMoved, CellTypeChanged, DocumentUpdated
from jupyter_runt.ids import CellId, NotebookId, Seq
from jupyter_runt.protocols import EventLog
from jupyter_runt.rooms.protocol import read_state_vector
from jupyter_runt.rooms.updates import beginnings
from jupyter_runt.session.history import past

MAX_SCAN: Final = 30_000
"""Events that are looked through for one cell; what only older ones tell has no author."""

WINDOW: Final = 1000
"""Events that are read rather than looked for a snapshot among them."""

MAX_MOVES: Final = 4
"""Moves of a cell that are looked behind: each makes its text new to Yjs."""

_UPDATES: Final = frozenset({DocumentUpdated.event_name})


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A line, and the updates that brought what there is of it, the last one first."""

    text: str
    origins: tuple[Event, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the API's JSON; nobody is named where the log does not reach back."""
        last = self.origins[0] if self.origins else None
        return {
            "text": self.text,
            "authors": list(dict.fromkeys(event.actor for event in self.origins)),
            "seq": last and last.seq,
            "recorded_at": last and last.recorded_at,
        }


async def cell_lines(
    log: EventLog, notebook_id: NotebookId, cell_id: CellId, at: Seq
) -> list[WrittenLine]:
    """Return who wrote the lines of a cell as it was at `at`.

    Snapshots tell which of the log's events to look through, however many there are.

    Raises:
        CellNotFound: there was no such cell.
        Compacted: the history of that moment was folded away.
    """
    return await _lines(_Search(log, notebook_id), cell_id, at, MAX_MOVES)


async def _lines(search: "_Search", cell_id: CellId, at: Seq, moves: int) -> list[WrittenLine]:
    before = await past(search.log, search.notebook_id, at)

    def read() -> list[Line]:
        document = NotebookDoc()
        document.load(before.updates)
        return written_lines(document, cell_id)

    lines = await to_thread(read)
    await search.among(frozenset().union(*(line.ids for line in lines)), Seq(0), at)
    written = [_written(line, search.found) for line in lines]
    moved = next((each for line in written for each in line.origins if _moves(each, cell_id)), None)
    if moved is None or moves == 0:
        return written
    try:
        earlier = await _lines(search, cell_id, Seq(moved.seq - 1), moves - 1)
    except Compacted:
        return written
    return list(_behind(moved, written, earlier))


def _written(line: Line, found: dict[ItemId, Event]) -> WrittenLine:
    origins = {event.seq: event for item in line.ids if (event := found.get(item))}
    return WrittenLine(line.text, tuple(origins[seq] for seq in sorted(origins, reverse=True)))


def _moves(event: Event, cell_id: CellId) -> bool:
    """Tell whether an update put an old cell's text into a new item."""
    return isinstance(event.payload, DocumentUpdated) and any(
        isinstance(change, CellMoved | CellTypeChanged) and change.cell_id == cell_id
        for change in event.payload.changes
    )


def _behind(
    moved: Event, lines: Sequence[WrittenLine], earlier: Sequence[WrittenLine]
) -> Iterator[WrittenLine]:
    """Yield lines, those that a move took along with the authors that they had before it."""
    now, then = [line.text for line in lines], [line.text for line in earlier]
    same: dict[int, int] = {}
    for i, j, length in SequenceMatcher(None, now, then, autojunk=False).get_matching_blocks():
        same |= {i + offset: j + offset for offset in range(length)}
    for index, line in enumerate(lines):
        taken = [event.seq for event in line.origins] == [moved.seq]
        yield earlier[same[index]] if taken and index in same else line


class _Search:
    """Finds the updates that brought items into a document."""

    def __init__(self, log: EventLog, notebook_id: NotebookId) -> None:
        self.log = log
        self.notebook_id = notebook_id
        self.found: dict[ItemId, Event] = {}
        self._left = MAX_SCAN

    async def among(self, items: Collection[ItemId], low: Seq, high: Seq) -> None:
        """Find the updates of items that came above `low`, and not above `high`."""
        items = {item for item in items if item not in self.found}
        if not items:
            return
        snapshot = await self._between(low, high)
        if snapshot is None:
            await self._read(items, low, high)
            return
        middle, clocks = snapshot
        older = {item for item in items if item.clock < clocks.get(item.client, 0)}
        await self.among(items - older, middle, high)
        await self.among(older, low, middle)

    async def _between(self, low: Seq, high: Seq) -> tuple[Seq, dict[int, int]] | None:
        """Return where a snapshot lies between, near the middle if there is one, and its state."""
        if high - low <= WINDOW:
            return None
        for at in ((low + high) // 2, high - 1):
            snapshot = await self.log.snapshot(self.notebook_id, "document", Seq(at))
            if snapshot is not None and snapshot.seq > low:
                return snapshot.seq, await to_thread(_clocks, snapshot.data)
        return None

    async def _read(self, items: set[ItemId], low: Seq, high: Seq) -> None:
        if (length := high - low) > self._left:
            return
        self._left -= length
        try:
            # Numbers have no gaps, so a range is a page.
            events = await self.log.read(self.notebook_id, low, limit=length, names=_UPDATES)
        except Compacted:
            return
        self.found |= await to_thread(_brought, items, [e for e in events if e.seq <= high])


def _clocks(update: bytes) -> dict[int, int]:
    return read_state_vector(get_state(update))


def _brought(items: set[ItemId], events: Sequence[Event]) -> dict[ItemId, Event]:
    """Return which of the updates in a row brought each item: a client's clocks have no gaps."""
    clocks: defaultdict[int, list[int]] = defaultdict(list)
    updates: defaultdict[int, list[Event]] = defaultdict(list)
    for event in events:
        if isinstance(event.payload, DocumentUpdated):
            for client, clock in beginnings(event.payload.update):
                clocks[client].append(clock)
                updates[client].append(event)
    places = {item: bisect_right(clocks[item.client], item.clock) - 1 for item in items}
    return {item: updates[item.client][place] for item, place in places.items() if place >= 0}
