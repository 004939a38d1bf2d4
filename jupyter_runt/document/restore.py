"""Bringing a notebook, or some of its cells, back to how it was."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from jupyter_runt.document.cells import sound_cell
from jupyter_runt.document.match import match_cells
from jupyter_runt.document.merge import merge_notebook
from jupyter_runt.document.notebook import IDS_SINCE, NotebookDoc
from jupyter_runt.document.rewrite import rewrite_minor
from jupyter_runt.document.takeback import taken_back
from jupyter_runt.errors import CellNotFound
from jupyter_runt.ids import CellId, new_id

Notebook = Mapping[str, Any]


def restore(doc: NotebookDoc, then: Notebook, cell_ids: Collection[CellId] | None = None) -> None:
    """Make a notebook read as `then`, writing only what differs; call it inside `transact`.

    A cell that runs keeps its outputs. Takes time, so call it in a thread.

    Args:
        then: the notebook as nbformat 4 has it in memory; cells may lack ids, and are then known
            by what they say.
        cell_ids: bring back these cells alone. One that was deleted comes back beside its old
            neighbours; one that is still there stays where it is.

    Raises:
        CellNotFound: there was no such cell then; nothing was changed.
    """
    now = sound(doc.notebook(always_ids=True))
    then = sound(then)
    named = all(cell.get("id") for cell in then["cells"])
    wanted = then if cell_ids is None else _with_cells(now, then, cell_ids)
    merge_notebook(_comparable(now, named=named), _comparable(wanted, named=named))(doc)
    if cell_ids is None:
        rewrite_minor(doc, then["nbformat_minor"])


def take_back(doc: NotebookDoc, before: Notebook, after: Notebook) -> None:
    """Take back what led from `before` to `after`; call it inside `transact`.

    What was changed since stays, also where it is in the way. Takes time: call it in a thread.

    Args:
        before: the notebook as nbformat 4 has it in memory, its cells with ids; so is `after`.
    """
    merge_notebook(_comparable(sound(after), named=True), _comparable(sound(before), named=True))(
        doc
    )


def take_back_edits(doc: NotebookDoc, steps: Sequence[tuple[Notebook, Notebook]]) -> None:
    """Take back what somebody wrote in several steps, the last one first; call it as `take_back`.

    Only sources and cells go back, not what came of running them. Lines that others wrote into a
    cell stay, and so does a cell that was made in a step and has such lines.

    Args:
        steps: the notebook before and after each.
    """
    for before, after in reversed(steps):
        olds, news = _cells_of(before), _cells_of(after)
        for cell_id, cell in news.items():
            _take_back_source(doc, cell_id, olds.get(cell_id), str(cell["source"]))
        kept = [news.get(cell["id"], cell) for cell in before["cells"]]
        left = [cell for cell in after["cells"] if cell["id"] in olds]
        take_back(doc, {**after, "cells": kept}, {**after, "cells": left})


def _cells_of(notebook: Notebook) -> dict[CellId, Any]:
    return {cell["id"]: cell for cell in notebook["cells"]}


def _take_back_source(
    doc: NotebookDoc, cell_id: CellId, old: Mapping[str, Any] | None, written: str
) -> None:
    """Take back what was written in a cell; one that was made then goes if nothing is left."""
    before = "" if old is None else str(old["source"])
    if (before == written and old is not None) or not doc.has_cell(cell_id):
        return
    now = doc.source(cell_id)
    source = taken_back(before, written, now)
    if old is None and not source.strip():
        doc.delete_cells([cell_id])
    elif source != now:
        doc.replace_source(cell_id, source)


def sound(notebook: Notebook) -> dict[str, Any]:
    """Return a notebook whose cells have what nbformat asks of them, whoever wrote it."""
    return {**notebook, "cells": [sound_cell(cell) for cell in notebook["cells"]]}


def _comparable(notebook: Notebook, *, named: bool) -> Notebook:
    """Return a notebook of a version that says whether its cells can be known by their ids."""
    minor = notebook["nbformat_minor"]
    since = IDS_SINCE[1]
    return {**notebook, "nbformat_minor": max(minor, since) if named else min(minor, since - 1)}


def _with_cells(now: Notebook, then: Notebook, cell_ids: Collection[CellId]) -> Notebook:
    """Return `now` with some cells as they were `then`."""
    past = _by_id(now["cells"], then["cells"])
    if missing := [cell_id for cell_id in cell_ids if cell_id not in past]:
        raise CellNotFound(f"There was no cell {missing[0]} then.", cell_ids=missing)
    order = {cell_id: index for index, cell_id in enumerate(past)}
    cells = list(now["cells"])
    for cell_id in sorted(set(cell_ids), key=order.__getitem__):
        here = {cell["id"]: index for index, cell in enumerate(cells)}
        if cell_id in here:
            cells[here[cell_id]] = past[cell_id]
        else:
            cells.insert(_place(order[cell_id], list(order), here), past[cell_id])
    return {**now, "cells": cells}


def _by_id(now: Sequence[Any], then: Sequence[Any]) -> dict[CellId, Any]:
    """Return the cells of `then`, in order, by the ids that they have now, or else had."""
    cells = [{**cell, "id": cell.get("id") or new_id()} for cell in then]
    if [cell["id"] for cell in cells] != [cell.get("id") for cell in then]:
        matching = match_cells(now, cells, anonymous=True)
        known = {**matching.similar, **matching.same}
        cells = [{**cell, "id": known.get(index, cell["id"])} for index, cell in enumerate(cells)]
    return {cell["id"]: cell for cell in cells}


def _place(was: int, order: Sequence[CellId], here: Mapping[CellId, int]) -> int:
    """Return where a cell that was at `was` goes: after the one before it, or before the next."""
    for cell_id in reversed(order[:was]):
        if cell_id in here:
            return here[cell_id] + 1
    return next((here[cell_id] for cell_id in order[was + 1 :] if cell_id in here), len(here))
