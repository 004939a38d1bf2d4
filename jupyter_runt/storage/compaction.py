"""Folding old events into snapshots, beside those who write, and never on trust (EL4)."""

from asyncio import to_thread
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import Snapshot, SnapshotKind
from jupyter_runt.storage.replay import PAGE, Content, Inconsistent, Replay, pages
from jupyter_runt.storage.retention import Foldable, Retention
from jupyter_runt.storage.upkeep import KeptLog

SLICE: Final = 500
"""Events that one transaction deletes: writers wait no longer than that takes."""

FEW: Final = 10
"""Snapshots that one transaction deletes: each may be as large as its document."""

KINDS: Final[tuple[SnapshotKind, ...]] = ("document", "runtime")


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was done to a log."""

    first_seq: Seq
    """The first event that is left, or to come."""
    folded: int
    """Events that are now in snapshots alone."""
    pruned: int
    """Snapshots that nothing needed any more."""


async def foldable(
    log: KeptLog, notebook_id: NotebookId, retention: Retention, now: datetime
) -> Seq:
    """Return the last event that the policy lets go, 0 if there is none."""
    if not retention.limited:
        return Seq(0)
    found, after = Foldable(retention, now), Seq(0)
    while marks := await log.marks(notebook_id, after, PAGE):
        found.add(marks)
        after = marks[-1].seq
    return found.until(await log.checkpoint_seq(notebook_id))


async def compact(
    log: KeptLog,
    notebook_id: NotebookId,
    retention: Retention,
    *,
    now: datetime | None = None,
    at_least: int = 1,
) -> Compaction:
    """Fold what the policy lets go, and drop the snapshots that nothing needs.

    It may run while others append and read, and be cut off at any moment: the log replays the same.

    Args:
        at_least: fewer events than this are not worth it.

    Raises:
        Inconsistent: the events, the snapshots and what should replace them do not agree; nothing
            was deleted.
        StoreUnavailable: what was done until then holds.
    """
    first = left = await log.first_seq(notebook_id)
    until = await foldable(log, notebook_id, retention, now or datetime.now(UTC))
    if until - first + 1 >= at_least and await _replaced(log, notebook_id, until):
        while left <= until:
            left = await log.fold(notebook_id, until, SLICE)
    pruned = 0
    while dropped := await log.prune_snapshots(notebook_id, FEW):
        pruned += dropped
    return Compaction(left, left - first, pruned)


async def origin(log: KeptLog, notebook_id: NotebookId) -> Replay:
    """Return the start of all history that is left.

    Raises:
        Inconsistent: there is no snapshot from which the events go on.
    """
    first = await log.first_seq(notebook_id)
    if first == 1:
        return Replay()
    found: dict[SnapshotKind, Snapshot] = {}
    for kind in KINDS:
        seqs = [seq for seq in await log.snapshot_seqs(notebook_id, kind) if seq >= first - 1]
        snapshot = await log.snapshot(notebook_id, kind, seqs[0]) if seqs else None
        if snapshot is None:
            raise Inconsistent(
                f"No {kind} snapshot leads to the first event that is left, {first}."
            )
        found[kind] = snapshot
    return await to_thread(Replay, found["document"], found["runtime"])


async def latest(log: KeptLog, notebook_id: NotebookId) -> Replay:
    """Return where a cold start begins; raises Inconsistent."""
    document = await log.snapshot(notebook_id, "document")
    return await to_thread(Replay, document, await log.snapshot(notebook_id, "runtime"))


async def _replaced(log: KeptLog, notebook_id: NotebookId, until: Seq) -> bool:
    """Put snapshots that, with the events after them, say what the whole log says.

    Returns whether there is anything to replace.

    Raises:
        Inconsistent: they would not.
    """
    whole = await origin(log, notebook_id)
    if whole.reached > until:
        return False  # a compaction that went further was cut off
    async for events in pages(log, notebook_id, whole.seq, until):
        await to_thread(whole.apply, events)
    snapshots: dict[SnapshotKind, Snapshot] = {
        "document": await to_thread(whole.document_snapshot),
        "runtime": await to_thread(whole.runtime_snapshot),
    }
    replaced = await to_thread(Replay, snapshots["document"], snapshots["runtime"])
    opened = await latest(log, notebook_id)
    head = await log.head(notebook_id)
    async for events in pages(log, notebook_id, min(until, opened.seq), head):
        for replay in (whole, replaced, opened):
            await to_thread(replay.apply, events)
    expected = await to_thread(whole.content)
    await _check(expected, replaced, f"What would replace the events up to {until}")
    await _check(expected, opened, "A cold start from the last snapshots")
    for kind, snapshot in snapshots.items():
        await log.put_snapshot(notebook_id, kind, snapshot)
        if await log.snapshot(notebook_id, kind, until) != snapshot:
            raise Inconsistent(f"The {kind} snapshot at {until} is not what was written.")
    return True


async def _check(expected: Content, replay: Replay, name: str) -> None:
    differing = expected.differences(await to_thread(replay.content))
    if differing:
        raise Inconsistent(f"{name} differs from the log's replay in: {', '.join(differing)}.")
