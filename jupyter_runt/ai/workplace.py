"""What the tools of a turn need from the notebook, and what a tool is to the toolbox."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from jupyter_runt.ai.arguments import Arguments, parameters
from jupyter_runt.commands import Command
from jupyter_runt.document.materialize import Execution
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.events.base import Event
from jupyter_runt.ids import CellId, ExecutionId
from jupyter_runt.tools import Effect, Image, ToolSpec

T = TypeVar("T")


class Workplace(Protocol):
    """A notebook as one turn reaches it: with the rights that who asked has at that moment (AG1).

    Errors are `RuntError`.
    """

    @property
    def cell_id(self) -> CellId:
        """The cell that is answered."""
        ...

    async def permit(self, effect: Effect) -> None:
        """Raise NotAuthorized unless who asked for the turn may have such an effect now."""
        ...

    async def read(self, view: Callable[[NotebookDoc], T]) -> T:
        """Return what `view` returns of the notebook as the log has it."""
        ...

    async def each(self, view: Callable[[NotebookDoc, CellId, int], T]) -> list[T]:
        """Return what `view` returns of each cell that the AI may see, from the top.

        It is given the cell's number, from 1, hidden cells counted. Others go on meanwhile: a cell
        that goes is left out, one that comes may be.
        """
        ...

    async def whole(self, output: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an output of the notebook with what is kept beside the document."""
        ...

    async def foreign(self, shown: Collection[CellId], read: Collection[CellId]) -> bool:
        """Tell whether others than who asked wrote in some cells, as far back as the log goes.

        Args:
            shown: what the file held of these when the notebook was first opened is nobody's.
            read: of these, it is somebody's.
        """
        ...

    async def touched(self, cell_id: CellId) -> bool:
        """Tell whether others wrote in a cell, or made it, since the turn began."""
        ...

    def beside(self, path: str) -> str:
        """Return a path from the notebook's folder as a root-relative one."""
        ...

    async def file_text(self, path: str) -> str:
        """Return the text of a file, by its root-relative path."""
        ...

    async def perform(self, command: Command) -> Sequence[Event]:
        """Perform a command, recorded as the turn's, and return its first events."""
        ...

    def execution(self, execution_id: ExecutionId) -> Execution | None:
        """Return an execution that is active, or the last of its cell."""
        ...

    async def ended(self, execution_ids: Sequence[ExecutionId], seconds: float) -> bool:
        """Wait until executions have ended, and tell whether they have."""
        ...

    async def ask_kernel(
        self, request: Mapping[str, Any], seconds: float, *, interrupts: bool = False
    ) -> Any:
        """Return the kernel's answer to a request of `jupyter_runt.kernel`.

        Args:
            interrupts: end what it does for us where that takes longer, or is cancelled. Only
                without it can a kernel be asked that runs a cell.

        Raises:
            RuntimeLost: there is no kernel, it did not answer, or it is not Python's.
            Conflict: it runs a cell, and cannot be asked beside it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool has to tell the model."""

    text: str
    tainted: bool = False
    """Whether it says what code put out, or a kernel answers."""
    sources: frozenset[CellId] = frozenset()
    """Cells of whose sources it tells."""
    failed: bool = False
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person is shown before they decide about a call, and what is held to it after."""

    text: str
    """The exact code that would run, say."""
    revisions: Mapping[CellId, str] = field(default_factory=dict)
    """SHA-256 (hex) of the sources of which that is true; others than these are refused."""


class Work(Protocol):
    """What tools keep in mind while a turn goes on."""

    place: Workplace
    seen: dict[CellId, str]
    """The revisions of the cells that the model read or wrote; others it knows as they were when
    the turn began."""
    made: list[CellId]
    """The cells that the turn made below its own, in order."""

    async def question(self, text: str, choices: Sequence[str]) -> str | None:
        """Return what who asked for the turn answers; None if they do not."""
        ...


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: what models are told, and what it does."""

    name: str
    description: str
    effect: Effect
    arguments: type[Arguments]
    run: Callable[..., Awaitable[Outcome]]
    """Given the work, the arguments, and the preview where there is one."""
    preview: Callable[[Work, Any], Awaitable[Preview]] | None = None
    """Where what is done is to be exactly what was shown before."""
    show: Callable[[Work, Any], Awaitable[str]] | None = None
    """Where people are better shown something else than the arguments."""
    fingerprint: str = ""
    """Of what is called, where others than we can change that."""
    schema: Mapping[str, Any] | None = None
    """Where `arguments` does not have it."""

    def spec(self) -> ToolSpec:
        """Return what a model is told."""
        schema = parameters(self.arguments) if self.schema is None else dict(self.schema)
        return ToolSpec(self.name, self.description, schema, self.effect)
