"""A turn of the AI without its model: the tools, and the person who decides."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from jupyter_runt.ai.policy import Policy
from jupyter_runt.ai.toolbox import TurnToolbox
from jupyter_runt.events.agent import ToolCallRequested, TurnCompleted, TurnStarted
from jupyter_runt.events.base import Draft
from jupyter_runt.ids import ActorId, CellId, Seq, TurnId, agent_actor
from jupyter_runt.session.capabilities import Requester
from jupyter_runt.session.replies import Reply
from jupyter_runt.session.turns.notebook_turns import TurnScope
from jupyter_runt.tools import ToolCall, ToolResult
from tests.unit.session.workspace import ADA, OpenNotebook, until

ALLOW_ALL = Policy.of(dict.fromkeys(("read", "edit", "execute", "files", "external"), "allow"))


@dataclass
class Bench:
    """A turn that goes on."""

    notebook: OpenNotebook
    box: TurnToolbox
    turn_id: TurnId
    calls: int = 0

    async def call(self, tool: str, **arguments: Any) -> ToolResult:
        """Call a tool as a model does."""
        return await self.call_raw(tool, json.dumps(arguments))

    async def call_raw(self, tool: str, arguments: str) -> ToolResult:
        self.calls += 1
        call = ToolCall(f"{self.turn_id}-{self.calls}", tool, arguments)
        requested = ToolCallRequested(
            turn_id=self.turn_id,
            call_id=call.call_id,
            tool=tool,
            effect=self.box.effect(call),
            arguments=arguments,
        )
        await self.notebook.session.writer.append(Draft(requested, agent_actor(self.turn_id)))
        result = await self.box.call(call)
        self.box.was_told()
        return result

    async def asks(self, tool: str, **arguments: Any) -> tuple["asyncio.Task[ToolResult]", Any]:
        """Call a tool that has to be decided about; return the call and what Ada is shown."""
        known = {each["call_id"] for each in await self.waiting()}
        task = asyncio.create_task(self.call(tool, **arguments))
        await until(lambda: task.done() or self._fresh(known))
        assert not task.done(), task.result()
        return task, next(e for e in await self.waiting() if e["call_id"] not in known)

    def _fresh(self, known: set[str]) -> bool:
        return bool(set(self.notebook.session.writer.state.approvals) - known)

    async def waiting(self, actor: ActorId = ADA) -> list[dict[str, Any]]:
        """Return what somebody is told of the calls that wait."""
        requester = Requester(actor, self.notebook.workspace.allows)
        return await self.notebook.session.approvals.listed(requester)

    async def decide(
        self, shown: dict[str, Any], decision: str = "once", *, actor: ActorId = ADA, **fields: Any
    ) -> Reply:
        """Decide about a call as the front end does."""
        body = {key: shown[key] for key in ("call_id", "arguments_hash", "nonce")}
        command = {**body, "decision": decision, **fields}
        return await self.notebook.send("decide_approval", actor=actor, **command)

    async def end(self) -> None:
        """End the turn."""
        done = TurnCompleted(turn_id=self.turn_id, status="ok")
        cause = f"turn:{self.turn_id}"
        await self.notebook.session.writer.append(Draft(done, agent_actor(self.turn_id), cause))


async def turn_in(
    notebook: OpenNotebook,
    cell_id: str = "c0",
    *,
    policy: Policy | None = None,
    turn_id: str = "t1",
    actor: ActorId = ADA,
) -> Bench:
    """Begin a turn in a cell."""
    await notebook.session.document()
    started = TurnStarted(
        turn_id=TurnId(turn_id),
        cell_id=CellId(cell_id),
        prompt="Do it.",
        model=None,
        document_seq=Seq(1),
        requested_by=actor,
    )
    await notebook.session.writer.append(Draft(started, actor, f"turn:{turn_id}"))
    scope = TurnScope(notebook.session, started, Requester(actor, notebook.workspace.allows))
    box = await notebook.workspace.toolbox(policy or Policy(), scope)
    return Bench(notebook, box, TurnId(turn_id))


@asynccontextmanager
async def finishing_cells(notebook: OpenNotebook) -> AsyncIterator[None]:
    """Have the kernel end each cell that it is given, printing its code."""

    async def work() -> None:
        done = 0
        while True:
            kernel = await notebook.started(done + 1)
            msg_id, code = kernel.asked[done]
            kernel.say("stream", msg_id, name="stdout", text=f"ran {code}\n")
            kernel.finish(msg_id, count=done + 1)
            done += 1

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
