"""From what a kernel says to edits of cells' outputs."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from jupyter_runt.document.references import Limits
from jupyter_runt.document.spool import MUCH, Spool
from jupyter_runt.execution.output_item import Item, NewOutput, display_id_of, output_of
from jupyter_runt.execution.output_widgets import COMM_MESSAGES, OutputWidgets
from jupyter_runt.execution.past_displays import (
    REMEMBERED,
    PastDisplays,
    Place,
    Places,
    UpdateOutput,
)
from jupyter_runt.execution.rest import Rest
from jupyter_runt.ids import CellId, ExecutionId
from jupyter_runt.protocols import KernelMessage

if TYPE_CHECKING:
    from jupyter_runt.document.patches import Patches


@dataclass(frozen=True, slots=True)
class StartCell:
    """Show the cell as running: no outputs, no execution count."""

    cell_id: CellId


@dataclass(frozen=True, slots=True)
class ClearOutputs:
    """Remove all outputs of the cell."""

    cell_id: CellId


@dataclass(frozen=True, slots=True)
class AppendOutputs:
    """Add outputs after the last one."""

    cell_id: CellId
    outputs: tuple[NewOutput, ...]


@dataclass(frozen=True, slots=True)
class GrowStream:
    """Add text to the last output, which is a stream."""

    cell_id: CellId
    text: str


@dataclass(frozen=True, slots=True)
class RewriteStreamTail:
    """Replace all but the first `keep_bytes` (UTF-8) of the last output's text; it is a stream."""

    cell_id: CellId
    keep_bytes: int
    text: str


@dataclass(frozen=True, slots=True)
class ReplaceOutputsFrom:
    """Replace the outputs from `index` on."""

    cell_id: CellId
    index: int
    outputs: tuple[NewOutput, ...]


@dataclass(frozen=True, slots=True)
class FinishCell:
    """Show the cell as idle and, in the same transaction, its execution count."""

    cell_id: CellId
    execution_count: int | None


OutputEdit = (
    StartCell
    | ClearOutputs
    | AppendOutputs
    | GrowStream
    | RewriteStreamTail
    | ReplaceOutputsFrom
    | UpdateOutput
    | FinishCell
)

OUTPUT_MESSAGES: Final = frozenset(
    {
        "stream",
        "display_data",
        "execute_result",
        "error",
        "clear_output",
        "update_display_data",
    }
)


@dataclass(slots=True)
class _Cell:
    """The outputs of one cell, and how far they are in the document."""

    cell_id: CellId
    execution_id: ExecutionId
    """The one that writes here."""

    cause: ExecutionId
    """The one that changed it last: any execution may update a display."""

    items: list[Item] = field(default_factory=list)
    begun: bool = False
    """It runs anew, and the document does not show that yet."""

    in_document: int = 0
    """How many outputs the document has; the last of them may be a stream that grew since."""

    stale_from: int | None = None
    """The first output in the document that must be replaced."""

    cleared: bool = False
    """The document still has outputs that must go first."""

    finished: bool = False
    """Its execution has ended: what still comes is of threads that it left behind."""

    clear_next: bool = False
    """clear_output(wait=True): the next output clears."""

    displays: set[str] = field(default_factory=set)
    """Display ids of its outputs, but for those beyond what is shown."""

    may_change: bool = False
    """An output may be shown anew, and what follows it is then written again."""


class OutputReducer:
    """Turns the output messages of one runtime session into edits of the document.

    Feeding changes only what the document should be; `take` says how to get there. Each cell is
    edited in the ways that JupyterLab renders: text at the end of the last output, outputs after
    the last one, or all outputs from one on.
    """

    def __init__(self, limits: Limits) -> None:
        """Show no more than `limits` say of a stream, and of a cell's outputs."""
        self._limits = limits
        self._cells: dict[CellId, _Cell] = {}
        self._cell_of: dict[ExecutionId, CellId] = {}
        self._displays: dict[str, list[tuple[_Cell, Item]]] = {}
        self._rests: list[tuple[_Cell, Rest]] = []
        self._changed: dict[CellId, _Cell] = {}
        self._past = PastDisplays()
        self._displays_moved = False
        self.widgets = OutputWidgets()
        """Those that catch what belongs to no cell."""
        self.full: set[Spool | Patches] = set()
        """What has much in memory that goes elsewhere."""
        self.pending = 0
        """About how many characters of text wait to be taken."""

    def begin(self, execution_id: ExecutionId, cell_id: CellId) -> None:
        """Let an execution write to a cell, whose outputs go.

        What an earlier execution of the cell still says is dropped.
        """
        self._forget_past([cell_id])
        self._replace(_Cell(cell_id, execution_id, execution_id, begun=True))
        self._changed[cell_id] = self._cells[cell_id]

    def finished(self, execution_id: ExecutionId) -> None:
        """Note that an execution says nothing more: what is too long can be put away."""
        if cell := self._cells.get(self._cell_of.get(execution_id, CellId(""))):
            cell.finished = True
            self._changed[cell.cell_id] = cell

    def cleared(self, cell_ids: Iterable[CellId] | None) -> None:
        """Note that somebody removed the outputs of cells (all, by default) from the document."""
        cell_ids = None if cell_ids is None else list(cell_ids)
        self._forget_past(cell_ids)
        for cell_id in list(self._cells) if cell_ids is None else cell_ids:
            if (cell := self._cells.get(cell_id)) and not cell.begun:
                self._replace(_Cell(cell_id, cell.execution_id, cell.execution_id))

    def displayed(self, told: Any) -> None:
        """Learn where an earlier server's displays are; see `take_displays`."""
        self._past.know(told)

    def take_displays(self) -> Places | None:
        """Return where displays are that may be updated; None if that did not change since.

        Those are not among them that widgets show, or that are beside the document.
        """
        if not self._displays_moved:
            return None
        self._displays_moved = False
        places: Places = {}
        for display_id in chain(reversed(self._displays), reversed(self._past.places)):
            if display_id not in places and (found := self._places(display_id)):
                places[display_id] = found
            if len(places) == REMEMBERED:
                break
        return dict(reversed(places.items()))

    def _places(self, display_id: str) -> list[Place]:
        shown = self._displays.get(display_id, ())
        places = [(cell.execution_id, cell.cell_id, item.index) for cell, item in shown]
        return [*self._past.places.get(display_id, ()), *places]

    def _forget_past(self, cell_ids: Iterable[CellId] | None) -> None:
        if self._past.forget(cell_ids):
            self._displays_moved = True

    def _replace(self, cell: _Cell) -> None:
        if old := self._cells.get(cell.cell_id):
            self._drop_displays(old)
            self._cell_of.pop(old.execution_id, None)
        self._changed.pop(cell.cell_id, None)
        self._cells[cell.cell_id] = cell
        self._cell_of[cell.execution_id] = cell.cell_id

    def feed(self, execution_id: ExecutionId | None, message: KernelMessage) -> bool:
        """Take in what a kernel said; return whether there is something to take.

        Args:
            execution_id: what the message's parent belongs to, None if it is not ours. Updates of
                displays count whoever sends them.
        """
        content = message.content
        if message.msg_type in COMM_MESSAGES:
            self.widgets.hear(message, self._cell_of)
            return False
        if message.msg_type == "update_display_data":
            in_widgets = self.widgets.update_display(content)
            return self._update_display(execution_id, content) or in_widgets
        cell_id = None if execution_id is None else self._cell_of.get(execution_id)
        if execution_id is None or cell_id is None or message.msg_type not in OUTPUT_MESSAGES:
            return False
        if (caught := self.widgets.catch(execution_id, message)) is not None:
            return caught
        cell = self._cells[cell_id]
        if message.msg_type == "clear_output":
            if content.get("wait"):
                cell.clear_next = True
                return False
            return self._clear(cell)
        if message.msg_type == "stream" and not content.get("text"):
            return False
        cell.cause = cell.execution_id
        if cell.clear_next:
            self._clear(cell)
        if message.msg_type == "stream":
            self._write(cell, str(content.get("name", "stdout")), str(content["text"]))
        else:
            self._append(cell, output_of(message.msg_type, content), display_id_of(content))
        self._changed[cell_id] = cell
        return True

    def take(self) -> list[tuple[ExecutionId, list[OutputEdit]]]:
        """Return the edits that bring the document up to date, per execution that caused them.

        They are as few as possible: at most one to text in the document and one to the list of
        outputs for each cell, whatever was fed since the last call.
        """
        groups: dict[ExecutionId, list[OutputEdit]] = {}
        for cell in self._changed.values():
            if edits := _edits(cell):
                groups.setdefault(cell.cause, []).extend(edits)
            if cell.items and (spool := cell.items[-1].spool) and spool.pending > MUCH:
                self.full.add(spool)
        self.full.update(rest.patches for _, rest in self._rests if rest.patches.pending > MUCH)
        for execution_id, update in self._past.take():
            groups.setdefault(execution_id, []).append(update)
        self._changed.clear()
        self.pending = 0
        return list(groups.items())

    def _write(self, cell: _Cell, name: str, text: str) -> None:
        self.pending += len(text)
        if (rest := self._rest(cell, name)) is not None:
            rest.write(name, text)
            return
        last = cell.items[-1] if cell.items else None
        if last is None or not last.is_stream(name):
            output, limit = {"output_type": "stream", "name": name}, self._limits.text
            kept = cell.may_change
            last = Item(len(cell.items), output, stream=True, kept=kept, limit=limit)
            cell.items.append(last)
        if last.stream is not None:
            last.stream.feed(text)

    def _append(self, cell: _Cell, output: dict[str, Any], display_id: str | None) -> None:
        cell.may_change = cell.may_change or display_id is not None
        if (rest := self._rest(cell)) is not None:
            rest.add(output, display_id)
            return
        item = Item(len(cell.items), output, stream=False, kept=cell.may_change)
        cell.items.append(item)
        if display_id is not None:
            self._displays_moved = True
            cell.displays.add(display_id)
            self._displays.setdefault(display_id, []).append((cell, item))

    def _rest(self, cell: _Cell, stream: str | None = None) -> Rest | None:
        """Return where an output goes of a cell that has as many as are shown."""
        last = cell.items[-1] if cell.items else None
        if isinstance(last, Rest) and not last.ended:
            return last
        continues = stream is not None and last is not None and last.is_stream(stream)
        if continues or len(cell.items) < self._limits.outputs:
            return None
        rest = Rest(len(cell.items))
        cell.items.append(rest)
        self._rests.append((cell, rest))
        return rest

    def _update_display(self, execution_id: ExecutionId | None, content: dict[str, Any]) -> bool:
        display_id = display_id_of(content) or ""
        rests = (each for each in self._rests if each[1].patches.may_have(display_id))
        shown: list[tuple[_Cell, Item]] = [*self._displays.get(display_id, ()), *rests]
        anew = {"data": content.get("data") or {}, "metadata": content.get("metadata") or {}}
        for cell, item in shown:
            item.update(display_id, anew)
            if item.index < cell.in_document and not item.grows:
                first = item.index if cell.stale_from is None else cell.stale_from
                cell.stale_from = min(first, item.index)
            cell.cause = execution_id or cell.cause
            self._changed[cell.cell_id] = cell
        return self._past.update(display_id, anew, execution_id) or bool(shown)

    def _clear(self, cell: _Cell) -> bool:
        cell.clear_next = False
        if not cell.items:
            return False
        self._drop_displays(cell)
        cell.cleared = cell.cleared or cell.in_document > 0
        cell.items = []
        cell.in_document = 0
        cell.stale_from = None
        self._changed[cell.cell_id] = cell
        return True

    def _drop_displays(self, gone: _Cell) -> None:
        self._rests = [each for each in self._rests if each[0] is not gone]
        gone.may_change = False
        self._displays_moved = self._displays_moved or bool(gone.displays)
        for display_id in gone.displays:
            kept = [(cell, item) for cell, item in self._displays[display_id] if cell is not gone]
            if kept:
                self._displays[display_id] = kept
            else:
                del self._displays[display_id]
        gone.displays.clear()


def _edits(cell: _Cell) -> list[OutputEdit]:
    edits: list[OutputEdit] = []
    if cell.begun:
        edits.append(StartCell(cell.cell_id))
    elif cell.cleared:
        edits.append(ClearOutputs(cell.cell_id))
    cell.begun = cell.cleared = False
    first, cell.stale_from = cell.stale_from, None
    known, cell.in_document = cell.in_document, len(cell.items)
    shown = cell.items[known - 1] if known else None
    change = shown.take_text() if shown is not None and first is None else None
    for item in cell.items[max(known - 1, 0) :]:
        if item is not cell.items[-1] or (cell.finished and item.is_long()):
            item.end()
    if first is None and shown is not None and shown.is_due:
        first = shown.index
    if first is not None:
        outputs = tuple(item.take() for item in cell.items[first:])
        return [*edits, ReplaceOutputsFrom(cell.cell_id, first, outputs)]
    if change is not None:
        keep, text = change
        edits.append(
            GrowStream(cell.cell_id, text)
            if keep < 0
            else RewriteStreamTail(cell.cell_id, keep, text)
        )
    if known < len(cell.items):
        outputs = tuple(item.take() for item in cell.items[known:])
        edits.append(AppendOutputs(cell.cell_id, outputs))
    return edits
