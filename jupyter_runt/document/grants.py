"""What people always allow the AI in a notebook, from events alone; pure, as all materializers."""

from dataclasses import asdict, dataclass
from typing import Any

from jupyter_runt.events.agent import Effect
from jupyter_runt.events.approvals import ApprovalDecided, ApprovalRevoked
from jupyter_runt.events.base import Event, Payload
from jupyter_runt.ids import ActorId


@dataclass(frozen=True, slots=True)
class Grant:
    """A tool that somebody is not asked about."""

    by: ActorId
    tool: str
    effect: Effect
    fingerprint: str
    since: str
    """ISO 8601 UTC."""


Grants = tuple[Grant, ...]
"""Of a person and a tool, one at most."""


def to_json(grants: Grants) -> list[dict[str, Any]]:
    """Return grants as JSON, for a snapshot."""
    return [asdict(grant) for grant in grants]


def from_json(data: list[dict[str, Any]]) -> Grants:
    """Return what `to_json` gave."""
    return tuple(Grant(**each) for each in data)


def advance(grants: Grants, event: Event, payload: Payload) -> Grants:
    """Return the grants after an event: the last word of a person about a tool holds."""
    match payload:
        case ApprovalDecided(by=str(by), always=always) if always is not None:
            grant = Grant(by, always.tool, always.effect, always.fingerprint, event.recorded_at)
            return (*_without(grants, by, always.tool), grant)
        case ApprovalRevoked():
            return _without(grants, payload.by, payload.tool)
        case _:
            return grants


def _without(grants: Grants, by: ActorId, tool: str) -> Grants:
    return tuple(each for each in grants if (each.by, each.tool) != (by, tool))
