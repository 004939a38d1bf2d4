"""What every shared document is to a room: a Yjs document whose transactions can be recorded."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakMethod, finalize

from pycrdt import Doc, Map, TransactionEvent

from jupyter_runt.events.document import Change

T = TypeVar("T")
E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Transaction(Generic[T]):
    """What one transaction did. `update` is None where it changed nothing."""

    result: T
    update: bytes | None
    changes: tuple[Change, ...]


def is_panic(error: BaseException) -> bool:
    """Tell whether it is a panic of the CRDT library: not an `Exception`, and not importable."""
    return type(error).__name__ == "PanicException"


def weakly(method: Callable[[E], None]) -> Callable[[E], None]:
    """Return a callback for a Yjs observer that does not keep the method's object alive.

    The garbage collector can not see what an observer holds, so a bound method would never go.
    """
    reference = WeakMethod(method)

    def callback(event: E) -> None:
        if (alive := reference()) is not None:
            alive(event)

    return callback


@contextmanager
def _readable() -> Iterator[None]:
    """Raise `ValueError` for updates that make the CRDT library panic."""
    try:
        yield
    except BaseException as error:
        if is_panic(error):
            raise ValueError(f"the CRDT library failed: {error}") from error
        raise


class SharedDocument(ABC):
    """A Yjs document, its content type and the decoded changes of each transaction.

    Not thread-safe. Panics of the CRDT library (`BaseException`) pass through: after one the
    document must be thrown away.
    """

    version: str
    """Version of the content's schema, as `jupyter_ydoc` numbers it."""

    def __init__(self, client_id: int | None = None) -> None:
        self.doc: Doc[Any] = Doc(client_id=client_id)
        self.moment = 0
        """Another one after each transaction that changed something."""
        self._update: bytes | None = None
        subscription = self.doc.observe(weakly(self._on_transaction))
        # Until it is dropped, the Yjs document and its observer hold each other.
        finalize(self, self.doc.unobserve, subscription).atexit = False

    def _on_transaction(self, event: TransactionEvent) -> None:
        self.moment += 1
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

    def look(self, view: Callable[[], T]) -> T:
        """Run `view`, which changes nothing, in one transaction: alone, each read makes its own."""
        with self.doc.transaction():
            return view()

    def apply(self, updates: Iterable[bytes]) -> Transaction[None]:
        """Apply Yjs updates in one transaction.

        Raises:
            ValueError: an update is not one; throw the document away.
        """
        with _readable():
            return self.transact(lambda: self._apply(updates))

    def load(self, updates: Iterable[bytes]) -> None:
        """Apply Yjs updates whose changes nobody wants to know; raises as `apply`."""
        with _readable():
            with self.doc.transaction():
                self._apply(updates)
            self._drop_changes()

    def _apply(self, updates: Iterable[bytes]) -> None:
        for update in updates:
            self.doc.apply_update(update)

    @abstractmethod
    def _take_changes(self) -> tuple[Change, ...]:
        """Return the changes observed since the last call, and forget them."""

    def _drop_changes(self) -> None:
        """Forget the changes observed since the last call."""
        self._take_changes()

    @property
    def suspicious(self) -> bool:
        """Whether `scrub` may find something in what the last transaction touched."""
        return True

    @abstractmethod
    def scrub(self) -> None:
        """Remove, inside a transaction, what no peer may write into what the last one touched."""


class FileDocument(SharedDocument):
    """A shared document that is the content of a file; the root map `state` tells about the file.

    Its setters are edits: call them inside `transact`.
    """

    def __init__(self, client_id: int | None = None) -> None:
        super().__init__(client_id)
        self._state: Map[Any] = self.doc.get("state", type=Map)

    def set_path(self, path: str) -> None:
        """Say where the file is; front ends follow a rename by it."""
        self._set_state("path", path)

    def set_dirty(self, dirty: bool) -> None:
        """Say whether the file is behind the document."""
        self._set_state("dirty", dirty)

    def set_hash(self, digest: str) -> None:
        """Say what the file's content hashes to, as the contents API does."""
        self._set_state("hash", digest)

    def _set_state(self, key: str, value: str | bool) -> None:
        if self._state.get(key) != value:
            self._state[key] = value


class EmptyDocument(SharedDocument):
    """A document without content: what a room for presence alone shares."""

    version = "1.0.0"

    def _take_changes(self) -> tuple[Change, ...]:
        return ()

    def scrub(self) -> None:
        """Nothing is refused here."""
