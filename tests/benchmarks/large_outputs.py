"""A notebook with 200 MB of pictures: how long it takes to open, and what that costs the server."""

import base64
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.pages import chromium, configure, leave, tab
from tests.benchmarks.rooms import RoomClient, joined, room_path
from tests.benchmarks.samples import Contest
from tests.benchmarks.servers import Kind, Server, running, turns

PICTURES: Final = 200
PICTURE: Final = 786_432
"""Bytes of one: a megabyte of base64."""

MEGABYTE: Final = 1e6


async def measure(kinds: Sequence[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    """Measure until the document is in the client: at first, and after a restart."""
    first, again = Contest(), Contest()
    for contest in (first, again):
        async with running(kinds, folder) as servers:
            for number, server in turns(servers, rounds):
                path = f"pictures-{number}.ipynb"
                if contest is first:
                    _write(server.root / path)
                start, before = time.perf_counter(), server.cpu_seconds()
                async with _opened(server, path) as client:
                    cpu = server.cpu_seconds() - before
                    contest.add(server.kind.name, [client.synced_at - start], cpu)
    return {"first": first, "after_restart": again}


async def on_screen(kinds: Sequence[Kind], folder: Path, rounds: int) -> dict[str, Contest]:
    """Measure from the click that opens it until its first cell is on the screen.

    Beside JupyterLab alone: Playwright does not survive frames as large as other rooms' are.
    """
    first, again = Contest(), Contest()
    kinds = [kind for kind in kinds if kind.ours or not kind.shares]
    configure(kinds, folder)
    async with chromium() as browser:
        for contest in (first, again):
            async with running(kinds, folder) as servers:
                for number, server in turns(servers, rounds):
                    path = f"pictures-{number}.ipynb"
                    if contest is first:
                        _write(server.root / path)
                    opened, before = await tab(browser, server), server.cpu_seconds()
                    seconds = await opened.open(path, "show(0)")
                    contest.add(server.kind.name, [seconds], server.cpu_seconds() - before)
                    await leave(opened)
    return {"first": first, "after_restart": again}


async def sizes(kind: Kind, folder: Path) -> dict[str, Any]:
    """Return what one opening costs beside time. Megabytes."""
    async with running([kind], folder) as (server,):
        async with joined(server, await _blank(server)):
            pass  # what every first notebook costs
        _write(server.root / "pictures.ipynb")
        before = server.memory_bytes()
        async with _opened(server, "pictures.ipynb") as client:
            return {
                "file": round((server.root / "pictures.ipynb").stat().st_size / MEGABYTE, 1),
                "document": round(len(client.doc.get_update()) / MEGABYTE, 2),
                "server_memory": round((server.memory_bytes() - before) / MEGABYTE, 1),
            }


async def _blank(server: Server) -> str:
    cell = {"cell_type": "raw", "id": "c", "metadata": {}, "source": []}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (server.root / "blank.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return await room_path(server, "blank.ipynb")


@asynccontextmanager
async def _opened(server: Server, path: str) -> AsyncIterator[RoomClient]:
    async with joined(server, await room_path(server, path)) as client:
        if len(client.cells) != PICTURES:
            raise RuntimeError(f"There are {len(client.cells)} of {PICTURES} cells.")
        yield client


def _write(path: Path) -> None:
    noise = random.Random(path.name)
    notebook = {
        "cells": [_cell(number, noise.randbytes(PICTURE)) for number in range(PICTURES)],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")


def _cell(number: int, picture: bytes) -> dict[str, Any]:
    data = {"image/png": base64.b64encode(picture).decode(), "text/plain": ["<picture>"]}
    return {
        "cell_type": "code",
        "execution_count": number + 1,
        "id": f"cell-{number}",
        "metadata": {},
        "outputs": [{"output_type": "display_data", "data": data, "metadata": {}}],
        "source": [f"show({number})"],
    }
