"""What the file should hold, kept up to date at the cost of what changed (FB1)."""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol, TypeVar

from jupyter_runt.document.ipynb import NotebookText
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.text import TextDoc
from jupyter_runt.events.document import (
    CellDeleted,
    Change,
    StateChanged,
    TextChanged,
)
from jupyter_runt.ids import CellId, Seq

SLICE_SECONDS = 0.004
"""How long one look at the document may hold the event loop."""

DocT = TypeVar("DocT", contravariant=True)
Read = Callable[[Callable[[Any], Any]], Awaitable[Any]]
"""A room's `read`: calls a view with the committed document."""


class FileProjection(Protocol):
    """The content of a document's file."""

    def changed(self, changes: Iterable[Change]) -> bool:
        """Note changes; return whether the file has to follow."""
        ...

    def expect_all(self) -> None:
        """Look at everything at the next `gather`: the file may not hold what the document does."""
        ...

    def adopt(self, doc: Any) -> None:
        """Learn from the document what the file does not say, when both were there before."""
        ...

    async def gather(self, read: Read, seq: Callable[[], Seq]) -> Seq:
        """Look at what changed; return the `seq` that the content is as of."""
        ...

    def render(self) -> bytes:
        """Return the content as of the last `gather`; takes time, so call it in a thread."""
        ...


class NotebookProjection:
    """The `.ipynb`: one cached text per cell, and only changed cells are looked at again."""

    def __init__(self, text: NotebookText) -> None:
        self._text = text
        self._written = set(text.cell_ids)
        self._stale: dict[CellId, None] = {}
        self._fresh: dict[CellId, dict[str, Any]] = {}
        self._order: list[CellId] = []
        self._metadata: dict[str, Any] = {}
        self._all_stale = False

    def changed(self, changes: Iterable[Change]) -> bool:
        """See `FileProjection`."""
        follows = False
        for change in changes:
            match change:
                case StateChanged() | TextChanged():
                    continue
                case CellDeleted():
                    follows = True
                case _:
                    if change.cell_id is not None:
                        self._stale[change.cell_id] = None
                    follows = True
        return follows

    def expect_all(self) -> None:
        """See `FileProjection`."""
        self._all_stale = True

    def adopt(self, doc: NotebookDoc) -> None:
        """Pair the file's cells with the document's, for files of formats without cell ids."""
        self._text.adopt((cell_id, doc.source(cell_id)) for cell_id in doc.cell_ids)
        self._written = set(self._text.cell_ids)

    async def gather(self, read: Read, seq: Callable[[], Seq]) -> Seq:
        """See `FileProjection`. Looks in slices, so that a big notebook delays nobody."""
        while True:
            taken: Seq | None = await read(lambda doc: self._look(doc, seq))
            if taken is not None:
                return taken

    def _look(self, doc: NotebookDoc, seq: Callable[[], Seq]) -> Seq | None:
        if self._all_stale:
            self._stale.update(dict.fromkeys(doc.cell_ids))
            self._all_stale = False
        known = self._written.union(self._fresh)
        self._stale.update(dict.fromkeys(c for c in doc.cell_ids if c not in known))
        until = time.perf_counter() + SLICE_SECONDS
        while self._stale:
            cell_id, _ = self._stale.popitem()
            if doc.has_cell(cell_id):
                self._fresh[cell_id] = doc.cell(cell_id)
            if time.perf_counter() > until and self._stale:
                return None
        self._order = list(doc.cell_ids)
        self._metadata = doc.notebook_metadata()
        return seq()

    def render(self) -> bytes:
        """See `FileProjection`."""
        for cell_id, cell in self._fresh.items():
            if not self._is_filler(cell):
                self._text.update_cell(cell_id, cell)
        self._fresh.clear()
        self._text.set_order(self._order)
        self._written = set(self._text.cell_ids)
        self._text.set_metadata(self._metadata)
        return self._text.render()

    def _is_filler(self, cell: dict[str, Any]) -> bool:
        """Tell whether it is the cell that a notebook without any gets, and nobody used it."""
        if self._text.cell_ids or len(self._order) > 1:
            return False
        return cell["cell_type"] == "code" and not (
            cell["source"] or cell["metadata"] or cell["outputs"]
        )


class TextProjection:
    """Any other text file: its content, as a whole."""

    def __init__(self) -> None:
        self._content = ""

    def changed(self, changes: Iterable[Change]) -> bool:
        """See `FileProjection`."""
        return any(isinstance(change, TextChanged) for change in changes)

    def expect_all(self) -> None:
        """See `FileProjection`: everything is looked at anyway."""

    def adopt(self, doc: TextDoc) -> None:
        """See `FileProjection`: there is nothing to pair."""

    async def gather(self, read: Read, seq: Callable[[], Seq]) -> Seq:
        """See `FileProjection`."""

        def look(doc: TextDoc) -> Seq:
            self._content = doc.content()
            return seq()

        taken: Seq = await read(look)
        return taken

    def render(self) -> bytes:
        """See `FileProjection`."""
        return self._content.encode()
