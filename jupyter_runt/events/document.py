"""What happened to a document's content."""

from typing import Annotated, Any, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from jupyter_runt.events.base import Payload
from jupyter_runt.ids import CellId


class _Change(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CellCreated(_Change):
    """A cell appeared at `index`."""

    type: Literal["cell_created"] = "cell_created"
    cell_id: CellId
    cell_type: str
    index: int


class CellDeleted(_Change):
    """A cell went; `index` is where it was."""

    type: Literal["cell_deleted"] = "cell_deleted"
    cell_id: CellId
    index: int


class CellMoved(_Change):
    """A cell went from one place to another in one transaction."""

    type: Literal["cell_moved"] = "cell_moved"
    cell_id: CellId
    from_index: int
    index: int


class CellTypeChanged(_Change):
    """A cell became of another type in place."""

    type: Literal["cell_type_changed"] = "cell_type_changed"
    cell_id: CellId
    cell_type: str


class SourceChanged(_Change):
    """Text of a cell's source was inserted or removed (counts are UTF-8 bytes, as Yjs deltas)."""

    type: Literal["source_changed"] = "source_changed"
    cell_id: CellId
    inserted: int
    removed: int


class OutputsChanged(_Change):
    """A cell's outputs changed."""

    type: Literal["outputs_changed"] = "outputs_changed"
    cell_id: CellId


class ExecutionStateChanged(_Change):
    """A cell's `execution_count` or transient `execution_state` changed."""

    type: Literal["execution_state_changed"] = "execution_state_changed"
    cell_id: CellId


class AttachmentsChanged(_Change):
    """A Markdown or raw cell's attachments changed."""

    type: Literal["attachments_changed"] = "attachments_changed"
    cell_id: CellId


class MetadataChanged(_Change):
    """Keys of a cell's metadata changed, or of the notebook's where `cell_id` is null."""

    type: Literal["metadata_changed"] = "metadata_changed"
    cell_id: CellId | None
    keys: tuple[str, ...]


class TextChanged(_Change):
    """Text of a plain file was inserted or removed (UTF-8 bytes)."""

    type: Literal["text_changed"] = "text_changed"
    inserted: int
    removed: int


class StateChanged(_Change):
    """Keys of the shared `state` map changed: path, dirty, hash."""

    type: Literal["state_changed"] = "state_changed"
    keys: tuple[str, ...]


Change = Annotated[
    CellCreated
    | CellDeleted
    | CellMoved
    | CellTypeChanged
    | SourceChanged
    | OutputsChanged
    | ExecutionStateChanged
    | AttachmentsChanged
    | MetadataChanged
    | TextChanged
    | StateChanged,
    Field(discriminator="type"),
]


KeptReason = Literal["foreign_history", "merge_overlap", "unsent_edits"]


class DocumentUpdated(Payload):
    """A Yjs update, opaque, with the list of changes that it made here."""

    event_name = "v1.DocumentUpdated"

    update: Base64Bytes
    changes: tuple[Change, ...] = ()
    journal_seq: int | None = None
    """Where a kernel made it: all that the journal of its agent has up to there is in here, or in
    an update before. Absent in all other updates."""


class VersionKept(Payload):
    """What somebody had of the document, and could not be brought into it, was kept beside it."""

    event_name = "v1.VersionKept"

    reason: KeptReason
    """A tab of another Yjs history held it, or the file did where both changed the same text, or
    somebody's browser had edits that fit no more.
    """
    message: str
    """What happened, for people."""
    content: dict[str, Any] | str
    """A notebook as nbformat 4 has it in memory, or the text of any other file."""
