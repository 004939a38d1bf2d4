"""What another program wrote to a document's file, brought into the document (FB2)."""

from asyncio import to_thread
from typing import Any, Final, Generic, TypeVar

from jupyter_runt.document.shared import FileDocument
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.ids import FILE_ACTOR, NotebookId, Seq
from jupyter_runt.protocols import EventLog
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


class FileMerge(Generic[DocT]):
    """Merges one file's outside changes, told from the file as we last knew it.

    That is the document at its checkpoint, or what was merged since. Told from the checkpoint, the
    second of two writes would seem to change what the first one did, and to overlap with it.

    Each merge names the file's content in the log. A server that died, or a task that was
    cancelled, before it was known otherwise does not merge it again: what somebody had changed of
    it meanwhile would be there twice.
    """

    def __init__(
        self,
        content: Content[DocT, Any],
        log: EventLog,
        notebook_id: NotebookId,
        kept: KeptVersions,
    ) -> None:
        self._content = content
        self._log = log
        self._notebook_id = notebook_id
        self._kept = kept
        self._known: DocT | None = None

    async def into(
        self,
        room: Room[DocT],
        parsed: Any,
        path: str,
        *,
        digest: str | None,
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
        cause = f"{_CAUSE}{digest}"
        if await self._last(checkpoint) == cause:
            await self.rewritten(parsed, checkpoint)
            return
        base = self._known or await self._at(checkpoint)
        merge = await to_thread(self._content.merge, base, parsed)
        made = await make_apart(room, self._content.empty(client_id), merge)
        if made.result.overlaps:  # first: once the merge is made, nothing else has it
            theirs = self._content.held_in(parsed)
            await self._kept.keep("merge_overlap", OVERLAP.format(path), theirs, FILE_ACTOR)
        await bring(room, made, FILE_ACTOR, cause)
        await to_thread(base.transact, lambda: merge(base))
        self._known = base

    async def rewritten(self, parsed: Any, checkpoint: Seq) -> None:
        """Know that this was made of the document at `checkpoint`, and that nothing is to merge."""
        base = await self._at(checkpoint)
        merge = await to_thread(self._content.merge, base, parsed)
        await to_thread(base.transact, lambda: merge(base))
        self._known = base

    def checkpointed(self) -> None:
        """Know that the file holds what the log says it does."""
        self._known = None

    async def _last(self, checkpoint: Seq) -> str | None:
        """Return the cause of the last merge since a checkpoint."""
        last: str | None = None
        async for events in pages(self._log, self._notebook_id, checkpoint, _UPDATES):
            for event in events:
                if event.actor == FILE_ACTOR and (event.caused_by or "").startswith(_CAUSE):
                    last = event.caused_by
        return last

    async def _at(self, checkpoint: Seq) -> DocT:
        before = await past(self._log, self._notebook_id, checkpoint)

        def build() -> DocT:
            document = self._content.empty(None)
            document.apply(before.updates)
            return document

        return await to_thread(build)
