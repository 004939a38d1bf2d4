"""From what a kernel says to edits of cells' outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_runt.ids import CellId

Output = Mapping[str, Any]
"""An output as nbformat 4.5 defines it."""


@dataclass(frozen=True, slots=True)
class ClearOutputs:
    """Remove all outputs of the cell."""

    cell_id: CellId


@dataclass(frozen=True, slots=True)
class AppendOutputs:
    """Add outputs after the last one."""

    cell_id: CellId
    outputs: tuple[Output, ...]


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
    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class StartCell:
    """Show the cell as running: no outputs, no execution count."""

    cell_id: CellId


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
    | FinishCell
)
