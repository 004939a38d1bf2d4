"""Tools that run code, and those that tell what became of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from pydantic import Field

from jupyter_runt.ai.arguments import Arguments, Strings
from jupyter_runt.ai.reading_tools import told_outputs
from jupyter_runt.ai.visible import VisibleCell, is_visible, known_cells, look, visible_cell
from jupyter_runt.ai.workplace import Outcome, Preview, Tool, Work
from jupyter_runt.commands import ExecuteCells, InterruptRuntime
from jupyter_runt.document.materialize import Execution
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import ExecutionNotFound, InvalidCommand
from jupyter_runt.events.execution import ExecutionRequested
from jupyter_runt.ids import CellId, ExecutionId

WAIT: Final = 30
MAX_WAIT: Final = 120


class RunCells(Arguments):
    """Which cells, and how long to wait for them."""

    cell_ids: Strings = Field(
        default=[], max_length=200, description="Ids of code cells, in order; null: all of them."
    )
    stop_on_error: bool = Field(default=True, description="Whether a failing cell ends the run.")
    wait_s: int = Field(
        default=WAIT, ge=0, le=MAX_WAIT, description="Seconds to wait for the outputs."
    )


async def preview_run(work: Work, arguments: RunCells) -> Preview:
    """Return the exact code that would run."""
    cells = await _code_cells(work, arguments.cell_ids)
    several = len(cells) > 1
    code = [f"# cell {cell.number}\n{cell.source}" if several else cell.source for cell in cells]
    return Preview("\n\n".join(code), {cell.cell_id: cell.revision for cell in cells})


async def _code_cells(work: Work, names: Sequence[str]) -> list[VisibleCell]:
    if names:
        cells = await work.place.read(lambda doc: look(doc, known_cells(doc, names)))
    else:
        every = await work.place.each(visible_cell)
        cells = [cell for cell in every if cell.kind == "code" and cell.source.strip()]
    for cell in cells:
        if cell.kind != "code":
            raise InvalidCommand(f"Cell {cell.cell_id} is of type {cell.kind}: it does not run.")
    if not cells:
        raise InvalidCommand("There is no code cell to run.")
    return cells


async def run_cells(work: Work, arguments: RunCells, preview: Preview) -> Outcome:
    """Run cells that still read as shown, and wait for what they put out."""
    events = await work.place.perform(
        ExecuteCells(
            type="execute_cells",
            cell_ids=tuple(preview.revisions),
            expected_revisions=dict(preview.revisions),
            stop_on_error=arguments.stop_on_error,
        )
    )
    started = [
        event.payload.execution_id
        for event in events
        if isinstance(event.payload, ExecutionRequested)
    ]
    await work.place.ended(started, arguments.wait_s)
    return await _report(work, started)


async def _report(work: Work, execution_ids: Sequence[ExecutionId]) -> Outcome:
    """Tell how executions stand, and what they put out."""
    known = [each for each in map(work.place.execution, execution_ids) if each is not None]

    def view(doc: NotebookDoc) -> dict[CellId, VisibleCell]:
        here = [each.cell_id for each in known if is_visible(doc, each.cell_id)]
        return {cell.cell_id: cell for cell in look(doc, here)}

    cells = await work.place.read(view)
    parts, tainted = [], False
    for execution in known:
        cell = cells.get(execution.cell_id)
        shown = told_outputs(cell) if cell is not None and execution.started_at else ""
        tainted |= bool(shown) or execution.error is not None
        parts.append("\n".join(part for part in (_status(execution), shown) if part))
    return Outcome("\n\n".join(parts) or "Nothing ran.", tainted=tainted)


def _status(execution: Execution) -> str:
    told = f"Cell {execution.cell_id}: {execution.status}"
    if execution.ended:
        why = f" ({execution.reason})" if execution.reason else ""
        return f"{told}{why}." if execution.started_at else f"{told}{why}: it did not run."
    how = f"get_execution(execution_id={execution.execution_id}) waits for its end."
    if execution.input is not None:
        return f"{told}: it waits for somebody to answer its prompt in the notebook. {how}"
    since = execution.started_at or execution.requested_at
    seconds = (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()
    # How long tells a model that something happens, and who looks for loops that this is none.
    return f"{told} for {seconds:.1f} s. It goes on, and that is fine. {how}"


class GetExecution(Arguments):
    """Which execution, and how long to wait for it."""

    execution_id: str = Field(description="Id of the execution, as run_cells told it.")
    wait_s: int = Field(default=WAIT, ge=0, le=MAX_WAIT, description="Seconds to wait for its end.")


async def get_execution(work: Work, arguments: GetExecution) -> Outcome:
    """Wait for an execution, and tell how it stands."""
    execution_id = ExecutionId(arguments.execution_id)
    execution = work.place.execution(execution_id)
    if execution is None or not await work.place.read(
        lambda doc: not doc.has_cell(execution.cell_id) or is_visible(doc, execution.cell_id)
    ):
        raise ExecutionNotFound(
            f"There is no execution {execution_id}, or its cell ran again since: read_cells shows"
            " what a cell put out."
        )
    await work.place.ended([execution_id], arguments.wait_s)
    return await _report(work, [execution_id])


class InterruptKernel(Arguments):
    """Nothing."""


async def interrupt_kernel(work: Work, _arguments: InterruptKernel) -> Outcome:
    """Interrupt the kernel."""
    await work.place.perform(InterruptRuntime(type="interrupt_runtime"))
    return Outcome("The kernel was interrupted.")


RUNNING: Final = (
    Tool(
        "run_cells",
        "Run code cells on the notebook's kernel and return what they put out. A cell that takes"
        " longer than wait_s goes on: you get its execution id.",
        "execute",
        RunCells,
        run_cells,
        preview_run,
    ),
    Tool(
        "get_execution",
        "Wait for an execution that goes on, and return what it put out so far.",
        "read",
        GetExecution,
        get_execution,
    ),
    Tool(
        "interrupt_kernel",
        "Interrupt what the kernel runs now, as its stop button does.",
        "execute",
        InterruptKernel,
        interrupt_kernel,
    ),
)
