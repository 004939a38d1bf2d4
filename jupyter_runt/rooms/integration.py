"""Bringing what one peer sent into the document: checked, in one transaction, then scrubbed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pycrdt import Doc, merge_updates

from jupyter_runt.document.shared import SharedDocument, Transaction, is_panic
from jupyter_runt.events.document import Change
from jupyter_runt.rooms.nesting import check_depth
from jupyter_runt.rooms.protocol import BadFrame
from jupyter_runt.rooms.updates import authors, is_covered, writes_as


class ForeignClient(Exception):
    """An update has structs of a Yjs client id that only the server writes with (EX9)."""


class Poisoned(Exception):
    """The document is no longer what the log says, or unusable: it must be loaded again."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What a transaction did."""

    update: bytes
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Integrated:
    """What became of a run of updates of one peer."""

    edits: tuple[Edit, ...]
    """The peer's own and, where it wrote what no peer may, what took that out again."""
    missing: tuple[bytes, ...]
    """Updates that the library keeps pending, because what they build on is not here."""
    refusal: BadFrame | ForeignClient | None
    """Why the run was cut off; what came before it is in."""

    @property
    def public(self) -> bytes | None:
        """What everybody else is to apply: never the state before the scrub."""
        if not self.edits:
            return None
        updates = [edit.update for edit in self.edits]
        return updates[0] if len(updates) == 1 else merge_updates(*updates)

    @property
    def corrective(self) -> bytes | None:
        """What the peer itself is to apply."""
        return self.edits[1].update if len(self.edits) > 1 else None


NOTHING: Final = Integrated((), (), None)


def integrate(
    document: SharedDocument, updates: Sequence[bytes], reserved: frozenset[int]
) -> Integrated:
    """Apply updates of one peer, and remove what it may not write.

    Raises:
        Poisoned: the document must be loaded again; nothing of the updates counts.
    """
    accepted: list[bytes] = []
    refusals: list[BadFrame | ForeignClient] = []

    def apply() -> None:
        for update in updates:
            try:
                _check(document.doc, update, reserved)
                document.doc.apply_update(update)
            except (BadFrame, ForeignClient) as refusal:
                refusals.append(refusal)
                return
            except ValueError as error:
                refusals.append(BadFrame(str(error)))
                return
            accepted.append(update)

    try:
        edits = [_edit(document.transact(apply))]
        if edits[0] is not None and document.suspicious:
            edits.append(_edit(document.transact(document.scrub)))
        missing = _missing(document.doc, accepted, edits[0])
    except BaseException as error:
        poison(error)
        raise
    return Integrated(
        edits=tuple(edit for edit in edits if edit is not None),
        missing=missing,
        refusal=refusals[0] if refusals else None,
    )


def _edit(transaction: Transaction[None]) -> Edit | None:
    if transaction.update is None:
        return None
    return Edit(transaction.update, transaction.changes)


def _check(doc: Doc[Any], update: bytes, reserved: frozenset[int]) -> None:
    """Refuse what must not reach the library or the document.

    Raises:
        BadFrame: it is not an update that can be read.
        ForeignClient: it is written in the server's name.
    """
    check_depth(update)
    count, author = authors(update)
    # Nearly every update is a browser's own, of one client that is not reserved.
    if count == 0 or (count == 1 and author not in reserved):
        return
    if reserved and writes_as(update, reserved, doc.get_state()):
        raise ForeignClient("the update is written in the server's name")


def _missing(doc: Doc[Any], accepted: Sequence[bytes], edit: Edit | None) -> tuple[bytes, ...]:
    if edit is not None and len(accepted) == 1 and edit.update == accepted[0]:
        return ()
    return unresolved(doc, accepted)


def unresolved(doc: Doc[Any], updates: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the updates of which something is not in the document."""
    if not updates:
        return ()
    state = doc.get_state()
    return tuple(update for update in updates if not is_covered(update, state))


def poison(error: BaseException) -> None:
    """Raise `Poisoned` for a panic of the CRDT library, and for every other failure too."""
    if is_panic(error) or isinstance(error, Exception):
        raise Poisoned(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an edit of the server's own code did, or how it failed."""

    value: object
    error: Exception | None


def attempt(document: SharedDocument, edit: Callable[[], object]) -> tuple[Attempt, Edit | None]:
    """Run `edit` in one transaction.

    Raises:
        Poisoned: it failed in the middle of its changes; the cause is its own error.
    """

    def run() -> Attempt:
        try:
            return Attempt(edit(), None)
        except Exception as error:  # noqa: BLE001 - it belongs to the caller, who gets it
            return Attempt(None, error)

    try:
        transaction = document.transact(run)
    except BaseException as error:
        poison(error)
        raise
    done = transaction.result
    if transaction.update is None:
        return done, None
    if done.error is not None:
        raise Poisoned("an edit failed in the middle") from done.error
    return done, Edit(transaction.update, transaction.changes)
