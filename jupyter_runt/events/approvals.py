"""What happened around calls of tools that people decide about."""

from typing import Literal

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


class ApprovalDecided(Payload):
    """A call waits no more: it was decided about, nobody did in time, or it fits no more."""

    event_name = "v1.ApprovalDecided"

    call_id: str
    turn_id: TurnId
    decision: Settlement
    by: ActorId | None
    """None where nobody did."""
    reason: str | None = None
