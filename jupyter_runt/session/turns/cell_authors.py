"""Whose words the sources of cells are: what decides whether "always" holds for who reads them."""

import asyncio
from collections import defaultdict
from collections.abc import Collection
from typing import Final

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import Compacted
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import (
    CellCreated,
    CellTypeChanged,
    DocumentUpdated,
    SourceChanged,
)
from jupyter_runt.ids import FILE_ACTOR, ActorId, CellId, NotebookId, Seq
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.history import pages

BLANK_BYTES: Final = 4096
"""A longer first update of a file says something."""

OPENING: Final = ActorId("opening")
"""Wrote what a notebook's file held at its first opening; what came into it since, `file` wrote."""

_UPDATES: Final = frozenset({DocumentUpdated.event_name})


class CellAuthors:
    """Everybody who ever wrote in each cell, as the log tells; it is read when somebody asks."""

    def __init__(self, notebook_id: NotebookId) -> None:
        self._notebook_id = notebook_id
        self._seq = Seq(0)
        self._authors: defaultdict[CellId, set[ActorId]] = defaultdict(set)
        self._made: set[CellId] = set()
        """Cells of which the log tells the beginning."""
        self._reading = asyncio.Lock()

    async def others(
        self, log: EventLog, cells: Collection[CellId], own: Collection[ActorId]
    ) -> bool:
        """Tell whether others than `own` wrote in one of the cells, or might have."""
        if not cells:
            return False
        async with self._reading:
            await self._read_on(log)
        return any(
            cell not in self._made or not self._authors[cell].issubset(own) for cell in cells
        )

    async def _read_on(self, log: EventLog) -> None:
        try:
            await self._read_after(log)
        except Compacted:  # of cells from before, nobody knows
            self._seq = max(self._seq, Seq(await log.first_seq(self._notebook_id) - 1))
            await self._read_after(log)

    async def _read_after(self, log: EventLog) -> None:
        async for events in pages(log, self._notebook_id, self._seq, _UPDATES):
            for event in events:
                self._note(event)
                self._seq = event.seq

    def _note(self, event: Event) -> None:
        if not isinstance(event.payload, DocumentUpdated):
            return
        actor, blank = event.actor, frozenset[CellId]()
        if actor == FILE_ACTOR:
            blank = _blank_cells(event.payload)
            actor = actor if self._seq else OPENING
        for change in event.payload.changes:
            match change:
                case CellCreated(cell_id=cell_id):
                    self._made.add(cell_id)
                    if cell_id not in blank:
                        self._authors[cell_id].add(actor)
                case SourceChanged(cell_id=cell_id, inserted=inserted) if inserted:
                    self._authors[cell_id].add(actor)
                case CellTypeChanged(cell_id=cell_id):
                    self._authors[cell_id].add(actor)


def _blank_cells(update: DocumentUpdated) -> frozenset[CellId]:
    """Return the empty cells that a new notebook begins with: nobody says anything in them."""
    if len(update.update) > BLANK_BYTES:
        return frozenset()
    doc = NotebookDoc()
    doc.load([update.update])
    return frozenset(cell_id for cell_id in doc.cell_ids if not doc.source(cell_id))
