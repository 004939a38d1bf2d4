"""Tools that look at the notebook."""

from asyncio import to_thread
from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field

from jupyter_runt.ai.arguments import Arguments, Strings
from jupyter_runt.ai.excerpts import PAGE, PREVIEW, head_and_tail, page
from jupyter_runt.ai.images import fitted_image
from jupyter_runt.ai.output_text import IMAGE_TYPES, output_images, output_text
from jupyter_runt.ai.visible import VisibleCell, is_visible, known_cell, known_cells, look
from jupyter_runt.ai.workplace import Outcome, Tool, Work
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.references import references
from jupyter_runt.ids import CellId

MAX_CELLS: Final = 100
MAX_MATCHES: Final = 50
LINE: Final = 120
CELL: Final = 20_000
"""Characters of one source that is read whole."""


class GetNotebook(Arguments):
    """Which part of the list."""

    start: int = Field(default=1, ge=1, description="Number of the first cell to list.")
    count: int = Field(default=50, ge=1, le=MAX_CELLS, description="How many cells to list.")


async def get_notebook(work: Work, arguments: GetNotebook) -> Outcome:
    """List cells, a line for each."""
    first = arguments.start - 1

    def view(doc: NotebookDoc) -> tuple[int, list[VisibleCell]]:
        page = doc.cell_ids[first : first + arguments.count]
        return len(doc.cell_ids), look(doc, [each for each in page if is_visible(doc, each)])

    total, cells = await work.place.read(view)
    lines = [f"{cell.heading}{_outputs_note(cell)} | {_first_line(cell.source)}" for cell in cells]
    last = first + arguments.count
    if last < total:
        lines.append(f"[{total - last} more: get_notebook(start={last + 1})]")
    work.seen.update({cell.cell_id: cell.revision for cell in cells if _is_whole(cell.source)})
    listed = frozenset(cell.cell_id for cell in cells)
    return Outcome("\n".join(lines) or "There are no cells.", sources=listed)


def _first_line(source: str) -> str:
    first, _, rest = source.partition("\n")
    shown = first if len(first) <= LINE else f"{first[:LINE]}…"
    more = rest.count("\n") + 1 if rest else 0
    return f"{shown} [+{more} lines]" if more else shown


def _is_whole(source: str) -> bool:
    return "\n" not in source and len(source) <= LINE


def _outputs_note(cell: VisibleCell) -> str:
    if not cell.outputs:
        return ""
    failed = any(output.get("output_type") == "error" for output in cell.outputs)
    return f" | {len(cell.outputs)} outputs{', an error' if failed else ''}"


class ReadCells(Arguments):
    """Which cells."""

    cell_ids: Strings = Field(min_length=1, max_length=50, description="Ids of cells.")
    outputs: bool = Field(default=True, description="Whether to read what they put out, too.")


async def read_cells(work: Work, arguments: ReadCells) -> Outcome:
    """Tell the sources of cells, and what they put out."""
    cells = await work.place.read(lambda doc: look(doc, known_cells(doc, arguments.cell_ids)))
    work.seen.update({cell.cell_id: cell.revision for cell in cells})
    told = [_told(cell, outputs=arguments.outputs) for cell in cells]
    put_out = arguments.outputs and any(cell.outputs for cell in cells)
    read = frozenset(cell.cell_id for cell in cells)
    return Outcome("\n\n".join(told), tainted=put_out, sources=read)


def _told(cell: VisibleCell, *, outputs: bool) -> str:
    source = head_and_tail(cell.source, CELL, "search_cells finds lines in it")
    shown = told_outputs(cell) if outputs else ""
    return "\n".join(part for part in (cell.heading, source or "[empty]", shown) if part)


def told_outputs(cell: VisibleCell) -> str:
    """Return what a cell put out, each output shortened to its ends."""
    parts = []
    for index, output in enumerate(cell.outputs):
        how = f"read_output(cell_id={cell.cell_id}, index={index}, offset=…) has it"
        text = head_and_tail(output_text(output), PREVIEW, how)
        seen = f" (read_output with image=true shows it: index {index})"
        note = seen if _has_picture(output) else ""
        parts.append(f"--- output {index}: {output.get('output_type')}{note}\n{text}")
    whole = "\n".join(parts)
    return head_and_tail(whole, PAGE, f"read_output(cell_id={cell.cell_id}, index=…) has each")


def _has_picture(output: Mapping[str, Any]) -> bool:
    beside = any(artifact.mime in IMAGE_TYPES for artifact in references(output))
    return beside or bool(output_images(output))


class SearchCells(Arguments):
    """What to look for."""

    text: str = Field(min_length=1, description="Text to find, in upper or lower case.")


async def search_cells(work: Work, arguments: SearchCells) -> Outcome:
    """Tell the lines of sources that contain a text."""
    wanted = arguments.text.casefold()

    def view(doc: NotebookDoc, cell_id: CellId, _number: int) -> list[tuple[CellId, str]]:
        return [
            (cell_id, f"id={cell_id} line {number}: {line[:LINE]}")
            for number, line in enumerate(doc.source(cell_id).splitlines(), 1)
            if wanted in line.casefold()
        ]

    found = [match for matches in await work.place.each(view) for match in matches]
    if not found:
        return Outcome("No cell contains that.")
    more = f"\n[{len(found) - MAX_MATCHES} more]" if len(found) > MAX_MATCHES else ""
    told = "\n".join(line for _, line in found[:MAX_MATCHES])
    return Outcome(told + more, sources=frozenset(cell_id for cell_id, _ in found))


class ReadOutput(Arguments):
    """Which part of which output."""

    cell_id: str = Field(description="Id of the cell.")
    index: int = Field(default=0, ge=0, description="Which of its outputs; the first one is 0.")
    offset: int = Field(default=0, ge=0, description="Where to begin, in characters.")
    limit: int = Field(default=PAGE, ge=1, le=4 * PAGE, description="How many characters.")
    image: bool = Field(default=False, description="Whether to look at its picture instead.")


async def read_output(work: Work, arguments: ReadOutput) -> Outcome:
    """Tell a part of an output, or show its picture."""
    (cell,) = await work.place.read(lambda doc: look(doc, [known_cell(doc, arguments.cell_id)]))
    if arguments.index >= len(cell.outputs):
        return Outcome(f"The cell has {len(cell.outputs)} outputs, from 0 on.", failed=True)
    output = await work.place.whole(cell.outputs[arguments.index])
    if arguments.image:
        pictures = output_images(output)
        fitted = await to_thread(fitted_image, pictures[0]) if pictures else None
        if fitted is None:
            return Outcome("That output has no picture; read it without image.", failed=True)
        return Outcome("The picture follows.", tainted=True, images=(fitted[0],))
    how = f"read_output(cell_id={cell.cell_id}, index={arguments.index}, offset={{offset}}) goes on"
    text = output_text(output)
    return Outcome(page(text, arguments.offset, arguments.limit, how), tainted=bool(text))


READING: Final = (
    Tool(
        "get_notebook",
        "List the notebook's cells: number, type, id, revision, first line. Cells are named by id.",
        "read",
        GetNotebook,
        get_notebook,
    ),
    Tool(
        "read_cells",
        "Read the whole source of cells and what they put out. Read a cell before you replace it.",
        "read",
        ReadCells,
        read_cells,
    ),
    Tool(
        "search_cells",
        "Find a text in the sources of all cells; returns ids of cells and lines.",
        "read",
        SearchCells,
        search_cells,
    ),
    Tool(
        "read_output",
        "Read on in an output that was shortened, or look at a picture in it.",
        "read",
        ReadOutput,
        read_output,
    ),
)
