"""Every event there is, by name, and how older versions are read for ever."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from jupyter_runt.events.agent import (
    ToolCallCompleted,
    ToolCallRequested,
    TurnCompleted,
    TurnContextGiven,
    TurnStarted,
    TurnTextAppended,
    TurnUndone,
)
from jupyter_runt.events.approvals import ApprovalDecided, ApprovalRequested, ApprovalRevoked
from jupyter_runt.events.base import Payload
from jupyter_runt.events.document import DocumentUpdated, VersionKept
from jupyter_runt.events.execution import (
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionRequested,
    ExecutionStarted,
)
from jupyter_runt.events.outputs import InputReplied, InputRequested, OutputsCleared
from jupyter_runt.events.runtime import (
    RuntimeCommandPerformed,
    RuntimeSessionAdopted,
    RuntimeSessionEnded,
    RuntimeSessionStarted,
    RuntimeStatusChanged,
)

Upcaster = Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]
"""Takes an old payload, returns the newer name and payload."""

_PAYLOADS: Final = (
    DocumentUpdated,
    VersionKept,
    ExecutionRequested,
    ExecutionAssigned,
    ExecutionStarted,
    ExecutionCompleted,
    ExecutionCancelled,
    OutputsCleared,
    InputRequested,
    InputReplied,
    RuntimeSessionStarted,
    RuntimeSessionAdopted,
    RuntimeStatusChanged,
    RuntimeSessionEnded,
    RuntimeCommandPerformed,
    TurnStarted,
    TurnContextGiven,
    TurnTextAppended,
    TurnUndone,
    ToolCallRequested,
    ToolCallCompleted,
    TurnCompleted,
    ApprovalRequested,
    ApprovalDecided,
    ApprovalRevoked,
)

EVENTS: Final = MappingProxyType({payload.event_name: payload for payload in _PAYLOADS})
UPCASTERS: Final[MappingProxyType[str, Upcaster]] = MappingProxyType({})


def parse_payload(name: str, data: dict[str, Any]) -> Payload:
    """Return the payload of an event of any released version.

    Raises:
        KeyError: no release ever wrote an event of that name.
        pydantic.ValidationError: the payload does not fit.
    """
    while (upcaster := UPCASTERS.get(name)) is not None:
        name, data = upcaster(data)
    return EVENTS[name].model_validate(data)
