"""The notebook as the AI may see it: without the cells that people hide from it (AG6). Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from jupyter_runt.ai.context import is_hidden
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import CellNotFound
from jupyter_runt.ids import CellId

SHOWN_REVISION: Final = 8
"""Characters of a revision that a model is shown; it has to write them again."""

_HINTS: Final = 5


def is_visible(doc: NotebookDoc, cell_id: CellId) -> bool:
    """Tell whether a cell is there, as far as the AI may know."""
    return doc.has_cell(cell_id) and not is_hidden(doc.metadata(cell_id))


def known_cell(doc: NotebookDoc, name: str) -> CellId:
    """Return the cell of an id, or of a beginning of an id that only one has.

    Raises:
        CellNotFound: there is none that the AI may know of; the message names those most like it.
    """
    if is_visible(doc, CellId(name)):
        return CellId(name)
    begins = list(_visible(doc, (each for each in doc.cell_ids if name and each.startswith(name))))
    if len(begins) == 1:
        return begins[0]
    near = begins[:_HINTS] or list(islice(_visible(doc, doc.cell_ids), _HINTS))
    hint = f" There are {', '.join(near)}." if near else ""
    what = "more than one cell whose id begins with" if begins else "no cell"
    raise CellNotFound(f"There is {what} {name}.{hint} get_notebook lists them.", cell_ids=[name])


def _visible(doc: NotebookDoc, cell_ids: Iterable[CellId]) -> Iterator[CellId]:
    return (each for each in cell_ids if is_visible(doc, each))


def known_cells(doc: NotebookDoc, names: Sequence[str]) -> list[CellId]:
    """Return the cells of ids, each once; raises as `known_cell`."""
    return list(dict.fromkeys(known_cell(doc, name) for name in names))


@dataclass(frozen=True, slots=True)
class VisibleCell:
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


def visible_cell(doc: NotebookDoc, cell_id: CellId, number: int) -> VisibleCell:
    """Return a cell that the AI may see."""
    return VisibleCell(
        cell_id,
        number,
        doc.cell_type(cell_id),
        doc.source(cell_id),
        doc.revision(cell_id),
        doc.cell(cell_id),
    )


def look(doc: NotebookDoc, cell_ids: Iterable[CellId]) -> list[VisibleCell]:
    """Return cells that the AI may see."""
    numbers = {cell_id: number for number, cell_id in enumerate(doc.cell_ids, 1)}
    return [visible_cell(doc, cell_id, numbers[cell_id]) for cell_id in cell_ids]
