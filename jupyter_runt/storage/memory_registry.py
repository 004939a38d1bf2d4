"""Which file is which document, in memory."""

from collections.abc import Callable
from dataclasses import replace

from jupyter_runt.ids import HistoryId, NotebookId, Seq, new_id
from jupyter_runt.protocols import FileIdentity, MergeBase, Registration
from jupyter_runt.storage.clock import now
from jupyter_runt.storage.memory_disk import MemoryDisk
from jupyter_runt.storage.moves import recognise_move
from jupyter_runt.storage.refusals import no_document


class MemoryRegistry:
    """The `Registry` of a `MemoryStore`."""

    disk: MemoryDisk
    _exists: Callable[[str], bool]
    _check_open: Callable[[], None]
    _check_writable: Callable[[], None]

    async def resolve(self, file: FileIdentity) -> tuple[Registration, bool]:
        """Return the document of a file; see `Registry`."""
        known = await self.find(file.path) or self._moved_from(file)
        if known is None:
            registration = Registration(NotebookId(new_id()), HistoryId(new_id()), file, Seq(0))
        else:
            here = replace(known.file, path=file.path, device=file.device, inode=file.inode)
            registration = replace(known, file=here)
        if registration != known:
            self._check_writable()
            self.disk.documents[registration.notebook_id] = registration
        return registration, known is None

    async def any_lost(self) -> bool:
        """Tell whether a registered file may be gone; see `Registry`."""
        hashed = (known.file.path for known in self._live() if known.file.digest is not None)
        return not all(map(self._exists, hashed))

    def _moved_from(self, file: FileIdentity) -> Registration | None:
        if file.digest is None:
            return None
        alike = [known for known in self._live() if known.file.digest == file.digest]
        gone = {known.file.path for known in alike if not self._exists(known.file.path)}
        return recognise_move(file, alike, gone)

    def _live(self) -> list[Registration]:
        documents = self.disk.documents.items()
        return [known for key, known in documents if key not in self.disk.deleted]

    async def get(self, notebook_id: NotebookId) -> Registration | None:
        """Return the document of an id; see `Registry`."""
        self._check_open()
        if notebook_id in self.disk.deleted:
            return None
        return self.disk.documents.get(notebook_id)

    async def find(self, path: str) -> Registration | None:
        """Return the document at a path; see `Registry`."""
        self._check_open()
        return next((known for known in self._live() if known.file.path == path), None)

    def _at_or_below(self, path: str) -> list[Registration]:
        return [
            known
            for known in self._live()
            if known.file.path == path or known.file.path.startswith(f"{path}/")
        ]

    async def moved(self, old: str, new: str) -> None:
        """Record a rename; see `Registry`."""
        self._check_writable()
        if old == new:
            return
        moving = {
            known.notebook_id: new + known.file.path[len(old) :] for known in self._at_or_below(old)
        }
        overwritten = {new, *moving.values()}
        replaced = [known.notebook_id for known in self._live() if known.file.path in overwritten]
        self.disk.deleted.update(dict.fromkeys(replaced, now()))
        for notebook_id, path in moving.items():
            known = self.disk.documents[notebook_id]
            self.disk.documents[notebook_id] = replace(known, file=replace(known.file, path=path))

    async def deleted(self, path: str) -> None:
        """Record a deletion; see `Registry`."""
        self._check_writable()
        gone = [known.notebook_id for known in self._at_or_below(path)]
        self.disk.deleted.update(dict.fromkeys(gone, now()))

    async def checkpointed(self, notebook_id: NotebookId, file: FileIdentity, seq: Seq) -> None:
        """Record what the file holds; see `Registry`."""
        self._check_writable()
        known = self.disk.documents.get(notebook_id)
        if known is None:
            raise no_document(notebook_id)
        self.disk.documents[notebook_id] = replace(
            known, file=replace(file, path=known.file.path), checkpoint_seq=seq, announced=None
        )
        self.disk.bases.pop(notebook_id, None)

    async def announce(self, notebook_id: NotebookId, digest: str, seq: Seq) -> None:
        """Record a write to come; see `Registry`."""
        self._check_writable()
        known = self.disk.documents[notebook_id]
        self.disk.documents[notebook_id] = replace(known, announced=(digest, seq))

    async def put_base(self, notebook_id: NotebookId, base: MergeBase) -> None:
        """Keep what a merge was made of; see `Registry`."""
        self._check_writable()
        kept = self.disk.bases.get(notebook_id, {})
        if base.seq:
            kept = {key: other for key, other in kept.items() if other.room_id != base.room_id}
        self.disk.bases[notebook_id] = {**kept, (base.room_id, base.digest): base}

    async def bases(self, notebook_id: NotebookId, room_id: str) -> list[MergeBase]:
        """Return what was merged since the last checkpoint; see `Registry`."""
        self._check_open()
        kept = self.disk.bases.get(notebook_id, {}).values()
        return [base for base in kept if base.room_id == room_id]
