"""Which calls of tools wait for a person, from events alone; pure, as all materializers."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from jupyter_runt.document.persistent import PersistentMap
from jupyter_runt.document.turns import Turns, TurnStatus, with_call
from jupyter_runt.events.agent import Effect, TurnCompleted
from jupyter_runt.events.approvals import ApprovalDecided, ApprovalRequested
from jupyter_runt.events.base import Event, Payload
from jupyter_runt.ids import ActorId, CellId, TurnId


@dataclass(frozen=True, slots=True)
class Approval:
    """A call that waits, as everybody may know of it. Times are ISO 8601 UTC."""

    call_id: str
    turn_id: TurnId
    cell_id: CellId
    tool: str
    effect: Effect
    requested_by: ActorId
    requested_at: str
    expires_at: str


Approvals = PersistentMap[str, Approval]
"""By the id of the call."""


def to_json(approvals: Approvals) -> list[dict[str, Any]]:
    """Return approvals as JSON, for a snapshot."""
    return [asdict(approvals[call_id]) for call_id in sorted(approvals)]


def from_json(data: list[dict[str, Any]]) -> Approvals:
    """Return what `to_json` gave."""
    approvals: Approvals = PersistentMap()
    for each in data:
        approvals = approvals.with_item(each["call_id"], Approval(**each))
    return approvals


def advance(
    approvals: Approvals, turns: Turns, event: Event, payload: Payload
) -> tuple[Approvals, Turns]:
    """Return the approvals and the turns after an event: a turn waits while one of its calls does.

    Only calls of turns that go on can wait.
    """
    match payload:
        case ApprovalRequested():
            return _requested(approvals, turns, event, payload)
        case ApprovalDecided():
            waiting = approvals.get(payload.call_id)
            if waiting is None:
                return approvals, turns
            approvals = approvals.without(payload.call_id)
            turns = with_call(turns, waiting.turn_id, payload.call_id, status="running")
            still = any(each.turn_id == waiting.turn_id for each in approvals.values())
            return approvals, _shown(turns, waiting.turn_id, waits=still)
        case TurnCompleted():
            for each in list(approvals.values()):
                if each.turn_id == payload.turn_id:
                    approvals = approvals.without(each.call_id)
            return approvals, turns
        case _:
            return approvals, turns


def _requested(
    approvals: Approvals, turns: Turns, event: Event, payload: ApprovalRequested
) -> tuple[Approvals, Turns]:
    turn = turns.by_id.get(payload.turn_id)
    if turn is None or turn.ended:
        return approvals, turns
    approval = Approval(
        call_id=payload.call_id,
        turn_id=payload.turn_id,
        cell_id=payload.cell_id,
        tool=payload.tool,
        effect=payload.effect,
        requested_by=payload.requested_by,
        requested_at=event.recorded_at,
        expires_at=payload.expires_at,
    )
    turns = with_call(turns, payload.turn_id, payload.call_id, status="waiting")
    return (
        approvals.with_item(payload.call_id, approval),
        _shown(turns, payload.turn_id, waits=True),
    )


def _shown(turns: Turns, turn_id: TurnId, *, waits: bool) -> Turns:
    turn = turns.by_id.get(turn_id)
    if turn is None or turn.ended:
        return turns
    status: TurnStatus = "waiting" if waits else "running"
    return replace(turns, by_id=turns.by_id.with_item(turn_id, replace(turn, status=status)))
