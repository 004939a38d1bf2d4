"""A process that compacts a log, and waits for a line before and after each thing it writes.

Run as: compactor.py STORE NOTEBOOK_ID KEEP.
"""

import asyncio
import sys
from pathlib import Path

from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import Snapshot, SnapshotKind
from jupyter_runt.storage.compaction import compact
from jupyter_runt.storage.retention import Retention
from jupyter_runt.storage.sqlite import SqliteStore


async def ask(what: str) -> None:
    print(what, flush=True)  # noqa: T201
    await asyncio.to_thread(sys.stdin.readline)


class Asking(SqliteStore):
    async def put_snapshot(
        self, notebook_id: NotebookId, kind: SnapshotKind, snapshot: Snapshot
    ) -> None:
        await ask(f"snapshot {kind} {snapshot.seq}")
        await super().put_snapshot(notebook_id, kind, snapshot)
        await ask(f"snapshot {kind} {snapshot.seq} is there")

    async def fold(self, notebook_id: NotebookId, until: Seq, limit: int) -> Seq:
        await ask(f"fold until {until}")
        first = await super().fold(notebook_id, until, 12)
        await ask(f"fold until {until}: {first}")
        return first

    async def prune_snapshots(self, notebook_id: NotebookId, limit: int) -> int:
        await ask("prune")
        return await super().prune_snapshots(notebook_id, limit)


async def run(path: str, notebook_id: str, keep: str) -> None:
    store = Asking(Path(path), server_id="compactor", exists=lambda _path: True)
    async with store:
        await compact(store, NotebookId(notebook_id), Retention(events=int(keep)))


asyncio.run(run(*sys.argv[1:]))
