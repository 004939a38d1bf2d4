"""What a long history costs: opening, going back, folding. Prints JSON."""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Final, TypeVar

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.events.base import Draft
from jupyter_runt.events.codec import document_updated
from jupyter_runt.ids import ActorId, NotebookId, Seq
from jupyter_runt.protocols import FileIdentity, Snapshot
from jupyter_runt.session.history import past
from jupyter_runt.session.open_document import SNAPSHOT_EVERY
from jupyter_runt.storage.compaction import compact
from jupyter_runt.storage.retention import Retention
from jupyter_runt.storage.sqlite import SqliteStore
from jupyter_runt.storage.verification import verify

T = TypeVar("T")

CELLS: Final = 100
LINE: Final = 60
"""Letters after which somebody goes on in the next cell."""


def store_at(folder: Path) -> SqliteStore:
    """Return the store of a new server."""
    return SqliteStore(folder / "store.db", server_id="benchmark", exists=lambda _path: True)


async def write(store: SqliteStore, updates: int) -> NotebookId:
    """Return a notebook in which so many letters were typed, with the snapshots of a session."""
    registration, _ = await store.resolve(FileIdentity("a.ipynb"))
    notebook_id, doc = registration.notebook_id, NotebookDoc()
    cells = [doc.transact(lambda: doc.create_cell("code", "", None)).result for _ in range(CELLS)]
    first = Draft(payload=document_updated(doc.doc.get_update(), ()), actor=ActorId("file"))
    await store.append(notebook_id, [first])
    drafts: list[Draft] = []
    for number in range(1, updates):
        cell_id = cells[number // LINE % CELLS]
        text = doc.source(cell_id) + "x" if number % LINE else ""
        done = doc.transact(lambda cell=cell_id, text=text: doc.replace_source(cell, text))
        if done.update is not None:
            payload = document_updated(done.update, done.changes)
            drafts.append(Draft(payload=payload, actor=ActorId("user:ada")))
        if len(drafts) == SNAPSHOT_EVERY:
            events = await store.append(notebook_id, drafts)
            snapshot = Snapshot(events[-1].seq, doc.doc.get_update())
            await store.put_snapshot(notebook_id, "document", snapshot)
            drafts.clear()
    await store.append(notebook_id, drafts)
    head = await store.head(notebook_id)
    await store.checkpointed(notebook_id, FileIdentity("a.ipynb"), head)
    return notebook_id


async def timed(work: Awaitable[T]) -> tuple[T, float]:
    """Return what `work` returns, and its seconds."""
    start = time.perf_counter()
    result = await work
    return result, round(time.perf_counter() - start, 4)


async def opened(folder: Path, notebook_id: NotebookId, at: Seq | None = None) -> dict[str, Any]:
    """Open the store and build the document, as a cold start does."""

    async def open_document() -> int:
        async with store_at(folder) as store:
            before = await past(store, notebook_id, at)
        doc = NotebookDoc()
        doc.apply(before.updates)
        return before.replayed

    replayed, seconds = await timed(open_document())
    return {"seconds": seconds, "events_read": replayed}


async def appends(store: SqliteStore, until: asyncio.Event) -> list[float]:
    """Return the seconds that appends to another log took, one each 5 ms."""
    draft = Draft(payload=document_updated(bytes(60), ()), actor=ActorId("user:bob"))
    found = []
    while not until.is_set():
        _, taken = await timed(store.append(NotebookId("other"), [draft]))
        found.append(taken)
        await asyncio.sleep(0.005)
    return found


def milliseconds(seconds: list[float]) -> dict[str, float]:
    """Return the median, the 99th percentile and the longest."""
    ordered = [round(1e3 * each, 1) for each in sorted(seconds)]
    return {
        "median": ordered[len(ordered) // 2],
        "p99": ordered[len(ordered) * 99 // 100],
        "longest": ordered[-1],
    }


async def measure(folder: Path, updates: int) -> dict[str, Any]:
    """Return all figures; seconds."""
    async with store_at(folder) as store:
        notebook_id, writing = await timed(write(store, updates))
        head = await store.head(notebook_id)
    size = (folder / "store.db").stat().st_size
    report: dict[str, Any] = {
        "events": head,
        "writing_seconds": writing,
        "bytes_per_event": round(size / head),
        "open": await opened(folder, notebook_id),
        "at_the_middle": await opened(folder, notebook_id, Seq(head // 2 + 499)),
    }
    async with store_at(folder) as store:
        verdict, report["verify_seconds"] = await timed(verify(store, notebook_id))
        if verdict.problems:
            raise RuntimeError(verdict.problems)
        over = asyncio.Event()
        appending = asyncio.ensure_future(appends(store, over))
        done, seconds = await timed(compact(store, notebook_id, Retention(events=1000)))
        over.set()
        report["compact"] = {
            "seconds": seconds,
            "folded": done.folded,
            "snapshots_dropped": done.pruned,
            "append_meanwhile_ms": milliseconds(await appending),
        }
    report["open_after_compaction"] = await opened(folder, notebook_id)
    report["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return report


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        json.dump(asyncio.run(measure(Path(folder), options.updates)), sys.stdout, indent=2)


if __name__ == "__main__":
    main()
