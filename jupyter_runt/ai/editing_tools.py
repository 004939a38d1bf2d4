"""Tools that change the notebook: by the commands that people send."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, Literal

from pydantic import Field

from jupyter_runt.ai.arguments import Arguments, Strings
from jupyter_runt.ai.excerpts import PAGE, diff, head_and_tail
from jupyter_runt.ai.visible import VisibleCell, known_cell, known_cells, look, short
from jupyter_runt.ai.workplace import Outcome, Tool, Work
from jupyter_runt.commands import CreateCell as Create
from jupyter_runt.commands import DeleteCells as Delete
from jupyter_runt.commands import EditCell as Edit
from jupyter_runt.commands import MoveCell as Move
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import InvalidCommand, StaleRevision
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import CellCreated, DocumentUpdated
from jupyter_runt.ids import CellId

TRIES: Final = 3
"""Edits of other people that a search and replace may meet."""

AFTER: Final = "Id of the cell to put it after, TOP or BOTTOM"
REV: Final = "The revision (rev) that you edit; the edit fails if there is another one by now."


class CreateCell(Arguments):
    """A new cell."""

    cell_type: Literal["code", "markdown", "raw"] = Field(default="code", description="Its type.")
    source: str = Field(description="Its text.")
    after: str = Field(
        default="", description=f"{AFTER}; null: below your answer and the cells that you made."
    )


async def create_cell(work: Work, arguments: CreateCell) -> Outcome:
    """Make a cell."""
    after = await work.place.read(lambda doc: _place(doc, work, arguments.after))
    kind, source = arguments.cell_type, arguments.source
    events = await work.place.perform(
        Create(type="create_cell", cell_type=kind, source=source, after=after)
    )
    cell_id, revision = _created(events), _revision(source)
    if after in (work.place.cell_id, *work.made):
        work.made.append(cell_id)
    work.seen[cell_id] = revision
    return Outcome(f"Made cell {cell_id} (rev={short(revision)}).")


def _revision(source: str) -> str:
    return sha256(source.encode(errors="surrogatepass")).hexdigest()


def _place(doc: NotebookDoc, work: Work, after: str) -> CellId | None:
    """Return the cell that something is to go after, None for the top."""
    match after.upper():
        case "TOP":
            return None
        case "BOTTOM":
            return doc.cell_ids[-1] if doc.cell_ids else None
    if after:
        return known_cell(doc, after)
    near = [cell_id for cell_id in (work.place.cell_id, *work.made) if doc.has_cell(cell_id)]
    return near[-1] if near else (doc.cell_ids[-1] if doc.cell_ids else None)


def _created(events: Sequence[Event]) -> CellId:
    changes = [
        change
        for event in events
        if isinstance(event.payload, DocumentUpdated)
        for change in event.payload.changes
    ]
    return next(change.cell_id for change in changes if isinstance(change, CellCreated))


async def show_new(_work: Work, arguments: CreateCell) -> str:
    """Return the text of a cell that is to be made."""
    return arguments.source


class EditCell(Arguments):
    """A search and replace."""

    cell_id: str = Field(description="Id of the cell.")
    old: str = Field(min_length=1, description="Text to replace: exactly as it is, and unique.")
    new: str = Field(description="What to put in its place.")
    replace_all: bool = Field(default=False, description="Whether to replace it everywhere.")
    expected_rev: str = Field(default="", description=REV)


async def show_edit(work: Work, arguments: EditCell) -> str:
    """Return which lines would be replaced by which."""
    cell = await _editable(work, arguments.cell_id)
    return diff(cell.source, cell.source.replace(arguments.old, arguments.new), whole=True)


async def edit_cell(work: Work, arguments: EditCell) -> Outcome:
    """Replace a text in a cell; edits of other people elsewhere in it are no obstacle."""
    for attempt in range(TRIES):
        cell = await _editable(work, arguments.cell_id)
        _expect(cell, arguments.expected_rev)
        found = cell.source.count(arguments.old)
        if found == 0 or (found > 1 and not arguments.replace_all):
            said = frozenset[CellId]() if found else frozenset({cell.cell_id})
            return Outcome(_not_once(cell, found), sources=said, failed=True)
        source = cell.source.replace(arguments.old, arguments.new)
        try:
            return await _rewrite(work, cell, source)
        except StaleRevision:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")


def _not_once(cell: VisibleCell, found: int) -> str:
    if found:
        return f"That text is there {found} times: give more of it, or set replace_all."
    source = head_and_tail(cell.source, PAGE, "search_cells finds lines in it")
    return f"That text is not there. The cell reads (rev={short(cell.revision)}):\n{source}"


class ReplaceCell(Arguments):
    """A whole new text."""

    cell_id: str = Field(description="Id of the cell.")
    source: str = Field(description="Its new text, all of it.")
    expected_rev: str = Field(default="", description=REV)


async def show_replacement(work: Work, arguments: ReplaceCell) -> str:
    """Return which lines would be replaced by which."""
    cell = await _editable(work, arguments.cell_id)
    return diff(cell.source, arguments.source, whole=True)


async def replace_cell(work: Work, arguments: ReplaceCell) -> Outcome:
    """Replace all of a cell's text, if it is what the model knows."""
    cell = await _editable(work, arguments.cell_id)
    if arguments.expected_rev:
        _expect(cell, arguments.expected_rev)
    else:
        await _expect_known(work, cell)
    return await _rewrite(work, cell, arguments.source)


async def _editable(work: Work, name: str) -> VisibleCell:
    (cell,) = await work.place.read(lambda doc: look(doc, [known_cell(doc, name)]))
    if cell.cell_id == work.place.cell_id:
        raise InvalidCommand("You answer in that cell: what is asked there stays.")
    return cell


async def _is_known(work: Work, cell: VisibleCell) -> bool:
    """Tell whether the model knows a cell as it is."""
    if cell.cell_id in work.seen:
        return work.seen[cell.cell_id] == cell.revision
    return not await work.place.touched(cell.cell_id)


async def _expect_known(work: Work, cell: VisibleCell) -> None:
    """Raise StaleRevision if the model does not know a cell as it is."""
    if not await _is_known(work, cell):
        raise _stale(cell)


def _expect(cell: VisibleCell, revision: str) -> None:
    """Raise StaleRevision if a cell is of another revision."""
    if not cell.revision.startswith(revision):
        raise _stale(cell)


def _stale(cell: VisibleCell) -> StaleRevision:
    now = short(cell.revision)
    return StaleRevision(
        f"Cell {cell.cell_id} was edited meanwhile (rev={now}): read_cells shows it as it is.",
        revision=cell.revision,
    )


async def _rewrite(work: Work, cell: VisibleCell, source: str) -> Outcome:
    command: dict[str, Any] = {"expected_revision": cell.revision, "source": source}
    known = await _is_known(work, cell)
    await work.place.perform(Edit(type="edit_cell", cell_id=cell.cell_id, **command))
    revision = _revision(source)
    # Where others wrote in it, that is yet to be read.
    work.seen[cell.cell_id] = revision if known else ""
    note = "" if known else " Others edited it, too: read_cells shows it as it is."
    changed = diff(cell.source, source) or "[nothing changed]"
    told = f"Cell {cell.cell_id} is now rev={short(revision)}.{note}\n{changed}"
    return Outcome(told, sources=frozenset({cell.cell_id}))  # the lines around it are told, too


class DeleteCells(Arguments):
    """Which cells."""

    cell_ids: Strings = Field(min_length=1, max_length=50, description="Ids of cells.")


async def show_deleted(work: Work, arguments: DeleteCells) -> str:
    """Return what would go."""
    cells = await work.place.read(lambda doc: look(doc, known_cells(doc, arguments.cell_ids)))
    return "\n\n".join(diff(cell.source, "", whole=True) for cell in cells)


async def delete_cells(work: Work, arguments: DeleteCells) -> Outcome:
    """Delete cells that are what the model knows; never the one that is answered."""
    cells = await work.place.read(lambda doc: look(doc, known_cells(doc, arguments.cell_ids)))
    if any(cell.cell_id == work.place.cell_id for cell in cells):
        return Outcome("You answer in that cell: it stays.", failed=True)
    for cell in cells:
        await _expect_known(work, cell)
    names = tuple(cell.cell_id for cell in cells)
    await work.place.perform(Delete(type="delete_cells", cell_ids=names))
    return Outcome(f"Deleted {', '.join(names)}.")


class MoveCell(Arguments):
    """Where a cell goes."""

    cell_id: str = Field(description="Id of the cell.")
    after: str = Field(description=f"{AFTER}.")


async def move_cell(work: Work, arguments: MoveCell) -> Outcome:
    """Move a cell."""

    def view(doc: NotebookDoc) -> tuple[CellId, CellId | None]:
        cell_id = known_cell(doc, arguments.cell_id)
        others = [each for each in doc.cell_ids if each != cell_id]
        if arguments.after.upper() == "BOTTOM":
            return cell_id, others[-1] if others else None
        return cell_id, _place(doc, work, arguments.after)

    cell_id, after = await work.place.read(view)
    await work.place.perform(Move(type="move_cell", cell_id=cell_id, after=after))
    return Outcome(f"Moved {cell_id}.")


EDITING: Final = (
    Tool(
        "create_cell",
        "Make a new cell. It does not run: use run_cells with the id that you get.",
        "edit",
        CreateCell,
        create_cell,
        show=show_new,
    ),
    Tool(
        "edit_cell",
        "Replace a text in a cell by another one; for small changes of longer cells.",
        "edit",
        EditCell,
        edit_cell,
        show=show_edit,
    ),
    Tool(
        "replace_cell",
        "Replace all of a cell's text.",
        "edit",
        ReplaceCell,
        replace_cell,
        show=show_replacement,
    ),
    Tool("delete_cells", "Delete cells.", "edit", DeleteCells, delete_cells, show=show_deleted),
    Tool("move_cell", "Put a cell elsewhere.", "edit", MoveCell, move_cell),
)
