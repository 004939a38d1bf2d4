"""What an append costs: latency of one, and events per second of many. Prints JSON."""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from jupyter_runt.events.base import Draft
from jupyter_runt.events.codec import document_updated
from jupyter_runt.events.document import SourceChanged
from jupyter_runt.ids import ActorId, CellId, NotebookId
from jupyter_runt.storage.sqlite import SqliteStore


def keystroke(size: int) -> Draft:
    """Return the event of a typed letter, with an update of `size` bytes."""
    change = SourceChanged(cell_id=CellId(str(uuid4())), inserted=1, removed=0)
    return Draft(payload=document_updated(bytes(size), (change,)), actor=ActorId("user:ada"))


async def latencies(store: SqliteStore, appends: int, draft: Draft) -> list[float]:
    """Return the seconds that each of `appends`, one after the other, took."""
    notebook_id = NotebookId(str(uuid4()))
    taken = []
    for _ in range(appends):
        start = time.perf_counter()
        await store.append(notebook_id, [draft])
        taken.append(time.perf_counter() - start)
    return taken


async def busy_latencies(store: SqliteStore, appends: int, draft: Draft) -> list[float]:
    """Return the same for an event loop that never sleeps: ticks of 100 us, one after the other."""
    loop = asyncio.get_running_loop()
    handle: asyncio.Handle

    def tick() -> None:
        nonlocal handle
        end = time.perf_counter() + 100e-6
        while time.perf_counter() < end:
            pass
        handle = loop.call_soon(tick)

    handle = loop.call_soon(tick)
    try:
        return await latencies(store, appends, draft)
    finally:
        handle.cancel()


async def throughput(store: SqliteStore, writers: int, appends: int, draft: Draft) -> float:
    """Return the events per second of concurrent writers, each to a notebook of its own."""
    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(writers):
            group.create_task(latencies(store, appends, draft))
    return writers * appends / (time.perf_counter() - start)


async def batch_rate(store: SqliteStore, events: int, draft: Draft) -> float:
    """Return the events per second of one append of many."""
    start = time.perf_counter()
    await store.append(NotebookId(str(uuid4())), [draft] * events)
    return events / (time.perf_counter() - start)


async def measure(folder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Return all figures: microseconds and events per second."""
    draft = keystroke(options.size)
    async with SqliteStore(
        folder / "store.db",
        server_id="benchmark",
        exists=lambda _path: True,
        durability=options.durability,
    ) as store:
        await latencies(store, 100, draft)
        alone = [1e6 * taken for taken in await latencies(store, options.appends, draft)]
        busy = [1e6 * taken for taken in await busy_latencies(store, options.appends // 10, draft)]
        return {
            "single_median_us": round(statistics.median(alone)),
            "single_p99_us": round(statistics.quantiles(alone, n=100)[98]),
            "busy_loop_median_us": round(statistics.median(busy)),
            "busy_loop_p99_us": round(statistics.quantiles(busy, n=100)[98]),
            "concurrent_events_per_s": round(await throughput(store, 100, 100, draft)),
            "batched_events_per_s": round(await batch_rate(store, 10_000, draft)),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--appends", type=int, default=2000)
    parser.add_argument("--size", type=int, default=60, help="bytes of each update")
    parser.add_argument("--durability", choices=["process", "power"], default="process")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        json.dump(asyncio.run(measure(Path(folder), options)), sys.stdout, indent=2)


if __name__ == "__main__":
    main()
