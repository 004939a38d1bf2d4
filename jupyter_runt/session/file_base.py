"""What a document's file was before somebody else changed it: the base of the merge (FB2)."""

from asyncio import to_thread
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from jupyter_runt.document.shared import FileDocument
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.history import past

DocT = TypeVar("DocT", bound=FileDocument)


class FileBase(Generic[DocT]):
    """The file as we last knew it: the document at its checkpoint, or what was merged since.

    Between a merge and the next checkpoint the file is what the other program wrote. Told from the
    checkpoint, its next write would seem to change what its first one did, and to overlap with it.
    """

    def __init__(
        self, empty: Callable[[None], DocT], log: EventLog, notebook_id: NotebookId
    ) -> None:
        self._empty = empty
        self._log = log
        self._notebook_id = notebook_id
        self._known: DocT | None = None

    async def get(self, checkpoint: Seq) -> DocT:
        """Return the file as a document, which is at `checkpoint` unless something was merged."""
        if self._known is None:
            before = await past(self._log, self._notebook_id, checkpoint)

            def build() -> DocT:
                document = self._empty(None)
                document.apply(before.updates)
                return document

            self._known = await to_thread(build)
        return self._known

    async def merged(self, edit: Callable[[DocT], Any]) -> None:
        """Take for the file what the edit makes of what it was: it brought in all of it."""
        known = self._known
        if known is not None:
            await to_thread(known.transact, lambda: edit(known))

    def checkpointed(self) -> None:
        """Know that the file holds what the log says it does."""
        self._known = None
