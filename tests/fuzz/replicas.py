"""A tab's copy of a notebook, in Python and in Node: one vocabulary for what people do to it."""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from pycrdt import Array, Map, Text
from websockets.exceptions import WebSocketException

from tests.integration.peers import Tab, tab
from tests.integration.server import TOKEN, Notebook
from tests.interop.node import NodeTab, node_tab


class Replica(Protocol):
    """Its tab may be away; what is done to it then is sent when it is back."""

    async def act(self, do: str, **options: Any) -> Any:
        """Do what `notebook.mjs` names; the result is None where the cell is not here any more."""
        ...

    async def send(self) -> None:
        """Let what was done leave for the server."""
        ...

    async def come(self) -> None:
        """Connect, if the server answers."""
        ...

    async def leave(self) -> None:
        """Disconnect."""
        ...

    async def is_here(self) -> bool:
        """Tell whether it is connected, and has what the room had then."""
        ...


class Hand:
    """The vocabulary of `notebook.mjs`, on a document in Python."""

    def __init__(self, tab: Tab) -> None:
        self._notebook = tab.notebook
        self._cells: Array[Any] = tab.notebook.ycells
        self._meta: Map[Any] = tab.doc.get("meta", type=Map)

    def _find(self, cell: str) -> tuple[int, Map[Any]] | None:
        found = ((at, it) for at, it in enumerate(self._cells) if it["id"] == cell)
        return next(found, None)

    def write(self, cell: str, place: int, value: str) -> Any:
        if found := self._find(cell):
            source: Text = found[1]["source"]
            source.insert(len(str(source)[:place].encode()), value)
        return bool(found) or None

    def erase(self, cell: str, place: int) -> Any:
        if not (found := self._find(cell)):
            return None
        source: Text = found[1]["source"]
        value = str(source)[place : place + 1]
        start = len(str(source)[:place].encode())
        if value:
            del source[start : start + len(value.encode())]
        return value or None

    def add(self, at: int, cell: str, **content: Any) -> None:
        new = {"id": cell, **content, "metadata": {}, "execution_count": None}
        self._cells.insert(min(at, len(self._cells)), self._notebook.create_ycell(new))

    def drop(self, cell: str) -> Any:
        if found := self._find(cell):
            del self._cells[found[0]]
        return bool(found) or None

    def move(self, cell: str, to: int) -> Any:
        if found := self._find(cell):
            value = copy.deepcopy(found[1].to_py())
            del self._cells[found[0]]
            self._cells.insert(min(to, len(self._cells)), self._notebook.create_ycell(value))
        return bool(found) or None

    def tag(self, cell: str, key: str) -> Any:
        if found := self._find(cell):
            found[1]["metadata"][key] = True
        return bool(found) or None

    def label(self, key: str) -> None:
        self._meta["metadata"][key] = True

    def show(self, cell: str, text: str) -> Any:
        found = self._find(cell)
        if found is None or found[1]["cell_type"] != "code":
            return None
        output = {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}
        found[1]["outputs"].append(Map(output))
        return True

    def cells(self) -> Any:
        metadata = (self._meta.to_py() or {}).get("metadata", {})
        return {"cells": self._cells.to_py() or [], "metadata": metadata}


class PythonReplica:
    """Sends what it did only when it is told to, as over a slow network."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self._hand = Hand(tab)

    async def act(self, do: str, **options: Any) -> Any:
        """See `Replica`."""
        with self._tab.doc.transaction():
            return getattr(self._hand, do)(**options)

    async def send(self) -> None:
        """See `Replica`."""
        if self._tab.connected:
            await self._tab.tell()

    async def come(self) -> None:
        """See `Replica`."""
        if self._tab.connected:
            return
        await self._tab.leave()
        try:
            await self._tab.connect()
        except (OSError, WebSocketException):
            return  # the server is away

    async def leave(self) -> None:
        """See `Replica`."""
        await self._tab.leave()

    async def is_here(self) -> bool:
        """See `Replica`."""
        return self._tab.connected and self._tab.client.synced


class NodeReplica:
    """The stock provider: sends at once, and connects again by itself."""

    def __init__(self, tab: NodeTab) -> None:
        self._tab = tab

    async def act(self, do: str, **options: Any) -> Any:
        """See `Replica`."""
        return await self._tab(do, **options)

    async def send(self) -> None:
        """See `Replica`: it has."""

    async def come(self) -> None:
        """See `Replica`."""
        await self._tab("connect")

    async def leave(self) -> None:
        """See `Replica`."""
        await self._tab("disconnect")

    async def is_here(self) -> bool:
        """See `Replica`."""
        seen = await self._tab("look")
        return bool(seen["connected"] and seen["synced"])


@asynccontextmanager
async def python_replica(notebook: Notebook) -> AsyncIterator[PythonReplica]:
    """A replica whose tab is connected."""
    async with await tab(notebook) as opened:
        await opened.synced()
        yield PythonReplica(opened)


@asynccontextmanager
async def node_replica(notebook: Notebook) -> AsyncIterator[NodeReplica]:
    """A replica whose tab is connected."""
    session = await notebook.server.session(notebook.path)
    url = f"ws://127.0.0.1:{notebook.server.port}/api/collaboration/room"
    async with node_tab(url, notebook.room_id, TOKEN, session.body["sessionId"]) as opened:
        await opened.connect()
        yield NodeReplica(opened)
