"""Removing artifacts that nothing needs any more (AR1)."""

from asyncio import to_thread
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from jupyter_runt.artifacts import ArtifactStore
from jupyter_runt.ids import NotebookId
from jupyter_runt.storage.clock import spelled
from jupyter_runt.storage.upkeep import KeptArtifacts

FEW: Final = 1_000
"""Artifacts that are looked up at once."""


@dataclass(slots=True)
class Collector:
    """Lets go of what no history of a notebook mentions, and then removes what nobody holds.

    Where it is cut off, the next round goes on: an artifact loses its notebooks first, and its
    bytes only while nobody can begin to hold it. What was held within `grace` seconds is left
    alone, since the event that mentions it may be on its way.
    """

    table: KeptArtifacts
    artifacts: ArtifactStore
    grace: float
    _mentioned: dict[NotebookId, tuple[object, set[str]]] = field(default_factory=dict)
    """What the history mentioned when it was as the mark says."""

    async def round(self, now: datetime | None = None) -> int:
        """Return how many artifacts were removed.

        Raises:
            StoreUnavailable: the rest has to wait for the next round.
        """
        before = (now or datetime.now(UTC)) - timedelta(seconds=self.grace)
        for notebook_id in await self.table.holders():
            await self._let_go(notebook_id, spelled(before))
        removed = 0
        old = self.artifacts.written_before(before)
        while some := await to_thread(lambda: list(islice(old, FEW))):
            for sha256 in await self.table.unheld(some):
                removed += await self._remove(sha256)
        return removed

    async def _let_go(self, notebook_id: NotebookId, until: str) -> None:
        held = await self.table.held(notebook_id)
        old = {key for key, holding in held.items() if holding.held_at <= until}
        mark = (
            await self.table.first_seq(notebook_id),
            await self.table.snapshot_seqs(notebook_id, "document"),
        )
        known, mentioned = self._mentioned.get(notebook_id, (None, set[str]()))
        if known != mark:  # history went
            mentioned = set()
        if unknown := old - mentioned:
            mentioned = mentioned | await self.table.mentioned(notebook_id, unknown)
            await self.table.let_go(notebook_id, old - mentioned, until)
        self._mentioned[notebook_id] = (mark, mentioned)

    async def _remove(self, sha256: str) -> bool:
        return await self.table.discard(sha256, lambda: self.artifacts.delete(sha256))
