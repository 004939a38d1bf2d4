"""Commands that write outputs other than the kernel's: their edits are made on a copy (EX9)."""

from collections.abc import Callable

from jupyter_runt.commands import Command, MoveCell, RestoreVersion, UndoChange, UndoTurn
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.restore import restore, take_back
from jupyter_runt.errors import InvalidCommand
from jupyter_runt.ids import NotebookId, Seq, new_id
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.history import notebook_at, restorable
from jupyter_runt.session.intents import apply_intent
from jupyter_runt.session.turns.undo import turn_undone, undo_cause

MadeApart = MoveCell | RestoreVersion | UndoChange | UndoTurn


async def made_apart(
    command: MadeApart, log: EventLog, notebook_id: NotebookId
) -> Callable[[NotebookDoc], None]:
    """Return the edit of a command.

    Raises:
        InvalidCommand: the log does not reach to what the command names.
        TurnNotFound, Conflict: as `turn_undone`.
        Compacted: the history of that moment was folded away.
    """
    match command:
        case MoveCell():
            return lambda doc: apply_intent(doc, command)
        case RestoreVersion():
            then = await restorable(log, notebook_id, command.seq)
            if then is None:
                raise _unknown_seq(command.seq)
            return lambda doc: restore(doc, then, command.cell_ids)
        case UndoChange():
            if command.seq > await log.head(notebook_id):
                raise _unknown_seq(command.seq)
            before = await notebook_at(log, notebook_id, Seq(command.seq - 1), always_ids=True)
            after = await notebook_at(log, notebook_id, command.seq, always_ids=True)
            return lambda doc: take_back(doc, before, after)
        case UndoTurn():
            return await turn_undone(log, notebook_id, command.turn_id)


def cause_of(command: Command) -> str:
    """Return what the events of a command say of it; the same when it is sent again."""
    if isinstance(command, UndoTurn):
        return undo_cause(command.turn_id)
    name = command.command_id or new_id()
    if (seq := _goes_back_to(command)) is not None:
        return f"restore:{seq}:{name}"
    return f"command:{name}"


def _goes_back_to(command: Command) -> Seq | None:
    """Return which moment a command restores, if it does."""
    match command:
        case RestoreVersion():
            return command.seq
        case UndoChange():
            return Seq(command.seq - 1)
        case _:
            return None


def _unknown_seq(seq: Seq) -> InvalidCommand:
    return InvalidCommand(
        f"The notebook has no version {seq}.",
        errors=[{"field": "seq", "message": "is above the last event"}],
    )
