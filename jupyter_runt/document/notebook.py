"""The notebook as a shared document."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from types import EllipsisType
from typing import Any, Final, Literal

from pycrdt import Array, Map, Text

from jupyter_runt.commands import CellType
from jupyter_runt.document.cells import (
    RUNT_TYPES,
    SHARED_TYPES,
    Cell,
    Output,
    cell_type,
    distrust,
    item,
    object_in,
    plain_cell,
    shared_cell,
    shared_outputs,
)
from jupyter_runt.document.changes import NO_ID, ChangeDecoder, SharedEvent
from jupyter_runt.document.shared import FileDocument, weakly
from jupyter_runt.document.textdiff import boundary, replace_text
from jupyter_runt.document.values import from_shared, to_shared
from jupyter_runt.errors import CellNotFound
from jupyter_runt.events.document import Change
from jupyter_runt.ids import CellId, new_id

IDS_SINCE: Final = (4, 5)
"""The first nbformat whose cells have ids on disk."""


class NotebookDoc(FileDocument):
    """A notebook in the shape of `jupyter_ydoc.YNotebook`: roots `cells`, `meta` and `state`.

    Methods that change it are called inside `transact`. They check before they write: when one
    raises, it has changed nothing. Outputs change only in ways that JupyterLab's view follows
    (RM7): at the end of the list, or in the text of its last item.
    """

    version = "2.0.0"

    def __init__(self, client_id: int | None = None) -> None:
        super().__init__(client_id)
        self._cells: Array[Any] = self.doc.get("cells", type=Array)
        self._meta: Map[Any] = self.doc.get("meta", type=Map)
        self._decoder = ChangeDecoder()
        self._staged: list[CellId] | None = None
        """The order of the cells in a transaction that has changed it already."""
        self._observers = (
            self._cells.observe_deep(weakly(self._on_cells)),
            self._meta.observe_deep(weakly(self._decoder.meta)),
            self._state.observe(weakly(self._decoder.state)),
        )

    def _on_cells(self, events: list[SharedEvent]) -> None:
        self._staged = None
        self._decoder.cells(events)

    def _take_changes(self) -> tuple[Change, ...]:
        self._staged = None
        return self._decoder.take()

    def _drop_changes(self) -> None:
        self._staged = None
        self._decoder.forget()

    # reading

    @property
    def cell_ids(self) -> Sequence[CellId]:
        """The cells, from the top. The list is the document's own: copy it to keep it."""
        return self._decoder.cell_ids if self._staged is None else self._staged

    def has_cell(self, cell_id: CellId) -> bool:
        """Tell whether the cell is there."""
        if self._staged is not None:
            return cell_id in self._staged
        return cell_id != NO_ID and self._decoder.count(cell_id) > 0

    def cell_type(self, cell_id: CellId) -> str:
        """Return the type of the cell: code, markdown, raw, ai or sql; raises CellNotFound."""
        return cell_type(self._cell(cell_id))

    def source(self, cell_id: CellId) -> str:
        """Return the text of the cell; raises CellNotFound."""
        return str(item(self._cell(cell_id), "source") or "")

    def revision(self, cell_id: CellId) -> str:
        """Return the SHA-256 (hex) of the cell's source; raises CellNotFound."""
        return sha256(self.source(cell_id).encode()).hexdigest()

    def metadata(self, cell_id: CellId) -> dict[str, Any]:
        """Return the metadata of the cell; raises CellNotFound."""
        metadata = item(self._cell(cell_id), "metadata")
        return dict(from_shared(metadata)) if isinstance(metadata, Map) else {}

    def cell(self, cell_id: CellId) -> dict[str, Any]:
        """Return the cell as nbformat 4.5 has it, with its id; raises CellNotFound."""
        return plain_cell(self._cell(cell_id))

    def notebook_metadata(self) -> dict[str, Any]:
        """Return the metadata of the notebook."""
        metadata = self._meta.get("metadata")
        return dict(from_shared(metadata)) if isinstance(metadata, Map) else {}

    def nbformat(self) -> tuple[int, int]:
        """Return the major and minor version of the format of the file; peers may say anything."""
        minor = self._meta.get("nbformat_minor")
        if isinstance(minor, (int, float)) and 0 <= minor < 100:
            return 4, int(minor)
        return IDS_SINCE

    def notebook(self, *, always_ids: bool = False) -> dict[str, Any]:
        """Return the whole notebook as nbformat has it; costs the size of the notebook.

        Args:
            always_ids: give cells their ids also in versions of the format that have none.
        """
        cells = [plain_cell(cell) for cell in self._cells]
        major, minor = self.nbformat()
        if (major, minor) < IDS_SINCE and not always_ids:
            for cell in cells:
                cell.pop("id", None)
        return {
            "cells": cells,
            "metadata": self.notebook_metadata(),
            "nbformat": major,
            "nbformat_minor": minor,
        }

    # cells

    def create_cell(self, kind: CellType, source: str, after: CellId | None) -> CellId:
        """Insert a cell after another one (at the top where `after` is None); return its id.

        Raises:
            CellNotFound: there is no cell `after`.
        """
        index = self._place(after)
        cell_id = CellId(new_id())
        cell = {
            "id": cell_id,
            "cell_type": _shared_type(kind),
            "source": source,
            "metadata": {"runt": {"type": kind}} if kind in RUNT_TYPES else {},
        }
        self._insert(index, cell_id, cell)
        return cell_id

    def insert_cell(self, cell: Cell, after: CellId | None) -> None:
        """Insert a cell that has an id, which no other one has; places as `create_cell`."""
        self._insert(self._place(after), CellId(cell["id"]), cell)

    def replace_source(self, cell_id: CellId, text: str) -> None:
        """Make the cell's source read `text`, in as few edits as it takes; raises CellNotFound."""
        cell = self._cell(cell_id)
        source = cell.get("source")
        if isinstance(source, Text):
            replace_text(source, to_shared(text))
        else:
            cell["source"] = Text(to_shared(text))

    def move_cell(self, cell_id: CellId, after: CellId | None) -> None:
        """Put a cell after another one, at the top where `after` is None.

        It becomes a new item with equal content: Yjs 13 has no other way to move.

        Raises:
            CellNotFound: one of them is not there.
        """
        index, place = self._index(cell_id), self._place(after)
        if place in (index, index + 1):
            return
        cell = from_shared(self._cells[index])
        self._delete(index)
        self._insert(place - (place > index), cell_id, cell)

    def delete_cells(self, cell_ids: Collection[CellId]) -> None:
        """Delete cells; raises CellNotFound."""
        for index in sorted({self._index(cell_id) for cell_id in cell_ids}, reverse=True):
            self._delete(index)

    def set_cell_type(self, cell_id: CellId, kind: CellType) -> None:
        """Make a cell one of another type; id, source and metadata stay. Raises CellNotFound."""
        index = self._index(cell_id)
        shared = self._cells[index]
        if cell_type(shared) == kind:
            return
        metadata = self.metadata(cell_id)
        runt = {key: value for key, value in object_in(metadata, "runt").items() if key != "type"}
        if kind in RUNT_TYPES:
            runt["type"] = kind
        if shared.get("cell_type") == _shared_type(kind):
            self.update_cell_metadata(cell_id, {"runt": runt or None})
            return
        metadata.pop("runt", None)
        cell = {
            "id": cell_id,
            "cell_type": _shared_type(kind),
            "source": self.source(cell_id),
            "metadata": {**metadata, "runt": runt} if runt else metadata,
        }
        if kind in ("markdown", "raw") and (attachments := plain_cell(shared).get("attachments")):
            cell["attachments"] = attachments
        self._delete(index)
        self._insert(index, cell_id, cell)

    def update_cell_metadata(self, cell_id: CellId, values: Mapping[str, Any]) -> None:
        """Set top-level keys of a cell's metadata, removing those that are None.

        Only what differs is written. Raises CellNotFound.
        """
        cell = self._cell(cell_id)
        if not isinstance(cell.get("metadata"), Map):
            cell["metadata"] = Map()
        metadata, current = cell["metadata"], self.metadata(cell_id)
        for key, value in values.items():
            if value is None:
                if key in current:
                    del metadata[key]
            elif key not in current or current[key] != value:
                metadata[key] = to_shared(value)

    # execution

    def set_execution(
        self,
        cell_id: CellId,
        state: Literal["idle", "running"],
        execution_count: int | EllipsisType | None = ...,
    ) -> None:
        """Show a code cell as running or idle, with its count; raises CellNotFound.

        A count is only given with the state that goes with it: every browser that sees a new count
        makes the cell idle.
        """
        cell = self._cell(cell_id)
        if item(cell, "cell_type") != "code":
            return
        if execution_count is not ... and item(cell, "execution_count") != execution_count:
            cell["execution_count"] = execution_count
        if item(cell, "execution_state") != state:
            cell["execution_state"] = state

    def clear_outputs(self, cell_ids: Iterable[CellId]) -> None:
        """Remove the outputs of cells; raises CellNotFound."""
        for outputs in [self._outputs(cell_id) for cell_id in cell_ids]:
            if outputs:
                outputs.clear()

    def append_outputs(self, cell_id: CellId, outputs: Iterable[Output]) -> bool:
        """Add outputs after the last one; raises CellNotFound.

        Returns:
            False, and nothing changed, if it is no code cell any more.
        """
        shared = self._outputs(cell_id)
        if shared is None:
            return False
        shared.extend(shared_outputs(outputs))
        return True

    def replace_outputs_from(self, cell_id: CellId, index: int, outputs: Iterable[Output]) -> bool:
        """Replace the outputs from `index` on; returns and raises as `append_outputs`."""
        shared = self._outputs(cell_id)
        if shared is not None and index < len(shared):
            del shared[index:]
        return self.append_outputs(cell_id, outputs)

    def grow_stream(self, cell_id: CellId, text: str) -> bool:
        """Add text to the last output, which is a stream; raises CellNotFound.

        Returns:
            False, and nothing changed, if it is none: somebody else removed it.
        """
        stream = self._last_stream(cell_id)
        if stream is not None and text:
            stream += to_shared(text)
        return stream is not None

    def rewrite_stream_tail(self, cell_id: CellId, keep_bytes: int, text: str) -> bool:
        """Replace all but the first `keep_bytes` (UTF-8) of the last output's text.

        Returns and raises as `grow_stream`.
        """
        stream = self._last_stream(cell_id)
        if stream is not None and keep_bytes < len(stream):
            del stream[boundary(str(stream), keep_bytes) :]
        return self.grow_stream(cell_id, text)

    # what peers may not write

    @property
    def suspicious(self) -> bool:
        """See `SharedDocument`: a keystroke in a cell is above suspicion."""
        return bool(self._decoder.suspects)

    def scrub(self) -> None:
        """Repair what the last transaction left as no peer may write it.

        `trusted` goes from the metadata of the cells that it created or whose metadata it touched:
        a peer could make its own HTML trusted for the next one who opens the notebook (EX9). A new
        cell with the id of another one gets a new id. What the front end could not show goes.
        """
        suspects = self._decoder.suspects
        for index in suspects.trusted:
            distrust(self._cells[index])
        for index in self._clashes(suspects.created):
            self._cells[index]["id"] = new_id()
        if suspects.malformed:
            self._repair()

    def _clashes(self, created: Iterable[int]) -> list[int]:
        """Return which of the new cells share their id with an older or an earlier one."""
        cell_ids = self._decoder.cell_ids
        shared: dict[CellId, list[int]] = {}
        for index in created:
            if cell_ids[index] != NO_ID and self._decoder.count(cell_ids[index]) > 1:
                shared.setdefault(cell_ids[index], []).append(index)
        return [
            index
            for cell_id, indexes in shared.items()
            for index in indexes[self._decoder.count(cell_id) == len(indexes) :]
        ]

    def _repair(self) -> None:
        for index in reversed(range(len(self._cells))):
            item = self._cells[index]
            if not isinstance(item, Map):
                del self._cells[index]
                continue
            if not isinstance(item.get("id"), str) or not item["id"]:
                item["id"] = new_id()
                distrust(item)  # a cell without an id is no suspect by its id
            if item.get("cell_type") not in SHARED_TYPES:
                metadata = item.get("metadata")
                cell = {
                    "id": item["id"],
                    "cell_type": "raw",
                    "source": str(item.get("source", "")),
                    "metadata": from_shared(metadata) if isinstance(metadata, Map) else {},
                }
                cell["metadata"].pop("trusted", None)
                del self._cells[index]
                self._cells.insert(index, shared_cell(cell))

    # places

    def _index(self, cell_id: CellId) -> int:
        if not self.has_cell(cell_id):
            raise CellNotFound(f"There is no cell {cell_id}.", cell_ids=[cell_id])
        return self.cell_ids.index(cell_id)

    def _place(self, after: CellId | None) -> int:
        return 0 if after is None else self._index(after) + 1

    def _cell(self, cell_id: CellId) -> Map[Any]:
        cell: Map[Any] = self._cells[self._index(cell_id)]
        return cell

    def _outputs(self, cell_id: CellId) -> Array[Any] | None:
        cell = self._cell(cell_id)
        if item(cell, "cell_type") != "code":
            return None
        if not isinstance(item(cell, "outputs"), Array):
            cell["outputs"] = Array()
        outputs: Array[Any] = cell["outputs"]
        return outputs

    def _last_stream(self, cell_id: CellId) -> Text | None:
        outputs = self._outputs(cell_id)
        last = outputs[-1] if outputs else None
        text = last.get("text") if isinstance(last, Map) else None
        return text if isinstance(text, Text) else None

    def _stage(self) -> list[CellId]:
        if self._staged is None:
            self._staged = list(self._decoder.cell_ids)
        return self._staged

    def _insert(self, index: int, cell_id: CellId, cell: Mapping[str, Any]) -> None:
        self._stage().insert(index, cell_id)
        self._cells.insert(index, shared_cell(cell))

    def _delete(self, index: int) -> None:
        del self._stage()[index]
        del self._cells[index]


def _shared_type(kind: CellType) -> str:
    return "code" if kind in RUNT_TYPES else kind
