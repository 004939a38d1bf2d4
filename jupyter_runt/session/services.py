"""What the runtimes of all notebooks share."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_runt.protocols import EventLog, KernelGateway, Leases
from jupyter_runt.session.artifacts import Artifacts

if TYPE_CHECKING:
    from jupyter_runt.session.runtime import NotebookRuntime


Owners = dict[str, "NotebookRuntime"]
"""Which notebook's runtime each kernel id belongs to; kept by the runtimes."""


@dataclass(frozen=True, slots=True)
class RuntimeServices:
    """What all runtimes of a server share."""

    leases: Leases
    log: EventLog
    gateway: KernelGateway
    artifacts: Artifacts
    host: str
    """Name of the machine that the kernels run on."""
    url: str
    """Where this server is reached, for those who meet its leases."""
    owners: Owners = field(default_factory=dict)
