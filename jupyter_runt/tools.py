"""What the AI can call: how a tool is described, called and answered, whoever provides it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, get_args

from jupyter_runt.events.agent import Effect as Effect
from jupyter_runt.events.agent import ToolStatus as ToolStatus
from jupyter_runt.ids import CellId

EFFECTS: Final[tuple[Effect, ...]] = get_args(Effect)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model is told of it."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of one object, in the strict subset: every property required, no others."""
    effect: Effect


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call, as the model wrote it."""

    call_id: str
    name: str
    arguments: str
    """JSON text, which may be anything."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture for models that see."""

    mime_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call led to, for the model to read."""

    call_id: str
    text: str
    status: ToolStatus
    tainted: bool
    """Whether it says what neither the model nor our own code wrote (AG3): it is data then."""
    images: tuple[Image, ...] = ()


class Toolbox(Protocol):
    """The tools of one turn: every effect is that of who asked for the turn (AG1)."""

    def specs(self) -> Sequence[ToolSpec]:
        """Return the tools that there are now; others may come while the turn goes on."""
        ...

    def effect(self, call: ToolCall) -> Effect:
        """Return what a call may do at most; a tool that nobody knows may do anything."""
        ...

    def was_shown(self, sources: Iterable[CellId], *, tainted: bool) -> None:
        """Note what the model knows besides what it is asked (AG3).

        Args:
            sources: cells of whose sources it was told.
            tainted: it was told what outputs, files or models said.
        """
        ...

    def was_told(self) -> None:
        """Note that the model knows the results of all calls: what it calls next may come of them.

        What it calls at once was written before it knew the first result.
        """
        ...

    async def call(self, call: ToolCall) -> ToolResult:
        """Do what is asked for, if the policy or a person allows it.

        Whatever goes wrong is said in the result. It may wait for a person's decision: the events
        of that say so to everybody. A call that is cancelled asks nobody any more.
        """
        ...
