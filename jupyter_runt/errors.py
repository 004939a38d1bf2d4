"""The errors that reach people and programs, each with a stable code and HTTP status."""

from typing import Any, ClassVar


class RuntError(Exception):
    """An error with a stable `code`, a sentence for people and a machine-readable `detail`."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, /, **detail: Any) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail

    def to_json(self) -> dict[str, Any]:
        """Return the body of the error's HTTP response."""
        return {"code": self.code, "message": self.message, "detail": self.detail}


class InvalidCommand(RuntError):
    """The body is not a command; `detail` names the field that is wrong."""

    code = "invalid_command"
    status = 400


class InvalidRequest(RuntError):
    """A query or body that is not a command is wrong; `detail` names the field."""

    code = "invalid_request"
    status = 400


class NotAuthorized(RuntError):
    """The authenticated person may not do this."""

    code = "not_authorized"
    status = 403


class NotebookNotFound(RuntError):
    """No such notebook in the registry, or no such file."""

    code = "notebook_not_found"
    status = 404


class CellNotFound(RuntError):
    """The document has no cell of that id."""

    code = "cell_not_found"
    status = 404


class VersionNotFound(RuntError):
    """No version was kept there."""

    code = "version_not_found"
    status = 404


class TokenNotFound(RuntError):
    """The notebook has no token of that id."""

    code = "token_not_found"
    status = 404


class ExecutionNotFound(RuntError):
    """The log has no execution of that id."""

    code = "execution_not_found"
    status = 404


class ArtifactNotFound(RuntError):
    """The artifact does not count for the notebook, or its bytes are gone or damaged."""

    code = "artifact_not_found"
    status = 404


class TurnNotFound(RuntError):
    """The log has no turn of that id."""

    code = "turn_not_found"
    status = 404


class ProviderNotFound(RuntError):
    """No provider of the AI has that name."""

    code = "provider_not_found"
    status = 404


class ApprovalNotFound(RuntError):
    """No call of that id waits for a decision."""

    code = "approval_not_found"
    status = 404


class NotANotebook(RuntError):
    """The file cannot be read as a notebook (FB5)."""

    code = "not_a_notebook"
    status = 422


class FileUnreadable(RuntError):
    """The file exists and cannot be read: permission, size, or its kind (FB5)."""

    code = "file_unreadable"
    status = 422


class HistoryDamaged(FileUnreadable):
    """What the store has of a document cannot be read; `detail` has its `path` and `notebook_id`.

    The file is fine. It is opened with a new history when it is opened the next time.
    """

    code = "history_damaged"


class StaleRevision(RuntError):
    """The document never came to cover what the sender had seen or expected."""

    code = "stale_revision"
    status = 409


class Conflict(RuntError):
    """The request no longer fits the state, such as a second answer to one prompt."""

    code = "conflict"
    status = 409


class RuntimeLost(RuntError):
    """There is no runtime that could do this."""

    code = "runtime_lost"
    status = 409


class StaleFence(RuntError):
    """An append by somebody who no longer owns the notebook (EL3, EX1)."""

    code = "stale_fence"
    status = 409


class Compacted(RuntError):
    """The events asked for were folded into a snapshot; `detail.first_seq` is the floor."""

    code = "compacted"
    status = 410


class LeaseHeld(RuntError):
    """Another live server owns this; `detail.url` leads to it when it is known."""

    code = "lease_held"
    status = 423


class StoreUnavailable(RuntError):
    """The store cannot write now (disk full, read-only, locked): nothing was accepted (EL5)."""

    code = "store_unavailable"
    status = 503
