"""What happened in the turns of the AI."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from jupyter_runt.events.base import Payload
from jupyter_runt.ids import ActorId, CellId, ExecutionId, Seq, TurnId

Effect = Literal["read", "edit", "execute", "files", "external"]
"""What a call of a tool may do at most; the policy knows nothing else of a tool."""

ToolStatus = Literal["ok", "error", "denied"]
TurnEnd = Literal["ok", "error", "cancelled", "lost", "limit"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Usage(_Part):
    """What a turn cost, as its provider counted; of a provider that does not, nothing is known."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    """In the currency of the configured prices."""


class ShownImage(_Part):
    """A picture that a model was given: an output of a cell, of this size by then."""

    cell_id: CellId
    output: int
    mime_type: str
    width: int
    height: int


class ShownMessage(_Part):
    """A message that a model was given."""

    role: Literal["system", "user", "assistant"]
    text: str
    cells: tuple[CellId, ...] = ()
    """Those that it tells of."""
    images: tuple[ShownImage, ...] = ()


class LeftOut(_Part):
    """What a model was not given of a cell, since it was too long."""

    cell_id: CellId
    what: Literal["shortened", "outputs", "source shortened", "everything"]


class TurnStarted(Payload):
    """Somebody asked what is in a cell, exactly as it stood at `document_seq`."""

    event_name = "v1.TurnStarted"

    turn_id: TurnId
    cell_id: CellId
    prompt: str
    model: str | None
    """The one that the cell or the notebook names."""
    document_seq: Seq
    requested_by: ActorId
    after: tuple[ExecutionId, ...] = ()
    """Executions that were asked for before it in one gesture: it sees what they put out."""
    cells: tuple[CellId, ...] | None = None
    """Those that it is about; None: the ones above its own."""


class TurnContextGiven(Payload):
    """What the model was given, before anything that it said or called for."""

    event_name = "v1.TurnContextGiven"

    turn_id: TurnId
    model: str
    messages: tuple[ShownMessage, ...]
    tools: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    chosen: tuple[CellId, ...] | None = None
    """The cells that it was asked about; None: those above its own."""
    tokens: int
    """How long it is at most, by our own estimate."""
    budget: int
    tainted: bool


class TurnTextAppended(Payload):
    """The model wrote more of its answer."""

    event_name = "v1.TurnTextAppended"

    turn_id: TurnId
    text: str


class ToolCallRequested(Payload):
    """The model called a tool."""

    event_name = "v1.ToolCallRequested"

    turn_id: TurnId
    call_id: str
    tool: str
    effect: Effect
    arguments: str
    """As the model wrote them, which is JSON if all is well."""


class ToolCallCompleted(Payload):
    """The model was told what its call led to."""

    event_name = "v1.ToolCallCompleted"

    turn_id: TurnId
    call_id: str
    status: ToolStatus
    result: str
    tainted: bool = False


class TurnCompleted(Payload):
    """It ended, and its answer is in the cell."""

    event_name = "v1.TurnCompleted"

    turn_id: TurnId
    status: TurnEnd
    error: str | None = None
    """Why it did not end well, for people."""
    usage: Usage | None = None
    by: ActorId | None = None
    """Who cancelled it."""


class TurnUndone(Payload):
    """Somebody took back what it changed."""

    event_name = "v1.TurnUndone"

    turn_id: TurnId
