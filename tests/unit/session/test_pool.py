import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jupyter_runt.rooms.work import RoomClosed
from jupyter_runt.session.pool import Pool

pytestmark = pytest.mark.asyncio


class Thing:
    """A pooled thing that is idle when the test says so."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.idle = True


class Shop:
    """Makes things, and remembers what happened to them."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.failures = 0

    @asynccontextmanager
    async def open(self, key: str) -> AsyncIterator[Thing]:
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise LookupError(key)
        self.happened.append(f"open {key}")
        yield Thing(key)
        await asyncio.sleep(0)
        self.happened.append(f"close {key}")


@asynccontextmanager
async def pooled(shop: Shop, keep: float = 0) -> AsyncIterator[Pool[Thing]]:
    async with asyncio.TaskGroup() as group:
        pool = Pool(group, shop.open, keep)
        yield pool
        await pool.close()


@pytest.mark.rule("RM4")
async def test_a_thing_is_open_once_for_everybody() -> None:
    shop = Shop()
    async with pooled(shop) as pool:

        async def use() -> Thing:
            async with pool.use("a") as thing:
                await asyncio.sleep(0)
                return thing

        things = await asyncio.gather(*(use() for _ in range(10)))
        assert set(things) == {pool.get("a")}
        async with pool.use("b"):
            assert [thing.key for thing in pool.open_ones()] == ["a", "b"]
    assert sorted(shop.happened) == ["close a", "close b", "open a", "open b"]


@pytest.mark.rule("RM4")
async def test_what_nobody_needs_is_closed_and_opened_anew() -> None:
    shop = Shop()
    async with pooled(shop) as pool:
        async with pool.use("a") as thing:
            await pool.close_idle()
            assert pool.get("a") is thing, "in use"
        thing.idle = False
        await pool.close_idle()
        assert pool.get("a") is thing, "not idle"
        thing.idle = True
        await pool.close_idle()
        assert pool.get("a") is None
        async with pool.use("a") as again:
            assert again is not thing


@pytest.mark.rule("RM4")
async def test_what_was_idle_for_a_moment_only_is_kept() -> None:
    shop = Shop()
    async with pooled(shop, keep=3600) as pool:
        async with pool.use("a") as thing:
            pass
        await pool.close_idle()
        await pool.close_idle()
        assert pool.get("a") is thing


async def test_what_cannot_be_opened_is_tried_again_by_the_next() -> None:
    shop = Shop()
    shop.failures = 1
    async with pooled(shop) as pool:
        with pytest.raises(LookupError):
            async with pool.use("a"):
                pass
        assert pool.open_by_key() == []
        async with pool.use("a") as thing:
            assert thing.key == "a"


async def test_a_thing_makes_way_only_if_nobody_needs_it() -> None:
    shop = Shop()
    async with pooled(shop) as pool:
        assert await pool.vacate("a")
        async with pool.use("a") as thing:
            assert not await pool.vacate("a")
        thing.idle = False
        assert not await pool.vacate("a")
        thing.idle = True
        assert await pool.vacate("a")
        assert pool.get("a") is None
    assert shop.happened == ["open a", "close a"]


async def test_who_comes_while_it_closes_gets_a_new_one() -> None:
    shop = Shop()
    async with pooled(shop) as pool:
        async with pool.use("a") as old:
            pass
        closing = asyncio.create_task(pool.close_one("a"))
        await asyncio.sleep(0)
        async with pool.use("a") as new:
            assert new is not old
        await closing
    assert shop.happened == ["open a", "close a", "open a", "close a"]


@pytest.mark.rule("RM4")
async def test_who_comes_after_somebody_gave_up_opening_finds_it_closed() -> None:
    happened: list[str] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def open_one(key: str) -> AsyncIterator[Thing]:
        happened.append("open")
        begun.set()
        await go_on.wait()
        yield Thing(key)
        happened.append("closed")

    async with asyncio.TaskGroup() as group:
        pool = Pool(group, open_one, 0)

        async def use() -> None:
            async with pool.use("a"):
                pass

        first, second = asyncio.create_task(use()), asyncio.create_task(use())
        await begun.wait()
        first.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        go_on.set()
        await second
        assert first.cancelled()
        await pool.close()
    assert happened == ["open", "closed", "open", "closed"]


async def test_nothing_is_opened_after_the_end() -> None:
    shop = Shop()
    async with pooled(shop) as pool:
        await pool.close()
        with pytest.raises(RoomClosed):
            async with pool.use("a"):
                pass


async def test_the_last_things_are_closed_at_the_same_time() -> None:
    closing = asyncio.Barrier(3)

    @asynccontextmanager
    async def open_one(key: str) -> AsyncIterator[Thing]:
        yield Thing(key)
        await closing.wait()

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        pool = Pool(group, open_one, 0)
        for key in "abc":
            async with pool.use(key):
                pass
        await pool.close()
