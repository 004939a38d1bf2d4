"""Random stories of calls, decisions, forgeries and edits: only what was allowed ever runs."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from jupyter_runt.ai.policy import Policy
from jupyter_runt.errors import RuntError
from jupyter_runt.events.execution import ExecutionRequested
from jupyter_runt.ids import ActorId
from jupyter_runt.session.capabilities import Capability
from tests.unit.session.turn_bench import Bench, finishing_cells, turn_in
from tests.unit.session.workspace import ADA, OpenNotebook, Workspace

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("AG2", "AG3")]

EVE = ActorId("user:eve")
STEPS = 80


@dataclass
class Story:
    """A notebook in which Ada asks, Eve forges, and everybody edits."""

    notebook: OpenNotebook
    dice: random.Random
    turn: Bench
    allowed: list[str] = field(default_factory=list)
    """The code that Ada allowed."""
    always: bool = False
    """Whether she always allows it, in a turn that has read nothing."""
    unasked: int = 0
    """Calls for which that held."""
    calls: list["asyncio.Task[Any]"] = field(default_factory=list)
    old: list[dict[str, Any]] = field(default_factory=list)
    """What was decided about before."""
    edits: int = 0
    turns: int = 1

    def watch(self) -> None:
        """Count the calls that are made without a decision."""
        self.turn.box.policy = Watched(self)  # type: ignore[assignment]

    async def ask(self) -> None:
        cell_id = self.dice.choice(["c1", "c2"])
        call = asyncio.create_task(self.turn.call("run_cells", cell_ids=[cell_id]))
        self.calls.append(call)
        for _ in range(self.dice.randrange(30)):
            await asyncio.sleep(0)

    async def decide(self) -> None:
        """Decide as Ada, or as somebody who would like to have."""
        waiting = await self.turn.waiting()
        if not waiting:
            return
        shown = self.dice.choice(waiting)
        honest = self.dice.random() < 0.5
        sent, actor = dict(shown), ADA
        if not honest:
            other = self.dice.choice([*self.old, *waiting, {"nonce": "x", "arguments_hash": "y"}])
            forgery = self.dice.choice(["nonce", "arguments_hash", "actor"])
            if forgery == "actor":
                actor = EVE
            elif other.get("call_id") == shown["call_id"]:
                return
            else:
                sent[forgery] = other[forgery]
        decision = self.dice.choice(["once", "once", "always", "deny"])
        if sent["nonce"] is None:
            sent["nonce"] = "guessed"
        # Before it is sent: another call may profit from it before the reply is here.
        self.always |= honest and decision == "always" and shown["always"]
        try:
            await self.turn.decide(sent, decision, actor=actor)
        except RuntError:
            return
        assert honest, "a forged decision counted"
        self.old.append(shown)
        if decision != "deny":
            self.allowed.append(shown["preview"])

    async def edit(self) -> None:
        self.edits += 1
        cell_id = self.dice.choice(["c1", "c2"])
        await self.notebook.send("edit_cell", cell_id=cell_id, source=f"edit {self.edits}")

    async def rights(self) -> None:
        self.notebook.workspace.denied ^= {Capability.EXECUTE}

    async def cancel(self) -> None:
        if self.calls:
            call = self.dice.choice(self.calls)
            call.cancel()
            await asyncio.wait([call])

    async def next_turn(self) -> None:
        await self.finish()
        await self.turn.end()
        self.turns += 1
        self.turn = await turn_in(self.notebook, turn_id=f"t{self.turns}")
        self.watch()

    async def finish(self) -> None:
        for call in self.calls:
            call.cancel()
        if self.calls:
            await asyncio.wait(self.calls)
        self.calls.clear()


@dataclass
class Watched:
    """The default policy, and what it lets through."""

    story: Story
    policy: Policy = field(default_factory=Policy)

    def judge(self, effect: Any, *, granted: bool, tainted: bool) -> Any:
        verdict = self.policy.judge(effect, granted=granted, tainted=tainted)
        if verdict == "allow":
            assert self.story.always
            assert not tainted
            self.story.unasked += 1
        return verdict


@pytest.mark.parametrize("seed", range(6))
async def test_only_what_was_allowed_runs(workspace: Workspace, seed: int) -> None:
    workspace.write("nb.ipynb", "Do it.", "one", "two")
    dice = random.Random(seed)
    async with workspace.running(), workspace.open("nb.ipynb") as notebook:
        story = Story(notebook, dice, await turn_in(notebook))
        story.watch()
        async with finishing_cells(notebook):
            chapters = [story.ask] * 5 + [story.decide] * 8
            chapters += [story.edit, story.edit, story.rights, story.cancel, story.next_turn]
            for _ in range(STEPS):
                await dice.choice(chapters)()
            await story.finish()
        ran = [each.source for each in await notebook.payloads(ExecutionRequested)]
        for source in ran:
            if source in story.allowed:
                story.allowed.remove(source)
            else:
                story.unasked -= 1
        assert story.unasked >= 0
        with suppress(RuntError):
            await notebook.send("interrupt_runtime")


async def test_stories_let_something_run(workspace: Workspace) -> None:
    """Guards the stories themselves: they would prove nothing if nothing ever ran."""
    workspace.write("nb.ipynb", "Do it.", "one", "two")
    async with workspace.running(), workspace.open("nb.ipynb") as notebook:
        story = Story(notebook, random.Random(1), await turn_in(notebook))
        async with finishing_cells(notebook):
            for _ in range(30):
                await story.ask()
                await story.decide()
            await story.finish()
        assert await notebook.payloads(ExecutionRequested)
        assert story.old
