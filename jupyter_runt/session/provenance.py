"""Whose word there is for the outputs of a notebook: what Jupyter's notary may sign (EX9)."""

from collections.abc import Sequence

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.shared import SharedDocument
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import CellCreated, CellMoved, DocumentUpdated, OutputsChanged
from jupyter_runt.ids import CellId, is_runtime


class Provenance:
    """The cells whose outputs somebody else than the kernel wrote since they last ran.

    Until `opened` says otherwise nothing is vouched for.
    """

    def __init__(self) -> None:
        self._known = False
        self._doubtful: set[CellId] = set()

    def opened(self, doc: SharedDocument, *, signed: bool) -> None:
        """Note the outputs that came from the file: all trusted if it was signed, else none."""
        self._known = True
        self._doubtful.clear()
        if not signed and isinstance(doc, NotebookDoc):
            self._doubtful.update(doc.cell_ids)

    def ran(self, cell_id: CellId, *, for_person: bool) -> None:
        """Note that the outputs of a cell are the kernel's alone from now on."""
        if for_person:
            self._doubtful.discard(cell_id)
        else:
            self._doubtful.add(cell_id)

    def note(self, events: Sequence[Event]) -> None:
        """Note what was written by others than the kernel."""
        for event in events:
            if isinstance(event.payload, DocumentUpdated) and not is_runtime(event.actor):
                self._doubtful.update(
                    change.cell_id
                    for change in event.payload.changes
                    if isinstance(change, CellCreated | CellMoved | OutputsChanged)
                )

    def vouches(self, doc: SharedDocument) -> bool:
        """Tell whether every output in the document may be signed."""
        if not (self._known and isinstance(doc, NotebookDoc)):
            return False
        self._doubtful.intersection_update(doc.cell_ids)
        return not any(doc.cell(cell_id).get("outputs") for cell_id in self._doubtful)
