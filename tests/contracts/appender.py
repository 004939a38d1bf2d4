"""A process that appends to a store and prints the `seq` of all that was acknowledged.

Run as: appender.py STORE SERVER_ID NOTEBOOK_ID APPENDS. Ten appends are under way at a time, of
one to three events each.
"""

import asyncio
import sys
from pathlib import Path

from jupyter_runt.events.base import Draft
from jupyter_runt.events.execution import ExecutionStarted
from jupyter_runt.ids import ActorId, ExecutionId, NotebookId
from jupyter_runt.storage.sqlite import SqliteStore


async def run(path: str, server_id: str, notebook_id: str, appends: str) -> None:
    async with SqliteStore(
        Path(path), server_id=server_id, exists=lambda _path: True, busy_timeout=20
    ) as store:

        async def append(number: int) -> None:
            drafts = [
                Draft(
                    payload=ExecutionStarted(execution_id=ExecutionId(f"{server_id}.{number}")),
                    actor=ActorId(f"user:{server_id}"),
                )
            ] * (1 + number % 3)
            for event in await store.append(NotebookId(notebook_id), drafts):
                print(event.seq, flush=True)  # noqa: T201

        for first in range(0, int(appends), 10):
            async with asyncio.TaskGroup() as group:
                for number in range(first, first + 10):
                    group.create_task(append(number))


asyncio.run(run(*sys.argv[1:]))
