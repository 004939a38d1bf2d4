import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jupyter_runt.session.hosting import Hosted, cancelled_at_exit

pytestmark = pytest.mark.asyncio


class House:
    """Something with a lifetime."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.may_open = asyncio.Event()
        self.may_open.set()
        self.fails_to_open = False
        self.fails = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["House"]:
        await self.may_open.wait()
        if self.fails_to_open:
            raise LookupError("no house")
        self.happened.append("opened")
        async with asyncio.TaskGroup() as group:
            burning = group.create_task(self._burn())
            yield self
            burning.cancel()
        self.happened.append("closed")

    async def _burn(self) -> None:
        await self.fails.wait()
        raise OSError("fire")


async def test_what_one_request_opens_another_closes() -> None:
    house = House()
    async with asyncio.TaskGroup() as group:
        hosted = await group.create_task(Hosted.open(group, house.open(), "house"))
        assert hosted.value is house
        assert not hosted.done
        await group.create_task(hosted.close())
        assert hosted.done
        await hosted.close()
    assert house.happened == ["opened", "closed"]


async def test_what_cannot_be_opened_says_so_to_who_asked_alone() -> None:
    house = House()
    house.fails_to_open = True
    async with asyncio.TaskGroup() as group:
        with pytest.raises(LookupError):
            await Hosted.open(group, house.open(), "house")


async def test_what_fails_later_is_closed_and_its_siblings_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    house, sibling = House(), House()
    async with asyncio.TaskGroup() as group:
        hosted = await Hosted.open(group, house.open(), "house")
        other = await Hosted.open(group, sibling.open(), "sibling")
        with caplog.at_level(logging.CRITICAL, logger="jupyter_runt"):
            house.fails.set()
            await hosted.close()
        assert hosted.done
        assert not other.done
        await other.close()


async def test_who_gives_up_while_it_opens_leaves_nothing_open() -> None:
    house = House()
    house.may_open.clear()
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(Hosted.open(group, house.open(), "house"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        house.may_open.set()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert house.happened == ["opened", "closed"]


async def test_background_tasks_end_with_their_scope() -> None:
    ended = []

    async def forever(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)

    async with cancelled_at_exit() as tasks:
        tasks.create_task(forever("a"))
        tasks.create_task(forever("b"))
        await asyncio.sleep(0)
    assert sorted(ended) == ["a", "b"]
