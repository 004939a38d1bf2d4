"""The refusals that every store words alike."""

from jupyter_runt.errors import Compacted, Conflict, LeaseHeld, NotebookNotFound, StaleFence
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import Lease, LeaseKind


def compacted(first_seq: Seq) -> Compacted:
    """Return the refusal to read below the floor."""
    return Compacted(
        f"The events before {first_seq} were folded into a snapshot.", first_seq=first_seq
    )


def stale_fence(notebook_id: NotebookId, kind: LeaseKind, fence: int) -> StaleFence:
    """Return the refusal of an append under a fence that is not the current one."""
    return StaleFence(
        f"Another server took the notebook over: fence {fence} of its {kind} is an old one.",
        notebook_id=notebook_id,
        fence=fence,
    )


def lease_held(lease: Lease) -> LeaseHeld:
    """Return the refusal of a lease that another live server holds."""
    url = lease.info.get("url")
    where = f"Another server, at {url}," if url else "Another server"
    what = "runs its kernel" if lease.kind == "runtime" else "has it open"
    return LeaseHeld(f"{where} {what}: go there, or close it there.", **lease.info)


def no_document(notebook_id: NotebookId) -> NotebookNotFound:
    """Return the refusal of an id that was never given."""
    return NotebookNotFound(f"There is no document {notebook_id}.", notebook_id=notebook_id)


def not_foldable(notebook_id: NotebookId, until: Seq) -> Conflict:
    """Return the refusal to delete events that nothing replaces, or that a merge may need."""
    return Conflict(
        f"The events of notebook {notebook_id} up to {until} cannot be folded: a snapshot at"
        " that place is missing, or its file is not known to hold as much.",
        notebook_id=notebook_id,
        seq=until,
    )
