"""A model that says what the test has it say, and tools that do nothing but remember."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field

from jupyter_runt.ai.catalog import ModelInfo
from jupyter_runt.ai.failures import ProviderFailure
from jupyter_runt.ai.messages import Assistant, Call, Delta, Message, Said
from jupyter_runt.ai.models import Choice
from jupyter_runt.ai.providers import AiConfig, ModelPrice
from jupyter_runt.events.agent import Usage
from jupyter_runt.ids import ActorId, CellId
from jupyter_runt.tools import Effect, ToolCall, ToolResult, ToolSpec

SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}

Step = str | asyncio.Event | Exception
"""Text that is said, what is waited for, or how it fails."""


def says(*steps: Step, calls: Sequence[tuple[str, str]] = ()) -> list[Step | Said]:
    """Return one answer: steps, and then the calls of tools by name and arguments."""
    text = "".join(step for step in steps if isinstance(step, str))
    wanted = tuple(Call(f"w{n}", name, arguments) for n, (name, arguments) in enumerate(calls))
    return [*steps, Said(Assistant(text, wanted), "stop", Usage(input_tokens=7, output_tokens=3))]


@dataclass
class ScriptedModel:
    """`Models` and the one model that there is."""

    replies: list[list[Step | Said]] = field(default_factory=list)
    heard: list[list[Message]] = field(default_factory=list)
    offered: list[tuple[ToolSpec, ...]] = field(default_factory=list)
    wanted: list[tuple[str, ActorId]] = field(default_factory=list)
    capabilities: tuple[str, ...] = ("tools",)
    budget: int = 20_000
    problem: str | None = None
    price: ModelPrice | None = None
    config: AiConfig = field(default_factory=lambda: AiConfig(providers={}))
    closed: int = 0

    async def choose(self, wanted: str, actor: ActorId) -> Choice:
        self.wanted.append((wanted, actor))
        if self.problem is not None:
            raise ProviderFailure(self.problem)
        info = ModelInfo("scripted", self.capabilities)  # type: ignore[arg-type]
        return Choice(wanted or "test/scripted", self, info, self.budget, self.price)

    async def say(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[Delta | Said]:
        self.heard.append(list(messages))
        self.offered.append(tuple(tools))
        try:
            for step in self.replies.pop(0):
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, Exception):
                    raise step
                else:
                    yield Delta(step) if isinstance(step, str) else step
        finally:
            self.closed += 1


@dataclass
class ScriptedTools:
    """A toolbox with a tool that looks and one that runs."""

    results: list[ToolResult | asyncio.Event] = field(default_factory=list)
    called: list[ToolCall] = field(default_factory=list)
    tainted: bool = False

    def specs(self) -> Sequence[ToolSpec]:
        return (
            ToolSpec("look", "Looks.", SCHEMA, "read"),
            ToolSpec("run", "Runs.", SCHEMA, "execute"),
        )

    def effect(self, call: ToolCall) -> Effect:
        return next((spec.effect for spec in self.specs() if spec.name == call.name), "external")

    def was_shown(self, sources: Iterable[CellId], *, tainted: bool) -> None:
        self.tainted |= tainted

    def was_told(self) -> None:
        """Nothing follows from it here."""

    async def call(self, call: ToolCall) -> ToolResult:
        self.called.append(call)
        result = self.results.pop(0) if self.results else None
        if isinstance(result, asyncio.Event):
            await result.wait()
            result = None
        if result is None:
            return ToolResult(call.call_id, f"{call.name} did it.", "ok", tainted=True)
        return result
