"""What the file should hold, kept up to date at the cost of what changed (FB1)."""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol, TypeVar

from jupyter_runt.document.cells import sound_cell
from jupyter_runt.document.ipynb import NotebookText
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.spill import FileText
from jupyter_runt.document.text import TextDoc
from jupyter_runt.document.whole import Load, nothing
from jupyter_runt.events.document import (
    CellDeleted,
    Change,
    StateChanged,
    TextChanged,
)
from jupyter_runt.ids import CellId, Seq
from jupyter_runt.session.artifacts import NotebookArtifacts

SLICE_SECONDS = 0.004
"""How long one look at the document may hold the event loop."""

MANY = 1000
"""Changes that are remembered one by one until a projection is made."""

DocT = TypeVar("DocT", contravariant=True)
Read = Callable[[Callable[[Any], Any]], Awaitable[Any]]
"""A room's `read`: calls a view with the committed document."""


class FileProjection(Protocol):
    """The content of a document's file, as a saver needs it."""

    def changed(self, changes: Iterable[Change]) -> bool:
        """Note changes; return whether the file has to follow."""
        ...

    def expect_all(self) -> None:
        """Look at everything at the next `gather`: the file may not hold what the document does."""
        ...

    async def gather(self, read: Read, seq: Callable[[], Seq]) -> Seq:
        """Look at what changed; return the `seq` that the content is as of."""
        ...

    def render(self) -> FileText:
        """Return the content as of the last `gather`; takes time, so call it in a thread."""
        ...


class KnownProjection(FileProjection, Protocol):
    """A projection that knows its file."""

    @property
    def unpaired(self) -> bool:
        """Whether the file does not say all that `adopt` would learn."""
        ...

    def adopt(self, doc: Any) -> None:
        """Learn from the document what the file does not say, when both were there before."""
        ...


class LateProjection:
    """A projection that is made for the first save: until then the file says what it said.

    Args:
        make: returns the projection, of the file as it was when this began.
        follows: tells whether the file has to follow a change.
    """

    def __init__(
        self, make: Callable[[], Awaitable[FileProjection]], follows: Callable[[Change], bool]
    ) -> None:
        self._make = make
        self._follows = follows
        self._made: FileProjection | None = None
        self._changes: list[Change] = []
        self._all_stale = False

    def changed(self, changes: Iterable[Change]) -> bool:
        """See `FileProjection`."""
        if self._made is not None:
            return self._made.changed(changes)
        relevant = [change for change in changes if self._follows(change)]
        self._changes += relevant
        if len(self._changes) > MANY:
            self.expect_all()
        return bool(relevant)

    def expect_all(self) -> None:
        """See `FileProjection`."""
        if self._made is not None:
            self._made.expect_all()
        self._all_stale = True
        self._changes.clear()

    async def gather(self, read: Read, seq: Callable[[], Seq]) -> Seq:
        """See `FileProjection`; raises what `make` raises."""
        if self._made is None:
            made = await self._make()
            made.changed(self._changes)
            if self._all_stale:
                made.expect_all()
            self._made = made
            self._changes.clear()
            del self._make  # it knows the whole file as it was
        return await self._made.gather(read, seq)

    def render(self) -> FileText:
        """See `FileProjection`."""
        if self._made is None:
            raise RuntimeError("nothing was gathered")
        return self._made.render()


class NotebookProjection:
    """The `.ipynb`: one cached text per cell, and only changed cells are looked at again."""

    def __init__(self, text: NotebookText, artifacts: NotebookArtifacts | None = None) -> None:
        """Begin with the text of a file; what outputs refer to comes from `artifacts`."""
        self._text = text
        self._artifacts = artifacts
        self._load: Load = nothing
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

    @staticmethod
    def follows(change: Change) -> bool:
        """Tell whether the file has to follow a change."""
        return not isinstance(change, StateChanged | TextChanged)

    @property
    def unpaired(self) -> bool:
        """See `KnownProjection`."""
        return self._text.has_nameless

    def expect_all(self) -> None:
        """See `FileProjection`."""
        self._all_stale = True

    def adopt(self, doc: NotebookDoc) -> None:
        """See `KnownProjection`. Pairs cells, for files of formats without cell ids."""
        self._text.adopt((cell_id, doc.source(cell_id)) for cell_id in doc.cell_ids)
        self._written = set(self._text.cell_ids)

    async def gather(self, read: Read, seq: Callable[[], Seq]) -> Seq:
        """See `FileProjection`. Looks in slices, so that a big notebook delays nobody."""
        while True:
            taken: Seq | None = await read(lambda doc: self._look(doc, seq))
            if taken is not None:
                if self._artifacts is not None:
                    self._load = await self._artifacts.loader(self._fresh.values())
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
                self._fresh[cell_id] = sound_cell(doc.cell(cell_id))
            if time.perf_counter() > until and self._stale:
                return None
        self._order = list(doc.cell_ids)
        self._metadata = doc.notebook_metadata()
        return seq()

    def render(self) -> FileText:
        """See `FileProjection`."""
        for cell_id, cell in self._fresh.items():
            if not self._is_filler(cell):
                self._text.update_cell(cell_id, cell, self._load)
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
        return any(map(self.follows, changes))

    @staticmethod
    def follows(change: Change) -> bool:
        """Tell whether the file has to follow a change."""
        return isinstance(change, TextChanged)

    @property
    def unpaired(self) -> bool:
        """See `KnownProjection`."""
        return False

    def expect_all(self) -> None:
        """See `FileProjection`: everything is looked at anyway."""

    def adopt(self, doc: TextDoc) -> None:
        """See `KnownProjection`: there is nothing to pair."""

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
