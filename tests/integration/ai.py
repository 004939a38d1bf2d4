"""Turns of the AI on a real server, with a model that follows a script."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.integration.doorkeeper import NAME
from tests.integration.server import Answer, Notebook, Server, eventually

ADA: Final = {NAME: "ada"}


@contextmanager
def ai_server(folder: Path, port: int, **traits: Any) -> Iterator[Server]:
    """Run a server whose people have names, and whose model is to be on a port."""
    provider = {"name": "test", "base_url": f"http://127.0.0.1:{port}/v1", "models": ["scripted"]}
    config = {
        "ServerApp": {
            "authorizer_class": "tests.integration.doorkeeper.Doorkeeper",
            "identity_provider_class": "tests.integration.doorkeeper.NamedPeople",
        },
        "RuntAI": {"providers": [provider], "default_model": "test/scripted", **traits},
    }
    with Server(folder, config).running() as server:
        yield server


@dataclass
class Turn:
    """What somebody asked the AI."""

    notebook: Notebook
    turn_id: str
    cell_id: str
    headers: dict[str, str] = field(default_factory=lambda: dict(ADA))

    async def ended(self, wait: int = 60) -> dict[str, Any]:
        """Return the turn at its end."""
        url = f"{self.notebook.url}/turns/{self.turn_id}"
        turn: dict[str, Any] = await self.notebook.server.get(url, wait=wait)
        assert turn["status"] not in ("running", "waiting"), turn
        return turn

    async def waiting(self, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
        """Return the calls that wait, as somebody is told of them."""
        url = f"{self.notebook.url}/approvals"
        answer = await self.notebook.server.call("GET", url, headers=headers or self.headers)
        assert answer.status == 200, answer
        approvals: list[dict[str, Any]] = answer.body["approvals"]
        return [each for each in approvals if each["turn_id"] == self.turn_id]

    async def asks(self) -> dict[str, Any]:
        """Wait for a call that has to be decided about, and return it."""
        return (await eventually(self.waiting))[0]

    async def decide(
        self,
        shown: dict[str, Any],
        decision: str = "once",
        *,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> Answer:
        """Decide about a call."""
        body = {key: shown[key] for key in ("call_id", "arguments_hash", "nonce")}
        sent = {**body, "decision": decision, **fields}
        return await self.notebook.send("decide_approval", headers=headers or self.headers, **sent)

    async def ran(self) -> list[str]:
        """Return the code that the AI had run in the notebook."""
        events = await self.notebook.events(types="v1.ExecutionRequested")
        return [e["payload"]["source"] for e in events if e["actor"].startswith("agent:")]


async def ask(
    notebook: Notebook, prompt: str = "Do it.", *, headers: dict[str, str] | None = None
) -> Turn:
    """Ask in a new AI cell at the end of the notebook."""
    (cell_id,) = await notebook.add(prompt, cell_type="ai")
    return await ask_in(notebook, cell_id, headers=headers)


async def ask_in(
    notebook: Notebook, cell_id: str, *, headers: dict[str, str] | None = None
) -> Turn:
    """Ask in an AI cell."""
    sent = headers or dict(ADA)
    answer = await notebook.send("ask", cell_id=cell_id, headers=sent)
    assert answer.status == 200, answer
    turn_id = answer.body["events"][0]["payload"]["turn_id"]
    return Turn(notebook, turn_id, cell_id, sent)


def told(request: Any) -> str:
    """Return what a model was told last."""
    return json.dumps(request.messages[-1], ensure_ascii=False)
