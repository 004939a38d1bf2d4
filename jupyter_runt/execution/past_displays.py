"""Displays in cells that ended under an earlier server: their places are all that is known of them.

The server leaves them with the kernel's agent, and the next one has them from there: no document
and no file says which output a display id names.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from jupyter_runt.execution.output_item import Output
from jupyter_runt.ids import CellId, ExecutionId

REMEMBERED: Final = 1000
"""Display ids that an agent is told of, the last ones: a kernel may make any number."""

Place = tuple[ExecutionId, CellId, int]
"""Who displayed it, where, and as which output of the cell."""

Places = dict[str, list[Place]]
"""By display id."""


@dataclass(frozen=True, slots=True)
class UpdateOutput:
    """Show an output anew that the server wrote; what comes after it stays."""

    cell_id: CellId
    index: int
    output: Output
    """Its `data` and `metadata` are the new ones."""


@dataclass(slots=True)
class PastDisplays:
    """What the kernel displayed under an earlier server, and how that is to look now."""

    places: Places = field(default_factory=dict)
    _changed: dict[tuple[CellId, int], tuple[ExecutionId, UpdateOutput]] = field(
        default_factory=dict
    )

    def know(self, told: Any) -> None:
        """Take what was left with an agent, perhaps by another version: odd things count not."""
        for display_id, places in told.items() if isinstance(told, dict) else ():
            found = [_place(each) for each in places] if isinstance(places, list) else []
            self.places[display_id] = [each for each in found if each is not None]

    def forget(self, cell_ids: Iterable[CellId] | None) -> bool:
        """Note that the outputs of cells (all, if None) are others now; return if any was here."""
        gone = None if cell_ids is None else set(cell_ids)
        kept: Places = {}
        for display_id, places in self.places.items():
            if left := [each for each in places if gone is not None and each[1] not in gone]:
                kept[display_id] = left
        forgot = kept != self.places
        self.places = kept
        self._changed = {
            at: changed
            for at, changed in self._changed.items()
            if gone is not None and at[0] not in gone
        }
        return forgot

    def update(
        self, display_id: str, shown: dict[str, Any], execution_id: ExecutionId | None
    ) -> bool:
        """Show a display anew; return whether it is anywhere.

        Args:
            shown: its `data` and `metadata`.
            execution_id: what said so.
        """
        places = self.places.get(display_id, ())
        for displayed_by, cell_id, index in places:
            update = UpdateOutput(cell_id, index, {"output_type": "display_data", **shown})
            self._changed[cell_id, index] = (execution_id or displayed_by, update)
        return bool(places)

    def take(self) -> list[tuple[ExecutionId, UpdateOutput]]:
        """Return what changed, and what caused it."""
        changed, self._changed = list(self._changed.values()), {}
        return changed


def _place(told: Any) -> Place | None:
    match told:
        case [str(execution_id), str(cell_id), int(index)] if index >= 0:
            return ExecutionId(execution_id), CellId(cell_id), index
        case _:
            return None
