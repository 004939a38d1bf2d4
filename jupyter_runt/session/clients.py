"""Which Yjs clients the server is, so that what it wrote can be told from what peers wrote."""

from dataclasses import dataclass

from jupyter_runt.ids import HistoryId, derived_client_id


@dataclass(frozen=True, slots=True)
class Clients:
    """The Yjs client ids that only the server writes with; rooms refuse them from peers (EX9)."""

    server: int
    """Outputs of executions and edits by command."""
    trusted_file: int
    """Content of a file that Jupyter's notary had signed."""
    file: int
    """Content of any other file."""

    @classmethod
    def of(cls, history_id: HistoryId) -> "Clients":
        """Return the ids of a history: the same after every restart."""
        return cls(
            *(derived_client_id(part, history_id) for part in ("server", "trusted-file", "file"))
        )

    def all(self) -> frozenset[int]:
        """Return the ids as a set."""
        return frozenset((self.server, self.trusted_file, self.file))
