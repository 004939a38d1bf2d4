"""What people, agents and programs can ask for: imperative, typed, one door for all of them."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jupyter_runt.errors import InvalidCommand
from jupyter_runt.ids import CellId, CommandId, ExecutionId, Seq, TurnId

CellType = Literal["code", "markdown", "raw", "ai", "sql"]


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    command_id: CommandId | None = Field(default=None, min_length=1, max_length=128)
    """Repeating it returns the first reply and does nothing twice."""

    state_vector: str | None = None
    """Base64 of the Yjs state vector of what the sender had seen or typed."""


class ExecuteCells(_Command):
    """Run code cells, in this order, and ask AI cells, as they stand."""

    type: Literal["execute_cells"]
    cell_ids: tuple[CellId, ...] = Field(min_length=1)
    stop_on_error: bool = True
    expected_revisions: dict[CellId, str] | None = None
    """SHA-256 (hex) of the sources that are to run, by cell: nothing runs if one is another."""


class RunAll(_Command):
    """Run every code cell from the top."""

    type: Literal["run_all"]
    stop_on_error: bool = True


class RestartAndRunAll(_Command):
    """Restart the kernel, then run every code cell from the top."""

    type: Literal["restart_and_run_all"]
    stop_on_error: bool = True


class CancelExecutions(_Command):
    """Take executions (all, by default) from the queue, and interrupt the one that runs."""

    type: Literal["cancel_executions"]
    execution_ids: tuple[ExecutionId, ...] | None = None


class InterruptRuntime(_Command):
    """Interrupt the kernel, as Jupyter's stop button does."""

    type: Literal["interrupt_runtime"]


class RestartRuntime(_Command):
    """Restart the kernel; what runs or waits is cancelled."""

    type: Literal["restart_runtime"]


class StartRuntime(_Command):
    """Start the notebook's kernel, or return the one that it has."""

    type: Literal["start_runtime"]
    kernel_name: str | None = None


class StopRuntime(_Command):
    """Shut the kernel down."""

    type: Literal["stop_runtime"]


class EvictRuntime(_Command):
    """Take ownership from a runtime that no longer answers."""

    type: Literal["evict_runtime"]


class ClearOutputs(_Command):
    """Remove the outputs of cells (all, by default)."""

    type: Literal["clear_outputs"]
    cell_ids: tuple[CellId, ...] | None = None


class ReplyInput(_Command):
    """Answer the kernel's prompt. The value is never recorded."""

    type: Literal["reply_input"]
    execution_id: ExecutionId
    value: str = Field(repr=False)


class CreateCell(_Command):
    """Insert a cell after another one, at the top where `after` is null."""

    type: Literal["create_cell"]
    cell_type: CellType
    source: str = ""
    after: CellId | None = None


class Replacement(BaseModel):
    """One search and replace in a cell's source; `old` must be there exactly once."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    old: str = Field(min_length=1)
    new: str


class EditCell(_Command):
    """Change a cell's source, by replacements or as a whole."""

    type: Literal["edit_cell"]
    cell_id: CellId
    replacements: tuple[Replacement, ...] | None = None
    source: str | None = None
    expected_revision: str | None = None
    """SHA-256 (hex) of the source that the sender edited."""


class MoveCell(_Command):
    """Put a cell after another one, at the top where `after` is null."""

    type: Literal["move_cell"]
    cell_id: CellId
    after: CellId | None


class DeleteCells(_Command):
    """Delete cells."""

    type: Literal["delete_cells"]
    cell_ids: tuple[CellId, ...] = Field(min_length=1)


class SetCellType(_Command):
    """Make a cell one of another type; its source stays."""

    type: Literal["set_cell_type"]
    cell_id: CellId
    cell_type: CellType


class SetContextVisibility(_Command):
    """Show cells to the AI, or hide them from it."""

    type: Literal["set_context_visibility"]
    cell_ids: tuple[CellId, ...] = Field(min_length=1)
    visible: bool


class SetCellVisibility(_Command):
    """Fold or unfold a cell's source or outputs."""

    type: Literal["set_cell_visibility"]
    cell_ids: tuple[CellId, ...] = Field(min_length=1)
    source_hidden: bool | None = None
    outputs_hidden: bool | None = None


class RestoreVersion(_Command):
    """Bring the notebook (or some cells alone) back to how it was at `seq`, as a new change."""

    type: Literal["restore_version"]
    seq: Seq = Field(ge=1)
    cell_ids: tuple[CellId, ...] | None = Field(default=None, min_length=1)


class UndoChange(_Command):
    """Take back what the event `seq` did to the notebook; what was written since stays."""

    type: Literal["undo_change"]
    seq: Seq = Field(ge=2)


class KeepVersion(_Command):
    """Keep in the history how cells read that did not come into the notebook."""

    type: Literal["keep_version"]
    texts: dict[CellId, str] = Field(min_length=1)


class Ask(_Command):
    """Have the AI answer what an AI cell says."""

    type: Literal["ask"]
    cell_id: CellId
    cells: tuple[CellId, ...] | None = Field(default=None, max_length=1000)
    """Those that the model is shown; None: the cells above. Hidden ones it is never shown."""


class CancelTurn(_Command):
    """End an answer of the AI where it is."""

    type: Literal["cancel_turn"]
    turn_id: TurnId


class UndoTurn(_Command):
    """Take back what an answer of the AI did to the notebook; what others wrote stays."""

    type: Literal["undo_turn"]
    turn_id: TurnId


class DecideApproval(_Command):
    """Decide about a call of the AI, exactly as it was shown."""

    type: Literal["decide_approval"]
    call_id: str
    decision: Literal["once", "always", "deny"]
    arguments_hash: str
    nonce: str = Field(repr=False)
    reason: str | None = Field(default=None, max_length=2000)
    """Of a denial, for the AI."""
    answer: str | None = Field(default=None, max_length=10_000)
    """To a question of the AI."""


class RevokeApprovals(_Command):
    """Be asked again before the AI calls tools that the sender always allows in this notebook."""

    type: Literal["revoke_approvals"]
    tools: tuple[str, ...] | None = None
    """Their names; None: all."""


Command = Annotated[
    ExecuteCells
    | RunAll
    | RestartAndRunAll
    | CancelExecutions
    | InterruptRuntime
    | RestartRuntime
    | StartRuntime
    | StopRuntime
    | EvictRuntime
    | ClearOutputs
    | ReplyInput
    | CreateCell
    | EditCell
    | MoveCell
    | DeleteCells
    | SetCellType
    | SetContextVisibility
    | SetCellVisibility
    | RestoreVersion
    | UndoChange
    | KeepVersion
    | Ask
    | CancelTurn
    | UndoTurn
    | DecideApproval
    | RevokeApprovals,
    Field(discriminator="type"),
]

_ADAPTER: Final[TypeAdapter[Command]] = TypeAdapter(Command)


def parse_command(body: bytes) -> Command:
    """Return the command in a JSON body.

    Raises:
        InvalidCommand: it is not JSON or not a command; `detail.errors` names each wrong field.
    """
    try:
        return _ADAPTER.validate_json(body)
    except ValidationError as error:
        problems = [
            {"field": _field(item["loc"], item["type"]), "message": item["msg"]}
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        first = problems[0]
        where = f"{first['field']}: " if first["field"] else ""
        raise InvalidCommand(f"{where}{first['message']}", errors=problems) from error


def _field(loc: tuple[int | str, ...], kind: str) -> str:
    if kind.startswith("union_tag"):
        return "type"
    return ".".join(str(part) for part in loc[1:])  # the first part is the command's type


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of all commands, for the front end's types."""
    return _ADAPTER.json_schema()
