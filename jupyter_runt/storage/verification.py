"""Whether a log and its snapshots say the same (EL2)."""

from asyncio import to_thread
from dataclasses import dataclass

from jupyter_runt.errors import Compacted
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import SnapshotKind
from jupyter_runt.storage.compaction import KINDS, latest, origin
from jupyter_runt.storage.replay import Inconsistent, Replay, pages
from jupyter_runt.storage.upkeep import KeptLog


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a replay found."""

    first_seq: Seq
    head: Seq
    """Events that came later were not looked at."""
    snapshots: int
    """How many were compared with the events before them."""
    problems: tuple[str, ...]


async def verify(log: KeptLog, notebook_id: NotebookId) -> Verdict:
    """Replay a log from its start and from its snapshots, and compare.

    It may run while others append.

    Raises:
        StoreUnavailable: the store cannot be read.
    """
    while True:
        first = await log.first_seq(notebook_id)
        checkpoint = await log.checkpoint_seq(notebook_id)  # before the head: both move on
        head = await log.head(notebook_id)
        examination = _Examination(log, notebook_id, checkpoint, head)
        try:
            await examination.run()
        except Inconsistent as error:
            examination.problems.append(str(error))
        except Compacted:
            continue  # meanwhile: what is left is another log
        return Verdict(first, head, examination.compared, tuple(examination.problems))


class _Examination:
    def __init__(self, log: KeptLog, notebook_id: NotebookId, checkpoint: Seq, head: Seq) -> None:
        self._log = log
        self._notebook_id = notebook_id
        self._checkpoint = checkpoint
        self._head = head
        self.compared = 0
        self.problems: list[str] = []

    async def run(self) -> None:
        if self._checkpoint > self._head:
            self.problems.append(
                f"The file is said to hold event {self._checkpoint}; the log ends at {self._head}."
            )
        whole = await origin(self._log, self._notebook_id)
        for seq, kinds in (await self._snapshots(whole.reached)).items():
            await self._advance(whole, seq)
            for kind in kinds:
                await self._compare_snapshot(whole, kind, seq)
        await self._advance(whole, self._head)
        opened = await latest(self._log, self._notebook_id)
        await self._advance(opened, self._head)
        await self._compare(whole, opened, "A cold start from the last snapshots")

    async def _snapshots(self, after: Seq) -> dict[Seq, list[SnapshotKind]]:
        found: dict[Seq, list[SnapshotKind]] = {}
        for kind in KINDS:
            for seq in await self._log.snapshot_seqs(self._notebook_id, kind):
                if seq > self._head:
                    self.problems.append(f"The {kind} snapshot at {seq} is above the log's end.")
                elif seq > after:
                    found.setdefault(seq, []).append(kind)
        return dict(sorted(found.items()))

    async def _advance(self, replay: Replay, until: Seq) -> None:
        async for events in pages(self._log, self._notebook_id, replay.seq, until):
            await to_thread(replay.apply, events)

    async def _compare_snapshot(self, whole: Replay, kind: SnapshotKind, seq: Seq) -> None:
        snapshot = await self._log.snapshot(self._notebook_id, kind, seq)
        if snapshot is None or snapshot.seq != seq:
            return  # it was pruned meanwhile
        document, runtime = whole.document_snapshot(), whole.runtime_snapshot()
        if kind == "document":
            document = snapshot
        else:
            runtime = snapshot
        self.compared += 1
        try:
            replay = await to_thread(Replay, document, runtime)
        except Inconsistent as error:
            self.problems.append(str(error))
        else:
            await self._compare(whole, replay, f"The {kind} snapshot at {seq}")

    async def _compare(self, whole: Replay, replay: Replay, name: str) -> None:
        expected = await to_thread(whole.content)
        if differing := expected.differences(await to_thread(replay.content)):
            self.problems.append(
                f"{name} differs from the log's replay in: {', '.join(differing)}."
            )
