"""Document commands as edits of a NotebookDoc; each checks everything before it changes it."""

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, Final

from jupyter_runt.commands import (
    ClearOutputs,
    Command,
    CreateCell,
    DeleteCells,
    EditCell,
    KeepVersion,
    MoveCell,
    RestoreVersion,
    SetCellType,
    SetCellVisibility,
    SetContextVisibility,
    UndoChange,
    UndoTurn,
)
from jupyter_runt.document.cells import object_in
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import CellNotFound, InvalidCommand, StaleRevision
from jupyter_runt.ids import CellId

Intent = Callable[[NotebookDoc, Any], None]


def apply_intent(doc: NotebookDoc, command: Command) -> None:
    """Make the edit that a document command asks for; call it inside the room's edit.

    Raises:
        CellNotFound: it names a cell that is not there.
        StaleRevision: the cell's source is no longer what the sender edited.
        InvalidCommand: a search text is not there exactly once, or the edit says nothing.
    """
    INTENTS[type(command)](doc, command)


def _require(doc: NotebookDoc, cell_ids: Iterable[CellId]) -> None:
    missing = [cell_id for cell_id in cell_ids if not doc.has_cell(cell_id)]
    if missing:
        raise CellNotFound(f"There is no cell {missing[0]}.", cell_ids=missing)


def _create_cell(doc: NotebookDoc, command: CreateCell) -> None:
    if command.after is not None:
        _require(doc, [command.after])
    doc.create_cell(command.cell_type, command.source, command.after)


def _edit_cell(doc: NotebookDoc, command: EditCell) -> None:
    _require(doc, [command.cell_id])
    revision = doc.revision(command.cell_id)
    if command.expected_revision not in (None, revision):
        raise StaleRevision("The cell was edited meanwhile.", revision=revision)
    doc.replace_source(command.cell_id, _edited(doc.source(command.cell_id), command))


def _edited(source: str, command: EditCell) -> str:
    if (command.source is None) == (command.replacements is None):
        raise InvalidCommand(
            "An edit has either a source or replacements.",
            errors=[{"field": "source", "message": "give exactly one of source, replacements"}],
        )
    if command.source is not None:
        return command.source
    for index, replacement in enumerate(command.replacements or ()):
        found = source.count(replacement.old)
        if found != 1:
            raise InvalidCommand(
                f"The text to replace is there {found} times; it must be there exactly once.",
                errors=[{"field": f"replacements.{index}.old", "message": f"found {found} times"}],
            )
        source = source.replace(replacement.old, replacement.new)
    return source


def _move_cell(doc: NotebookDoc, command: MoveCell) -> None:
    _require(doc, [command.cell_id] if command.after is None else [command.cell_id, command.after])
    if command.after == command.cell_id:
        raise InvalidCommand(
            "A cell cannot go after itself.",
            errors=[{"field": "after", "message": "is the cell itself"}],
        )
    doc.move_cell(command.cell_id, command.after)


def _delete_cells(doc: NotebookDoc, command: DeleteCells) -> None:
    _require(doc, command.cell_ids)
    doc.delete_cells(command.cell_ids)


def _set_cell_type(doc: NotebookDoc, command: SetCellType) -> None:
    _require(doc, [command.cell_id])
    doc.set_cell_type(command.cell_id, command.cell_type)


def _set_context_visibility(doc: NotebookDoc, command: SetContextVisibility) -> None:
    _require(doc, command.cell_ids)
    for cell_id in command.cell_ids:
        runt = object_in(doc.metadata(cell_id), "runt")
        runt.pop("context_hidden", None)
        if not command.visible:
            runt["context_hidden"] = True
        doc.update_cell_metadata(cell_id, {"runt": runt or None})


def _set_cell_visibility(doc: NotebookDoc, command: SetCellVisibility) -> None:
    _require(doc, command.cell_ids)
    wanted = {
        "source_hidden": command.source_hidden,
        "outputs_hidden": command.outputs_hidden,
    }
    for cell_id in command.cell_ids:
        hidden = object_in(doc.metadata(cell_id), "jupyter")
        hidden.update({key: value for key, value in wanted.items() if value is not None})
        shown = {key: value for key, value in hidden.items() if value is not False}
        doc.update_cell_metadata(cell_id, {"jupyter": shown or None})


def _clear_outputs(doc: NotebookDoc, command: ClearOutputs) -> None:
    if command.cell_ids is not None:
        _require(doc, command.cell_ids)
    doc.clear_outputs(outputs_to_clear(doc, command))


def outputs_to_clear(doc: NotebookDoc, command: ClearOutputs) -> tuple[CellId, ...]:
    """Return the cells whose outputs the command clears."""
    named = doc.cell_ids if command.cell_ids is None else command.cell_ids
    return tuple(cell_id for cell_id in named if doc.cell_type(cell_id) not in ("markdown", "raw"))


INTENTS: Final[MappingProxyType[type, Intent]] = MappingProxyType(
    {
        CreateCell: _create_cell,
        EditCell: _edit_cell,
        MoveCell: _move_cell,
        DeleteCells: _delete_cells,
        SetCellType: _set_cell_type,
        SetContextVisibility: _set_context_visibility,
        SetCellVisibility: _set_cell_visibility,
        ClearOutputs: _clear_outputs,
    }
)

EDITS: Final = frozenset({*INTENTS, RestoreVersion, UndoChange, UndoTurn, KeepVersion})
"""Every command about the document. What to restore must be read from the log first."""
