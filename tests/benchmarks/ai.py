"""What an answer of the AI costs: until it is seen, while it streams, with tools, when stopped."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jupyter_runt.ai.fake.script import Reply, Request, Script
from jupyter_runt.ai.fake.server import FakeModel
from tests.benchmarks.notebooks import write_notebook
from tests.benchmarks.rooms import joined, room_path
from tests.benchmarks.samples import summary
from tests.benchmarks.servers import Kind, Server, running
from tests.benchmarks.web import Connection

PATH: Final = "asking.ipynb"
TURNS: Final = 40
TOKENS: Final = 1_000
RATE: Final = 100.0
"""Tokens a second, as a fast model writes."""
PATIENCE: Final = 60.0


async def measure(kind: Kind, folder: Path) -> dict[str, Any]:
    """Ask a scripted model in a notebook of ten cells."""
    async with FakeModel(lambda _request: Reply("ready")) as model:
        os.environ.update(OPENAI_API_KEY="benchmark", OPENAI_BASE_URL=model.url)
        async with running([kind], folder) as (server,), asking(server) as notebook:
            for _ in range(5):
                await notebook.answered(model, Reply("warm"))
            return {
                "first_text": summary([await _first_text(notebook, model) for _ in range(TURNS)]),
                "tool_call": summary([await _tool_call(notebook, model) for _ in range(TURNS)]),
                "cancel": summary([await _cancel(notebook, model) for _ in range(TURNS)]),
                "stream": await _stream(notebook, model, server),
            }


class AskingNotebook:
    """A notebook with an AI cell, its commands and its events."""

    def __init__(self, path: str, cell_id: str, commands: Connection) -> None:
        self.path = path
        self.cell_id = cell_id
        self.commands = commands
        self.heard: asyncio.Queue[tuple[float, dict[str, Any]]] = asyncio.Queue()
        """Events of turns, with the moments at which they came."""

    async def follow(self, events: Connection, after: int) -> None:
        """Hear events for ever."""
        async with aclosing(events.lines(f"{self.path}/events?after={after}&follow=1")) as lines:
            async for line in lines:
                self.heard.put_nowait((time.perf_counter(), json.loads(line)))

    async def ask(self, model: FakeModel, script: Script) -> str:
        """Ask, and return the id of the turn."""
        model.script = script
        asked = {"type": "ask", "cell_id": self.cell_id}
        reply = await self.commands.request("POST", f"{self.path}/commands", asked)
        turn_id: str = reply["events"][0]["payload"]["turn_id"]
        return turn_id

    async def answered(self, model: FakeModel, *replies: Reply) -> list[dict[str, Any]]:
        """Ask, and return what happened until the answer was there."""
        left = iter(replies)
        await self.ask(model, lambda _request: next(left))
        return await self.until("v1.TurnCompleted")

    async def until(self, name: str) -> list[dict[str, Any]]:
        """Return the events up to the next one of that name."""
        events: list[dict[str, Any]] = []
        async with asyncio.timeout(PATIENCE):
            while not events or events[-1]["name"] != name:
                events.append((await self.heard.get())[1])
        return events


@asynccontextmanager
async def asking(server: Server) -> AsyncIterator[AskingNotebook]:
    """A notebook of ten cells, and an AI cell below."""
    write_notebook(server.root / PATH, 10)
    async with Connection(server.address) as commands, Connection(server.address) as events:
        found = await commands.request("GET", f"/api/runt/notebooks?path={PATH}")
        path = f"/api/runt/notebooks/{found['notebook_id']}"
        create = {
            "type": "create_cell",
            "cell_type": "ai",
            "source": "What is it?",
            "after": "cell-9",
        }
        made = await commands.request("POST", f"{path}/commands", create)
        cell_id = made["events"][0]["payload"]["changes"][0]["cell_id"]
        notebook = AskingNotebook(path, cell_id, commands)
        following = asyncio.create_task(notebook.follow(events, made["seq"]))
        try:
            yield notebook
        finally:
            following.cancel()


async def _first_text(notebook: AskingNotebook, model: FakeModel) -> float:
    """Return the seconds from the provider's first word until it is on an event stream."""
    sent: list[float] = []

    def script(_request: Request) -> Reply:
        sent.append(time.perf_counter())
        return Reply("one")

    await notebook.ask(model, script)
    async with asyncio.timeout(PATIENCE):
        at, event = await notebook.heard.get()
        while event["name"] != "v1.TurnTextAppended":
            at, event = await notebook.heard.get()
    await notebook.until("v1.TurnCompleted")
    return at - sent[0]


async def _tool_call(notebook: AskingNotebook, model: FakeModel) -> float:
    """Return the seconds in which a cell was made that the model wants."""
    wanted = {"cell_type": "code", "source": "x = 1", "after": "cell-9"}
    events = await notebook.answered(
        model, Reply(calls=[("create_cell", wanted)]), Reply("It is there.")
    )
    at = {event["name"]: datetime.fromisoformat(event["recorded_at"]) for event in events}
    result = next(e["payload"] for e in events if e["name"] == "v1.ToolCallCompleted")
    if result["status"] != "ok":
        raise RuntimeError(result["result"])
    return (at["v1.ToolCallCompleted"] - at["v1.ToolCallRequested"]).total_seconds()


async def _cancel(notebook: AskingNotebook, model: FakeModel) -> float:
    """Return the seconds from the wish to stop until the provider's connection is closed."""
    turn_id = await notebook.ask(model, lambda _request: Reply("one two", hold=asyncio.Event()))
    await notebook.until("v1.TurnTextAppended")
    start = time.perf_counter()
    cancel = {"type": "cancel_turn", "turn_id": turn_id}
    cancelling = asyncio.create_task(
        notebook.commands.request("POST", f"{notebook.path}/commands", cancel)
    )
    async with asyncio.timeout(PATIENCE):
        await model.requests[-1].closed.wait()
    seconds = time.perf_counter() - start
    await cancelling
    await notebook.until("v1.TurnCompleted")
    return seconds


async def _stream(notebook: AskingNotebook, model: FakeModel, server: Server) -> dict[str, Any]:
    """Return what a long answer takes of a processor, and of the documents."""
    room = await room_path(server, PATH)
    async with joined(server, room) as client:
        before = len(client.doc.get_update())
    words = [f"word{number % 10} " for number in range(TOKENS)]
    cpu, start = server.cpu_seconds(), time.perf_counter()
    events = await notebook.answered(model, Reply(words, delay=1 / RATE))
    cpu, seconds = server.cpu_seconds() - cpu, time.perf_counter() - start
    async with joined(server, room) as client:
        after = len(client.doc.get_update())
    appended = [event for event in events if event["name"] == "v1.TurnTextAppended"]
    return {
        "tokens_per_second": round(TOKENS / seconds, 1),
        "cpu_share": round(cpu / seconds, 3),
        "appends": len(appended),
        "text_kb": round(sum(map(len, words)) / 1e3, 1),
        "notebook_growth_kb": round((after - before) / 1e3, 1),
    }
