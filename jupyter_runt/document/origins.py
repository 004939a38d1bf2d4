"""Which Yjs items the lines and outputs of a cell are made of: each tells who wrote it."""

from itertools import accumulate
from typing import Any, Final, NamedTuple

from pycrdt import Array, Assoc, Text

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.ids import CellId

LOOKED_AT: Final = 10_000
"""Characters of a cell; of a longer one every second, third, … is looked at."""


class ItemId(NamedTuple):
    """What Yjs calls a character: the client that inserted it, and which of its insertions."""

    client: int
    clock: int


class Line(NamedTuple):
    """A line of a cell without its line break, and the ids of its characters."""

    text: str
    ids: frozenset[ItemId]


def written_lines(document: NotebookDoc, cell_id: CellId) -> list[Line]:
    """Return the lines of a cell; the id of an empty one is that of a line break beside it.

    Raises:
        CellNotFound: there is no such cell.
    """
    source = document.source(cell_id)
    cells: Array[Any] = document.doc.get("cells", type=Array)
    shared = cells[document.cell_ids.index(cell_id)].get("source")
    if not isinstance(shared, Text) or not source:
        return []
    step = -(-len(source) // LOOKED_AT)
    lines: list[Line] = []
    start, end = 0, len(source.encode())
    with document.doc.transaction():
        for text in source.split("\n"):
            offsets = _offsets(text, start, step) or [min(start, end - 1)]
            lines.append(Line(text, frozenset(_item_at(shared, offset) for offset in offsets)))
            start += len(text.encode()) + 1
    return lines


def output_clients(document: NotebookDoc, cell_id: CellId) -> list[int]:
    """Return who added each output of a cell; raises CellNotFound."""
    cells: Array[Any] = document.doc.get("cells", type=Array)
    outputs = cells[document.cell_ids.index(cell_id)].get("outputs")
    if not isinstance(outputs, Array):
        return []
    with document.doc.transaction():
        return [_item_at(outputs, index).client for index in range(len(outputs))]


def _offsets(text: str, start: int, step: int) -> list[int]:
    """Return where every `step`th character begins, in bytes as pycrdt counts."""
    widths = (len(text[at : at + step].encode()) for at in range(0, len(text), step))
    return list(accumulate(widths, initial=start))[:-1]


def _item_at(shared: Text | Array[Any], offset: int) -> ItemId:
    item = shared.sticky_index(offset, Assoc.AFTER).to_json()["item"]
    return ItemId(item["client"], item["clock"])
