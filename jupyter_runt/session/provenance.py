"""Whose word there is for the outputs of a notebook: what Jupyter's notary may sign (EX9)."""

from collections.abc import Sequence

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.shared import SharedDocument
from jupyter_runt.events.base import Event
from jupyter_runt.events.document import CellCreated, CellMoved, DocumentUpdated, OutputsChanged
from jupyter_runt.ids import CellId, is_runtime


class Provenance:
    """The cells whose outputs somebody else than the kernel wrote since they last ran.

    Until `signed` says otherwise nothing is vouched for.
    """

    def __init__(self) -> None:
        self._known = False
        self._doubtful: set[CellId] = set()
        self._of_file: set[CellId] = set()

    def opened(self, doc: SharedDocument) -> None:
        """Note which outputs came from the file: all that there are."""
        self._doubtful.clear()
        if isinstance(doc, NotebookDoc):
            self._of_file.update(doc.cell_ids)
            # Whoever signed the rest; it counts once they are of another type.
            self._doubtful.update(each for each in doc.cell_ids if doc.cell_type(each) == "ai")

    def signed(self, *, signed: bool) -> None:
        """Note whether the file was signed: its outputs are all trusted then, and else none."""
        self._known = True
        if not signed:
            self._doubtful |= self._of_file
        self._of_file.clear()

    def ran(self, cell_id: CellId, *, for_person: bool) -> None:
        """Note that the outputs of a cell are the kernel's alone from now on."""
        self._of_file.discard(cell_id)
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
        """Tell whether every output in the document may be signed, but for answers of models."""
        if not (self._known and isinstance(doc, NotebookDoc)):
            return False
        self._doubtful.intersection_update(doc.cell_ids)
        return not any(
            doc.cell(cell_id).get("outputs")
            for cell_id in self._doubtful
            if doc.cell_type(cell_id) != "ai"
        )
