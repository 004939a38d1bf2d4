"""Tabs in Node: the stock y-websocket provider, driven from here."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent


def is_installed() -> bool:
    """Tell whether the client is here as npm has it: `.ci/setup` installs it."""
    return bool(shutil.which("node")) and (HERE / "node_modules").is_dir()


class NodeTab:
    """A Node process with a document and a provider (`client.mjs` says what it can do)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def __call__(self, do: str, **options: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **options}).encode() + b"\n")
        return json.loads(await self._process.stdout.readline())["result"]

    async def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Look until the condition is true, and return what was seen."""
        async with asyncio.timeout(60):
            while not condition(seen := await self("look")):
                pass
            return dict(seen)

    async def shows(self, text: str) -> None:
        """Wait until the text is this and everything of the room is here."""
        await self.until(lambda seen: seen["text"] == text and seen["synced"])

    async def connect(self) -> None:
        """Connect, and wait until everything of the room is here."""
        await self("connect")
        await self.until(lambda seen: seen["synced"])


@asynccontextmanager
async def node_tab(
    url: str, room_id: str, token: str, session_id: str = ""
) -> AsyncIterator[NodeTab]:
    """Start a tab that is not connected yet; `url` is that of the rooms, with `ws://`."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(HERE / "client.mjs"),
        *(url, room_id, token, session_id),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        yield NodeTab(process)
    finally:
        process.stdin.close()
        await process.wait()
