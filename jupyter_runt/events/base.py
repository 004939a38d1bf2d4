"""The envelope that every event travels in."""

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from jupyter_runt.ids import ActorId, NotebookId, Seq


class Payload(BaseModel):
    """What happened. Subclasses name themselves `v<version>.<PastTense>` in `event_name`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_name: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before the log has given it a place."""

    payload: Payload
    actor: ActorId
    caused_by: str | None = None
    """What led to it: `command:`, `execution:`, `turn:`, `fork:` and an id; `restore:<seq>`, which
    the id of the command follows where it was one; `merge:` and the SHA-256 of a file."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event with its place in the log."""

    seq: Seq
    notebook_id: NotebookId
    actor: ActorId
    caused_by: str | None
    recorded_at: str
    """ISO 8601 UTC with milliseconds; for people. Order comes from `seq` alone."""
    payload: Payload

    @property
    def name(self) -> str:
        """The versioned name of what happened."""
        return self.payload.event_name

    def to_json(self) -> dict[str, Any]:
        """Return the envelope as CONTRACT's JSON."""
        return {
            "seq": self.seq,
            "name": self.name,
            "notebook_id": self.notebook_id,
            "actor": self.actor,
            "caused_by": self.caused_by,
            "recorded_at": self.recorded_at,
            "payload": self.payload.model_dump(mode="json"),
        }
