"""The versions of a document, newest first, a page at a time."""

from dataclasses import dataclass
from typing import Any, Final

from jupyter_runt.errors import Compacted
from jupyter_runt.events.base import Event
from jupyter_runt.events.execution import ExecutionRequested, ExecutionStarted
from jupyter_runt.ids import ActorId, CellId, NotebookId, Seq
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.versions import Grouper, Version

CHUNK: Final = 500
MAX_SCAN: Final = 10_000
"""Events that one page is made of at most, however few versions they make."""

LOOK_BACK: Final = 20_000
"""Events before those of the page among which the request of a run is looked for."""

_BEGINNINGS: Final = frozenset({ExecutionRequested.event_name, ExecutionStarted.event_name})


@dataclass(frozen=True, slots=True)
class VersionPage:
    """Some versions, newest first."""

    versions: tuple[Version, ...]
    next_before: Seq | None
    """What to ask for the next page with; None if there is none."""

    def to_json(self) -> dict[str, Any]:
        """Return CONTRACT's JSON."""
        versions = [version.to_json() for version in self.versions]
        return {"versions": versions, "next_before": self.next_before}


async def version_page(
    log: EventLog, notebook_id: NotebookId, before: Seq | None, limit: int
) -> VersionPage:
    """Return up to `limit` versions below `before`; its cost does not grow with the log.

    A page may have fewer versions, or none, and still be followed by another one. Events that were
    folded into a snapshot make none. A run that goes on is on the first page alone.
    """
    top = Seq(await log.head(notebook_id) + 1)
    lowest = top if before is None else min(before, top)
    grouper = Grouper(running=before is None)
    bottom, floor = max(1, lowest - MAX_SCAN), 1
    while grouper.settled < limit and lowest > bottom:
        wanted = Seq(max(bottom, lowest - CHUNK))
        first, events = await _between(log, notebook_id, wanted, lowest)
        if first > wanted:
            bottom = floor = first
        for event in reversed(events):
            grouper.add(event)
        lowest = first
    if lowest <= bottom:
        grouper.close()
    await _look_back(grouper, log, notebook_id, Seq(lowest), Seq(floor))
    versions = grouper.versions()
    following = grouper.open_seq if len(versions) <= limit else versions[limit].seq
    next_before: Seq | None = None
    if following is not None:
        next_before = Seq(following + 1)
    elif lowest > floor:
        next_before = lowest
    return VersionPage(tuple(versions[:limit]), next_before)


async def touched_by(
    log: EventLog, notebook_id: NotebookId, since: Seq, until: Seq
) -> dict[CellId, tuple[ActorId, ...]]:
    """Return who touched which cells above `since` and up to `until`, in its last `MAX_SCAN`."""
    start, end = Seq(max(since, until - MAX_SCAN) + 1), Seq(until + 1)
    first, events = await _between(log, notebook_id, start, end)
    grouper = Grouper(running=True)
    for event in reversed(events):
        grouper.add(event)
    grouper.close()
    await _look_back(grouper, log, notebook_id, first, Seq(1))
    found: dict[CellId, dict[ActorId, None]] = {}
    for version in reversed(grouper.versions()):
        for cell_id, authors in version.cell_authors.items():
            found.setdefault(cell_id, {}).update(dict.fromkeys(authors))
    return {cell_id: tuple(authors) for cell_id, authors in found.items()}


async def _look_back(
    grouper: Grouper, log: EventLog, notebook_id: NotebookId, lowest: Seq, floor: Seq
) -> None:
    """Find who asked for the runs that began below `lowest`."""
    if grouper.unknown_runs():
        since = Seq(max(floor, lowest - LOOK_BACK))
        _, events = await _between(log, notebook_id, since, lowest, _BEGINNINGS)
        for event in reversed(events):
            grouper.learn(event)


async def _between(
    log: EventLog,
    notebook_id: NotebookId,
    first: Seq,
    end: Seq,
    names: frozenset[str] | None = None,
) -> tuple[Seq, list[Event]]:
    """Return the events from `first` to before `end`, and where they begin if some were folded."""
    if first >= end:
        return min(first, end), []
    try:
        # Numbers have no gaps, so a range is a page.
        events = await log.read(notebook_id, Seq(first - 1), limit=end - first, names=names)
    except Compacted as error:
        first = Seq(error.detail["first_seq"])
        if first >= end:
            return end, []
        events = await log.read(notebook_id, Seq(first - 1), limit=end - first, names=names)
    return first, [event for event in events if event.seq < end]
