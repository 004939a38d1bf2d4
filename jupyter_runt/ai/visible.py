"""The notebook as the AI may see it: without the cells that people hide from it (AG6). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_runt.ai.context import is_hidden
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import CellNotFound
from jupyter_runt.ids import CellId

SHOWN_REVISION = 8
"""Characters of a revision that a model is shown; it has to write them again."""


def visible_cells(doc: NotebookDoc) -> list[CellId]:
    """Return the cells that the AI may know of, from the top."""
    return [cell_id for cell_id in doc.cell_ids if not is_hidden(doc.metadata(cell_id))]


def known_cell(doc: NotebookDoc, name: str) -> CellId:
    """Return the cell of an id, or of a beginning of an id that only one has.

    Raises:
        CellNotFound: there is none that the AI may know of; the message names those most like it.
    """
    cells = visible_cells(doc)
    if name in cells:
        return CellId(name)
    begins = [cell_id for cell_id in cells if name and cell_id.startswith(name)]
    if len(begins) == 1:
        return begins[0]
    near = begins[:5] or cells[:5]
    hint = f" There are {', '.join(near)}." if near else ""
    what = "more than one cell whose id begins with" if begins else "no cell"
    raise CellNotFound(f"There is {what} {name}.{hint} get_notebook lists them.", cell_ids=[name])


def known_cells(doc: NotebookDoc, names: Sequence[str]) -> list[CellId]:
    """Return the cells of ids, each once; raises as `known_cell`."""
    return list(dict.fromkeys(known_cell(doc, name) for name in names))


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell as the AI sees it."""

    cell_id: CellId
    number: int
    """From 1, hidden cells counted, as people count."""
    kind: str
    source: str
    revision: str
    cell: Mapping[str, Any]

    @property
    def outputs(self) -> list[Mapping[str, Any]]:
        """Its outputs, as nbformat has them."""
        outputs = self.cell.get("outputs")
        return [each for each in outputs if isinstance(each, Mapping)] if outputs else []

    @property
    def heading(self) -> str:
        """Its number, kind, id and revision."""
        count = self.cell.get("execution_count")
        ran = f" | ran [{count}]" if count else ""
        revision = short(self.revision)
        return f"{self.number} | {self.kind} | id={self.cell_id} | rev={revision}{ran}"


def short(revision: str) -> str:
    """Return a revision as models are shown it."""
    return revision[:SHOWN_REVISION]


def look(doc: NotebookDoc, cell_ids: Sequence[CellId]) -> list[CellView]:
    """Return visible cells."""
    numbers = {cell_id: number for number, cell_id in enumerate(doc.cell_ids, 1)}
    return [
        CellView(
            cell_id,
            numbers[cell_id],
            doc.cell_type(cell_id),
            doc.source(cell_id),
            doc.revision(cell_id),
            doc.cell(cell_id),
        )
        for cell_id in cell_ids
    ]
