"""What every shared document is to a room: a Yjs document whose transactions can be recorded."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pycrdt import Doc, TransactionEvent

from jupyter_runt.events.document import Change

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transaction(Generic[T]):
    """What one transaction did. `update` is None where it changed nothing."""

    result: T
    update: bytes | None
    changes: tuple[Change, ...]


class SharedDocument(ABC):
    """A Yjs document, its content type and the decoded changes of each transaction.

    Not thread-safe. Panics of the CRDT library (`BaseException`) pass through: after one the
    document must be thrown away.
    """

    version: str
    """Version of the content's schema, as `jupyter_ydoc` numbers it."""

    def __init__(self, client_id: int | None = None) -> None:
        self.doc: Doc[Any] = Doc(client_id=client_id)
        self._update: bytes | None = None
        self._subscription = self.doc.observe(self._on_transaction)

    def _on_transaction(self, event: TransactionEvent) -> None:
        self._update = event.update

    def transact(self, edit: Callable[[], T]) -> Transaction[T]:
        """Run `edit` in one transaction and return what it did to the document.

        Raises whatever `edit` raises; what it had done until then stays in the document, so the
        caller must discard it.
        """
        self._update = None
        with self.doc.transaction():
            result = edit()
        return Transaction(result, self._update, self._take_changes())

    def apply(self, updates: Iterable[bytes]) -> Transaction[None]:
        """Apply Yjs updates in one transaction.

        Raises:
            ValueError: an update is not one; those before it are applied.
        """

        def edit() -> None:
            for update in updates:
                self.doc.apply_update(update)

        return self.transact(edit)

    @abstractmethod
    def _take_changes(self) -> tuple[Change, ...]:
        """Return the changes observed since the last call, and forget them."""

    @abstractmethod
    def scrub(self) -> None:
        """Remove, inside a transaction, what no peer may write into what the last one touched."""
