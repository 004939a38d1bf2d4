"""What happened around calls of tools that people decide about."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from jupyter_runt.events.agent import Effect
from jupyter_runt.events.base import Payload
from jupyter_runt.ids import ActorId, CellId, TurnId

Decision = Literal["once", "always", "deny"]
Settlement = Decision | Literal["expired", "withdrawn"]


class ApprovalRequested(Payload):
    """A call waits until who asked for its turn decides about it."""

    event_name = "v1.ApprovalRequested"

    call_id: str
    turn_id: TurnId
    cell_id: CellId
    tool: str
    effect: Effect
    arguments_hash: str
    """SHA-256 (hex) of what is decided about: the call, and all that it shows."""
    requested_by: ActorId
    """Who may decide: nobody else."""
    expires_at: str


class Always(BaseModel):
    """What somebody is not asked about again in the notebook."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    effect: Effect
    fingerprint: str = ""
    """Of a function that the notebook offers: it holds for this code."""


class ApprovalDecided(Payload):
    """A call waits no more: it was decided about, nobody did in time, or it fits no more."""

    event_name = "v1.ApprovalDecided"

    call_id: str
    turn_id: TurnId
    decision: Settlement
    by: ActorId | None
    """None where nobody did."""
    reason: str | None = None
    always: Always | None = None
    """What they always allow from now on."""


class ApprovalRevoked(Payload):
    """Somebody wants to be asked again before a tool is called that they always allowed."""

    event_name = "v1.ApprovalRevoked"

    by: ActorId
    tool: str
