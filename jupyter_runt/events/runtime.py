"""What happened to the runtime sessions that own notebooks."""

from typing import Literal

from jupyter_runt.events.base import Payload
from jupyter_runt.ids import ActorId, RuntimeSessionId

RuntimeStatus = Literal["starting", "ready", "busy", "restarting", "unresponsive", "lost"]
EndReason = Literal["shutdown", "restart", "crashed", "evicted", "displaced", "expired"]


class RuntimeSessionStarted(Payload):
    """A kernel incarnation became the notebook's owner. Each restart starts a new session."""

    event_name = "v1.RuntimeSessionStarted"

    runtime_session_id: RuntimeSessionId
    kernel_id: str
    kernel_name: str
    owner: ActorId
    host: str
    fence: int


class RuntimeSessionAdopted(Payload):
    """The kernel outlived its server, and works on for another one under a new fence."""

    event_name = "v1.RuntimeSessionAdopted"

    runtime_session_id: RuntimeSessionId
    fence: int


class RuntimeCommandPerformed(Payload):
    """Somebody asked something of the kernel, of which no other event of theirs tells.

    It is in the log before it is done, so that it is not done twice.
    """

    event_name = "v1.RuntimeCommandPerformed"

    command: str
    """Its type."""
    runtime_session_id: RuntimeSessionId | None = None
    """The session that there was."""


class RuntimeStatusChanged(Payload):
    """The session's health changed. Busy and idle during a cell are not events."""

    event_name = "v1.RuntimeStatusChanged"

    runtime_session_id: RuntimeSessionId
    status: RuntimeStatus
    reason: str | None = None


class RuntimeSessionEnded(Payload):
    """The session owns the notebook no more; `cause` says why in words (signal, exit code)."""

    event_name = "v1.RuntimeSessionEnded"

    runtime_session_id: RuntimeSessionId
    reason: EndReason
    cause: str | None = None
