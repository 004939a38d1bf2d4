"""What an answer of the AI did to its notebook, to be taken back as one (AG1)."""

from asyncio import to_thread
from collections.abc import Callable, Sequence
from typing import Any

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.restore import take_back_edits
from jupyter_runt.errors import Conflict, TurnNotFound
from jupyter_runt.events.agent import TurnCompleted
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.ids import NotebookId, Seq, TurnId
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.history import past

Notebook = dict[str, Any]


def undo_cause(turn_id: TurnId) -> str:
    """Return what the events say that take back a turn."""
    return f"undo:{turn_id}"


async def turn_undone(
    log: EventLog, notebook_id: NotebookId, turn_id: TurnId
) -> Callable[[NotebookDoc], None]:
    """Return the edit that takes back what a turn did to the document.

    Raises:
        TurnNotFound: the log has nothing of such a turn.
        Conflict: it goes on, or was taken back already.
        Compacted: the history of that time was folded away.
    """
    told = await log.caused_by(notebook_id, f"turn:{turn_id}")
    if not told:
        raise TurnNotFound(f"There is no turn {turn_id}.", turn_id=turn_id)
    if not any(isinstance(event.payload, TurnCompleted) for event in told):
        raise Conflict("That answer is still being given: stop it first.", turn_id=turn_id)
    if await log.caused_by(notebook_id, undo_cause(turn_id)):
        raise Conflict("That was taken back already.", turn_id=turn_id)
    edits = [event for event in told if isinstance(event.payload, DocumentUpdated)]
    if not edits:
        return lambda _doc: None
    first, last = edits[0].seq, edits[-1].seq
    before = await past(log, notebook_id, Seq(first - 1))
    own = {event.seq for event in edits}
    since = await _updates(log, notebook_id, first, last)
    steps = await to_thread(_steps, before.updates, since, own)
    return lambda doc: take_back_edits(doc, steps)


async def _updates(
    log: EventLog, notebook_id: NotebookId, first: Seq, last: Seq
) -> list[tuple[Seq, bytes]]:
    found: list[tuple[Seq, bytes]] = []
    after = Seq(first - 1)
    while after < last:
        events = await log.read(notebook_id, after, names=frozenset({DocumentUpdated.event_name}))
        found += [
            (event.seq, event.payload.update)
            for event in events
            if isinstance(event.payload, DocumentUpdated) and event.seq <= last
        ]
        after = events[-1].seq if events else last
    return found


def _steps(
    before: Sequence[bytes], updates: Sequence[tuple[Seq, bytes]], own: set[Seq]
) -> list[tuple[Notebook, Notebook]]:
    """Return the notebook before and after each stretch of the turn's own updates."""
    doc = NotebookDoc()
    doc.load(list(before))
    steps: list[tuple[Notebook, Notebook]] = []
    start: Notebook | None = None
    for seq, update in updates:
        if seq in own and start is None:
            start = doc.notebook(always_ids=True)
        if seq not in own and start is not None:
            steps.append((start, doc.notebook(always_ids=True)))
            start = None
        doc.apply([update])
    if start is not None:
        steps.append((start, doc.notebook(always_ids=True)))
    return steps
