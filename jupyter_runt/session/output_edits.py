"""What a kernel's messages do to the notebook, as edits of its document."""

from collections.abc import Iterable
from itertools import groupby
from typing import cast

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.origins import output_clients
from jupyter_runt.execution.output_item import NewOutput, Output
from jupyter_runt.execution.outputs import (
    AppendOutputs,
    ClearOutputs,
    FinishCell,
    GrowStream,
    OutputEdit,
    ReplaceOutputsFrom,
    RewriteStreamTail,
    StartCell,
)
from jupyter_runt.execution.past_displays import UpdateOutput
from jupyter_runt.ids import CellId


def apply_edits(doc: NotebookDoc, edits: Iterable[OutputEdit]) -> set[CellId]:
    """Make the edits that still fit, in order, inside a transaction.

    Returns:
        The cells whose outputs are not what the edits suppose: somebody else removed some.
    """
    gone: set[CellId] = set()
    for cell_id, own in groupby(edits, key=lambda edit: edit.cell_id):
        runs = _runs(doc, cell_id)
        for edit in own:
            if not (runs and _apply(doc, edit)):
                gone.add(cell_id)
    return gone


def _runs(doc: NotebookDoc, cell_id: CellId) -> bool:
    return doc.has_cell(cell_id) and doc.cell_type(cell_id) not in ("markdown", "raw")


def _apply(doc: NotebookDoc, edit: OutputEdit) -> bool:
    match edit:
        case StartCell(cell_id):
            doc.clear_outputs([cell_id])
            doc.set_execution(cell_id, "running", None)
        case FinishCell(cell_id, count):
            doc.set_execution(cell_id, "idle", count)
        case ClearOutputs(cell_id):
            doc.clear_outputs([cell_id])
        case AppendOutputs(cell_id, outputs):
            doc.append_outputs(cell_id, _whole(outputs))
        case ReplaceOutputsFrom(cell_id, index, outputs):
            doc.replace_outputs_from(cell_id, index, _whole(outputs))
        case UpdateOutput(cell_id, index, output):
            return _update(doc, cell_id, index, output)
        case GrowStream(cell_id, text):
            return doc.grow_stream(cell_id, text)
        case RewriteStreamTail(cell_id, keep_bytes, text):
            return doc.rewrite_stream_tail(cell_id, keep_bytes, text)
    return True


def _update(doc: NotebookDoc, cell_id: CellId, index: int, shown: Output) -> bool:
    """Show an output anew; what others wrote from there on must not become the server's (EX9)."""
    outputs = doc.cell(cell_id).get("outputs", [])
    ours = {doc.doc.client_id} == set(output_clients(doc, cell_id)[index:])
    if not ours or outputs[index]["output_type"] not in ("display_data", "execute_result"):
        return False
    anew = {**outputs[index], "data": shown["data"], "metadata": shown["metadata"]}
    doc.replace_outputs_from(cell_id, index, [anew, *outputs[index + 1 :]])
    return True


def _whole(outputs: tuple[NewOutput, ...]) -> tuple[Output, ...]:
    """Return outputs of which none is in a spool any more: those have become references."""
    return cast("tuple[Output, ...]", outputs)
