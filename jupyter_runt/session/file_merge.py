"""What another program wrote to a document's file, brought into the document (FB2)."""

from asyncio import to_thread
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, TypeVar

from jupyter_runt.document.shared import FileDocument
from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.ids import FILE_ACTOR, NotebookId, Seq
from jupyter_runt.protocols import MergeBase, Store
from jupyter_runt.rooms.room import Room
from jupyter_runt.session.apart import bring, make_apart
from jupyter_runt.session.content import Content
from jupyter_runt.session.history import pages, past
from jupyter_runt.session.kept import KeptVersions

DocT = TypeVar("DocT", bound=FileDocument)

OVERLAP: Final = (
    "Another program changed text in {} that was also changed here. What was written here stays;"
    " the file's version is kept."
)

_CAUSE: Final = "merge:"
_UPDATES: Final = frozenset({DocumentUpdated.event_name})


@dataclass(frozen=True, slots=True)
class _Known(Generic[DocT]):
    """The file as the document took it in last."""

    document: DocT
    digest: str | None = None
    """SHA-256 (hex) of the file, where it was merged."""


class FileMerge(Generic[DocT]):
    """Merges one file's outside changes, told from the file as we last knew it.

    That is the document at its checkpoint, or what was merged since. Told from the checkpoint, the
    second of two writes would seem to change what the first one did, and to overlap with it.

    What was merged is kept with the log until the next checkpoint, and each merge names it there:
    a server that died, or a task that was cancelled, goes on from what the document took in. What
    somebody had changed of it meanwhile would be there twice if it was merged again.
    """

    def __init__(
        self,
        content: Content[DocT, Any],
        store: Store,
        notebook_id: NotebookId,
        kept: KeptVersions,
    ) -> None:
        self._content = content
        self._store = store
        self._notebook_id = notebook_id
        self._room_id = content.room_id(notebook_id)
        self._kept = kept
        self._known: _Known[DocT] | None = None

    async def into(
        self,
        room: Room[DocT],
        parsed: Any,
        path: str,
        *,
        digest: str,
        client_id: int,
        checkpoint: Seq,
    ) -> None:
        """Bring in what is different in the file; its version is kept where the document's stays.

        Args:
            parsed: the content of the file.
            digest: its SHA-256 (hex).
            client_id: the Yjs client that writes it.
            checkpoint: up to where the file last held the document.

        Raises:
            StoreUnavailable: nothing, or no more than the kept version, is recorded.
        """
        known = self._known = self._known or await self._recorded(checkpoint)
        if known.digest == digest:
            return
        merge = await to_thread(self._content.merge, known.document, parsed)
        async with room.apart:
            made = await make_apart(room, self._content.empty(client_id), merge)
            if made.result.overlaps:  # first: once the merge is made, nothing else has it
                theirs = self._content.held_in(parsed)
                await self._kept.keep("merge_overlap", OVERLAP.format(path), theirs, FILE_ACTOR)
            merged, state = await to_thread(self._advanced, known.document, merge)
            # What changed nothing has no event to tell that it is done.
            seq = Seq(0) if made.update else await self._store.head(self._notebook_id)
            base = MergeBase(self._room_id, digest, state, seq)
            await self._store.put_base(self._notebook_id, base)
            self._known = None  # a caller that is cancelled does not know what the log says
            try:
                await bring(room, made, FILE_ACTOR, f"{_CAUSE}{digest}")
            except StoreUnavailable:
                self._known = known
                raise
            self._known = _Known(merged, digest)

    async def rewritten(self, parsed: Any, checkpoint: Seq) -> None:
        """Know that a save hook or a contents manager made this of the document at `checkpoint`."""
        base = await self.at(checkpoint)
        merge = await to_thread(self._content.merge, base, parsed)
        await to_thread(base.transact, lambda: merge(base))
        self._known = _Known(base)

    async def keep(self, digest: str | None, checkpoint: Seq) -> None:
        """Keep what `rewritten` was told, for whoever opens the document next: no log says it."""
        if self._known is not None and digest is not None:
            state = await to_thread(self._known.document.doc.get_update)
            base = MergeBase(self._room_id, digest, state, checkpoint)
            await self._store.put_base(self._notebook_id, base)

    def checkpointed(self) -> None:
        """Know that the file holds what the log says it does."""
        self._known = None

    async def _recorded(self, checkpoint: Seq) -> "_Known[DocT]":
        """Return the file as the store has us know it."""
        bases = {
            base.digest: base for base in await self._store.bases(self._notebook_id, self._room_id)
        }
        if not bases:
            return _Known(await self.at(checkpoint))
        last = max(bases.values(), key=lambda base: base.seq)
        async for events in pages(self._store, self._notebook_id, checkpoint, _UPDATES):
            for event in events:
                cause, _, digest = (event.caused_by or "").partition(_CAUSE)
                if not cause and event.seq > last.seq and digest in bases:
                    last = replace(bases[digest], seq=event.seq)
        if not last.seq:
            return _Known(await self.at(checkpoint))
        return _Known(await to_thread(self._made_of, [last.state]), last.digest)

    async def at(self, checkpoint: Seq) -> DocT:
        """Return a copy of the document as the file had it at a checkpoint."""
        before = await past(self._store, self._notebook_id, checkpoint)
        return await to_thread(self._made_of, before.updates)

    def _made_of(self, updates: Sequence[bytes]) -> DocT:
        document = self._content.empty(None)
        document.load(updates)
        return document

    def _advanced(self, base: DocT, merge: Callable[[DocT], object]) -> tuple[DocT, bytes]:
        """Return the base that a merge leads to, and its state."""
        document = self._made_of([base.doc.get_update()])
        document.transact(lambda: merge(document))
        return document, document.doc.get_update()
