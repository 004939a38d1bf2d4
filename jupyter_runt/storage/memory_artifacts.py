"""Which artifacts count for which notebook, in memory."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import get_args

from jupyter_runt.artifacts import Artifact, Holding
from jupyter_runt.events.codec import encode_payload
from jupyter_runt.ids import NotebookId
from jupyter_runt.protocols import SnapshotKind
from jupyter_runt.storage.clock import now
from jupyter_runt.storage.memory_disk import MemoryDisk
from jupyter_runt.storage.mentions import hashes_in


class MemoryArtifactTable:
    """The `ArtifactTable` of a `MemoryStore`."""

    disk: MemoryDisk
    _check_open: Callable[[], None]
    _check_writable: Callable[[], None]

    async def hold(self, notebook_id: NotebookId, artifacts: Sequence[Artifact]) -> None:
        """Have artifacts count for a notebook; see `ArtifactTable`."""
        self._check_writable()
        held = self.disk.artifacts.setdefault(notebook_id, {})
        held.update({each.sha256: Holding(each, now()) for each in artifacts})

    async def share(
        self, notebook_id: NotebookId, sha256s: Collection[str], deleted_after: str
    ) -> None:
        """Have artifacts of other notebooks count here too; see `ArtifactTable`."""
        self._check_writable()
        mine = self.disk.artifacts.setdefault(notebook_id, {})
        for other, held in self.disk.artifacts.items():
            deleted_at = self.disk.deleted.get(other)
            there = deleted_at is None or deleted_at > deleted_after
            if other in self.disk.documents and there:
                for sha256 in held.keys() & set(sha256s) - mine.keys():
                    mine[sha256] = replace(held[sha256], held_at=now())

    async def held(
        self, notebook_id: NotebookId, sha256s: Collection[str] | None = None
    ) -> dict[str, Holding]:
        """Return what counts for a notebook; see `ArtifactTable`."""
        self._check_open()
        held = self.disk.artifacts.get(notebook_id, {})
        return {key: held[key] for key in held if sha256s is None or key in sha256s}

    async def holders(self) -> list[NotebookId]:
        """Return who holds artifacts; see `ArtifactTable`."""
        self._check_open()
        return sorted(key for key, held in self.disk.artifacts.items() if held)

    async def unheld(self, sha256s: Collection[str]) -> set[str]:
        """Return what counts for nobody; see `ArtifactTable`."""
        self._check_open()
        return set(sha256s).difference(*self.disk.artifacts.values())

    async def mentioned(self, notebook_id: NotebookId, sha256s: Collection[str]) -> set[str]:
        """Return which hashes the history names; see `ArtifactTable`."""
        self._check_open()
        kept = [base.state for base in self.disk.bases.get(notebook_id, {}).values()]
        for kind in get_args(SnapshotKind):
            snapshots = self.disk.snapshots.get((notebook_id, kind), {})
            kept += [snapshot.data for snapshot in snapshots.values()]
        for event in self.disk.logs.get(notebook_id, []):
            row = encode_payload(event.payload)
            kept += [row.payload.encode(), row.update or b""]
        return set(sha256s).intersection(*[set().union(*map(hashes_in, kept))])

    async def let_go(
        self, notebook_id: NotebookId, sha256s: Collection[str], until: str
    ) -> list[str]:
        """Have artifacts count no more; see `ArtifactTable`."""
        self._check_writable()
        held = self.disk.artifacts.get(notebook_id, {})
        old = [key for key in sorted(sha256s) if key in held and held[key].held_at <= until]
        for key in old:
            del held[key]
        return old

    async def discard(self, sha256: str, delete: Callable[[], None]) -> bool:
        """Delete what counts for nobody; see `ArtifactTable`."""
        self._check_writable()
        if any(sha256 in held for held in self.disk.artifacts.values()):
            return False
        delete()
        return True
