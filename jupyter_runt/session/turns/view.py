"""What a turn may look at in its notebook, read in slices so that it delays nobody (AG6)."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_runt.ai.context import CellView, NotebookView, is_hidden
from jupyter_runt.ai.output_text import IMAGE_TYPES
from jupyter_runt.document.cells import sound_cell
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.references import references
from jupyter_runt.errors import CellNotFound
from jupyter_runt.ids import CellId
from jupyter_runt.rooms.room import Room
from jupyter_runt.session.artifacts import NotebookArtifacts
from jupyter_runt.session.projection import SLICE_SECONDS


@dataclass(slots=True)
class _Look:
    asked: CellId
    chosen: frozenset[CellId] | None
    cells: list[CellView] = field(default_factory=list)
    waiting: list[tuple[int, CellId]] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def on(self, doc: NotebookDoc) -> bool:
        """Look at some cells, and tell whether all were seen."""
        if self.waiting is None:
            self._begin(doc)
        until = time.perf_counter() + SLICE_SECONDS
        while self.waiting:
            number, cell_id = self.waiting.pop()
            own = cell_id == self.asked
            if doc.has_cell(cell_id) and (own or not is_hidden(doc.metadata(cell_id))):
                self.cells.append(
                    CellView(number, sound_cell(doc.cell(cell_id)), doc.cell_type(cell_id))
                )
            if time.perf_counter() >= until:
                break
        return not self.waiting

    def _begin(self, doc: NotebookDoc) -> None:
        if not doc.has_cell(self.asked):
            raise CellNotFound("The cell was deleted.", cell_ids=[self.asked])
        numbered = list(enumerate(doc.cell_ids, 1))
        place = doc.cell_ids.index(self.asked)
        if self.chosen is None:
            about = numbered[:place]
        else:
            about = [(n, each) for n, each in numbered if each in self.chosen and n != place + 1]
        self.waiting = [numbered[place], *about[::-1]]
        self.metadata = doc.notebook_metadata()


async def view_of(
    room: Room[NotebookDoc], cell_id: CellId, chosen: Collection[CellId] | None = None
) -> tuple[NotebookView, Any]:
    """Return what a turn of a cell may be shown, and what the notebook says of its limits.

    Args:
        chosen: the cells that it is about, in place of those above.

    Raises:
        CellNotFound: the cell is gone.
        RoomClosed: the notebook closes.
    """
    look = _Look(cell_id, None if chosen is None else frozenset(chosen))
    while not await room.read(look.on):
        pass
    if not look.cells or look.cells[-1].cell_id != cell_id:
        raise CellNotFound("The cell was deleted.", cell_ids=[cell_id])
    runt = look.metadata.get("runt")
    own: Mapping[str, Any] = runt if isinstance(runt, Mapping) else {}
    instructions = own.get("instructions")
    view = NotebookView(
        shown=look.cells[:-1],
        asked=look.cells[-1],
        chosen=chosen is not None,
        instructions=instructions if isinstance(instructions, str) else "",
    )
    return view, own.get("ai")


async def with_pictures(
    view: NotebookView, artifacts: NotebookArtifacts, most: int
) -> NotebookView:
    """Return a view whose last pictures, `most` at least, are there and not beside the document."""
    shown = list(view.shown)
    for index in reversed(range(len(shown))):
        if most <= 0:
            break
        outputs = list(shown[index].cell.get("outputs") or ())
        beside = [place for place, output in enumerate(outputs) if _is_beside(output)]
        if beside:
            cell = {"cell_type": "code", "outputs": [outputs[place] for place in beside]}
            completed = await artifacts.complete({"cells": [cell]})
            for place, whole in zip(beside, completed["cells"][0]["outputs"], strict=True):
                outputs[place] = whole
            shown[index] = replace(shown[index], cell={**shown[index].cell, "outputs": outputs})
        most -= sum(map(_has_picture, outputs))
    return replace(view, shown=shown)


def _is_beside(output: Any) -> bool:
    return any(artifact.mime in IMAGE_TYPES for artifact in references(output))


def _has_picture(output: Any) -> bool:
    data = output.get("data") if isinstance(output, Mapping) else None
    return isinstance(data, Mapping) and not set(IMAGE_TYPES).isdisjoint(data)
