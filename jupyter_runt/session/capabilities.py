"""What a person must be allowed to do for each command."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from jupyter_runt.commands import (
    Ask,
    CancelExecutions,
    CancelTurn,
    ClearOutputs,
    Command,
    CreateCell,
    DecideApproval,
    DeleteCells,
    EditCell,
    EvictRuntime,
    ExecuteCells,
    InterruptRuntime,
    KeepVersion,
    MoveCell,
    ReplyInput,
    RestartAndRunAll,
    RestartRuntime,
    RestoreVersion,
    RevokeApprovals,
    RunAll,
    SetCellType,
    SetCellVisibility,
    SetContextVisibility,
    StartRuntime,
    StopRuntime,
    UndoChange,
    UndoTurn,
)
from jupyter_runt.ids import ActorId
from jupyter_runt.tools import Effect


class Capability(Enum):
    """A class of commands; the value is the action and resource asked of Jupyter's authorizer."""

    READ = ("read", "contents")
    EDIT = ("write", "contents")
    EXECUTE = ("execute", "kernels")
    ADMINISTER = ("write", "kernels")


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks for something, as the authenticated request said."""

    actor: ActorId
    allows: Callable[[Capability], Awaitable[bool]]
    """Asks Jupyter's authorizer whether they may do this at this moment."""


CAPABILITIES: Final = MappingProxyType(
    {
        ExecuteCells: Capability.EXECUTE,
        RunAll: Capability.EXECUTE,
        RestartAndRunAll: Capability.EXECUTE,
        CancelExecutions: Capability.EXECUTE,
        InterruptRuntime: Capability.EXECUTE,
        RestartRuntime: Capability.EXECUTE,
        StartRuntime: Capability.EXECUTE,
        StopRuntime: Capability.EXECUTE,
        ReplyInput: Capability.EXECUTE,
        EvictRuntime: Capability.ADMINISTER,
        ClearOutputs: Capability.EDIT,
        CreateCell: Capability.EDIT,
        EditCell: Capability.EDIT,
        MoveCell: Capability.EDIT,
        DeleteCells: Capability.EDIT,
        SetCellType: Capability.EDIT,
        SetContextVisibility: Capability.EDIT,
        SetCellVisibility: Capability.EDIT,
        RestoreVersion: Capability.EDIT,
        UndoChange: Capability.EDIT,
        KeepVersion: Capability.EDIT,
        Ask: Capability.EDIT,
        CancelTurn: Capability.EDIT,
        UndoTurn: Capability.EDIT,
        DecideApproval: Capability.EDIT,  # and what the call needs, which is asked when it is known
        RevokeApprovals: Capability.EDIT,
    }
)


_NEEDED: Final = MappingProxyType[Effect, Capability](
    {
        "read": Capability.READ,
        "edit": Capability.EDIT,
        "execute": Capability.EXECUTE,
        "files": Capability.EDIT,
        "external": Capability.EXECUTE,
    }
)


def needed(effect: Effect) -> Capability:
    """Return what a person must be allowed to do for the AI to have an effect for them."""
    return _NEEDED[effect]


def required(command: Command) -> Capability:
    """Return what the sender of a command must be allowed to do."""
    return CAPABILITIES[type(command)]
