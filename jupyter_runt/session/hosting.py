"""Lifetimes that begin and end at different times: each in a task of its own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Generic, TypeVar

from jupyter_runt.errors import RuntError

log = logging.getLogger(__name__)

T = TypeVar("T")


class Hosted(Generic[T]):
    """An async context manager kept open by a task of a task group.

    Task groups must be left by the task that entered them, so what a request opens and a later
    one closes cannot be entered by either.
    """

    def __init__(self, value: T, task: asyncio.Task[None], closing: asyncio.Event) -> None:
        self.value = value
        self._task = task
        self._closing = closing

    @classmethod
    async def open(
        cls, group: asyncio.TaskGroup, manager: AbstractAsyncContextManager[T], name: str
    ) -> "Hosted[T]":
        """Enter `manager` in a new task; raises what entering raises."""
        entered: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        closing = asyncio.Event()

        async def host() -> None:
            try:
                async with manager as value:
                    entered.set_result(value)
                    await closing.wait()
            except asyncio.CancelledError:
                entered.cancel()
                raise
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # panics of the CRDT library are no `Exception`
                if entered.done():
                    log.exception("%s failed and was closed.", name)  # its siblings go on
                else:
                    entered.set_exception(_ordinary(error, name))

        task = group.create_task(host(), name=name)
        try:
            return cls(await asyncio.shield(entered), task, closing)
        except asyncio.CancelledError:
            closing.set()  # the request went away while it opened: let it close again,
            await asyncio.wait([task])  # before somebody else opens it
            raise

    @property
    def done(self) -> bool:
        """Whether the manager was left."""
        return self._task.done()

    async def close(self) -> None:
        """Leave the manager and wait until it is left; nothing happens the second time."""
        self._closing.set()
        await asyncio.wait([self._task])


async def logged(coroutine: Coroutine[Any, Any, None], name: str) -> None:
    """Run a task whose failure must not take the notebook's other tasks with it."""
    try:
        await coroutine
    except RuntError as error:
        log.warning("Could not %s: %s", name, error.message)
    except Exception:
        log.exception("Could not %s", name)


def _ordinary(error: BaseException, name: str) -> Exception:
    if isinstance(error, Exception):
        return error
    failure = RuntimeError(f"{name} failed: {error!r}")
    failure.__cause__ = error
    return failure


class BackgroundTasks:
    """Tasks that are cancelled when their scope is left."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: set[asyncio.Task[Any]] = set()

    def create_task(
        self, coroutine: Coroutine[Any, Any, T], *, name: str | None = None
    ) -> asyncio.Task[T]:
        """Run a coroutine until it ends or the scope does."""
        task = self._group.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """Cancel what still runs."""
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def cancelled_at_exit() -> AsyncIterator[BackgroundTasks]:
    """A task group that does not wait for its tasks: leaving cancels them."""
    async with asyncio.TaskGroup() as group:
        tasks = BackgroundTasks(group)
        try:
            yield tasks
        finally:
            tasks.cancel()
