"""Making parts of a notebook read as they should, writing only what differs."""

from collections.abc import Mapping
from typing import Any, Final

from pycrdt import Array, Map

from jupyter_runt.document.cells import Cell, shared_outputs
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.values import to_shared
from jupyter_runt.ids import CellId

_SHARED: Final = frozenset({"id", "source", "metadata", "outputs", "execution_count"})
"""Keys of a cell that hold shared types, or that are not written by themselves."""


def rewrite_cell(doc: NotebookDoc, cell_id: CellId, ours: Cell, new: Cell) -> None:
    """Make a cell that reads `ours` read `new`; its id stays, and so do outputs while it runs."""
    if ours["cell_type"] != new["cell_type"]:
        index = doc.cell_ids.index(cell_id)
        after = doc.cell_ids[index - 1] if index else None
        doc.delete_cells([cell_id])
        doc.insert_cell({**new, "id": cell_id}, after)
        return
    if ours["source"] != new["source"]:
        doc.replace_source(cell_id, new["source"])
    cells: Array[Any] = doc.doc.get("cells", type=Array)
    shared: Map[Any] = cells[doc.cell_ids.index(cell_id)]
    if ours["metadata"] != new["metadata"]:
        if not isinstance(shared.get("metadata"), Map):
            shared["metadata"] = Map()
        _rewrite_map(shared["metadata"], ours["metadata"], new["metadata"])
    _rewrite_map(shared, _plain_part(ours), _plain_part(new))
    if new["cell_type"] == "code" and shared.get("execution_state") != "running":
        _rewrite_run(shared, ours, new)


def rewrite_metadata(doc: NotebookDoc, values: Mapping[str, Any]) -> None:
    """Make the notebook's metadata read `values`."""
    meta: Map[Any] = doc.doc.get("meta", type=Map)
    if not isinstance(meta.get("metadata"), Map):
        meta["metadata"] = Map()
    _rewrite_map(meta["metadata"], doc.notebook_metadata(), values)


def rewrite_minor(doc: NotebookDoc, minor: int) -> None:
    """Say which minor version of nbformat the file is in."""
    if doc.nbformat()[1] != minor:
        doc.doc.get("meta", type=Map)["nbformat_minor"] = minor


def _rewrite_run(shared: Map[Any], ours: Cell, new: Cell) -> None:
    if ours.get("outputs") != new["outputs"]:
        outputs = shared.get("outputs")
        if isinstance(outputs, Array):
            outputs.clear()
            outputs.extend(shared_outputs(new["outputs"]))
        else:
            shared["outputs"] = Array(shared_outputs(new["outputs"]))
    if ours.get("execution_count") != new["execution_count"]:
        shared["execution_count"] = new["execution_count"]


def _plain_part(cell: Cell) -> dict[str, Any]:
    return {key: value for key, value in cell.items() if key not in _SHARED}


def _rewrite_map(shared: Map[Any], ours: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for key in ours:
        if key not in new:
            del shared[key]
    for key, value in new.items():
        if key not in ours or ours[key] != value:
            shared[key] = to_shared(value)
