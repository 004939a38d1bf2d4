"""A thread that owns a connection to the database and does what coroutines ask for."""

import asyncio
import sqlite3
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, ClassVar, Self, TypeVar

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.storage.sqlite.handoff import Handoff

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


@dataclass(slots=True)
class Job:
    """Work that somebody waits for, and how it went."""

    work: Work[Any]
    waiter: asyncio.Future[Any]
    given_up: asyncio.Future[None] | None = None
    """Who was cancelled while waiting: the thread does the work all the same."""
    answered: bool = False
    result: Any = None
    error: Exception | None = None


class Worker(ABC):
    """Does work in the order in which it comes, in groups; its lifetime is one `async with`."""

    name: ClassVar[str]
    group_limit: ClassVar[int]
    """So many jobs are taken from the queue together, and answered together."""

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._handoff = Handoff()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self.is_open = False
        """Whether work is taken."""
        self._waiting = 0
        self._connection: sqlite3.Connection | None = None  # touched by the thread only

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        # A daemon: a program that dies without closing its store must not hang here.
        self._thread = threading.Thread(target=self._serve, name=self.name, daemon=True)
        self._thread.start()
        self.is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish what waits, then end the thread."""
        self.is_open = False
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    async def run(self, work: Work[T]) -> T:
        """Return what `work` returns, or raise what it raises.

        A caller that is cancelled is let go once the work is done.

        Raises:
            StoreUnavailable: the database cannot be used, or is closed.
        """
        if not self.is_open:
            raise StoreUnavailable(f"{self._path} is closed.", path=str(self._path))
        job = Job(work, self._loop.create_future())
        self._waiting += 1
        self._jobs.put(job)
        self._handoff.asked()
        try:
            result: T = await job.waiter
        except asyncio.CancelledError:
            if not job.answered:
                job.given_up = self._loop.create_future()
                await asyncio.wait([job.given_up])
            raise
        return result

    @property
    def idle(self) -> bool:
        """Whether it is open, and nobody waits for it."""
        return self.is_open and self._waiting == 0

    def _answer(self, group: list[Job]) -> None:
        self._waiting -= len(group)
        for job in group:
            job.answered = True
            if job.given_up is not None:
                job.given_up.set_result(None)
            elif job.waiter.done():
                continue  # who waited was cancelled, and will see that there is an answer
            elif job.error is None:
                job.waiter.set_result(job.result)
            else:
                job.waiter.set_exception(job.error)

    @abstractmethod
    def _do(self, group: list[Job]) -> None:
        """Give every job of the group its result or its error; runs in the thread."""

    def _serve(self) -> None:
        while group := self._next_group():
            try:
                self._do(group)
            except Exception as error:  # noqa: BLE001  a mistake here must leave nobody waiting
                for job in group:
                    job.error = job.error or error
            self._loop.call_soon_threadsafe(self._answer, group)
            self._handoff.answered(len(group))
        self._disconnect()

    def _next_group(self) -> list[Job]:
        """Return the jobs that wait, at least one; none when the worker closes."""
        group: list[Job] = []
        job = self._jobs.get()
        with suppress(Empty):
            while job is not None:
                group.append(job)
                if len(group) == self.group_limit:
                    return group
                job = self._jobs.get_nowait()
        if job is None and group:
            self._jobs.put(None)  # nothing comes after it: it is seen again in the next round
        return group

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _disconnect(self) -> None:
        """Close the connection; the next work opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
