"""What is in no hurry waits until nobody waits for a document."""

import asyncio

import pytest

from jupyter_runt.handlers.calm import Calm

pytestmark = pytest.mark.asyncio


async def test_it_is_calm_where_nothing_is_opened() -> None:
    await Calm().come()


async def test_all_that_are_opened_are_waited_for() -> None:
    calm = Calm(afterwards=0)
    with calm.opening():
        with calm.opening():
            waiting = asyncio.create_task(calm.come())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


async def test_what_takes_for_ever_is_not_waited_for() -> None:
    calm = Calm(patience=0)
    with calm.opening():
        await calm.come()


async def test_a_page_has_time_to_show_what_was_opened() -> None:
    calm = Calm(afterwards=3600, patience=3600)
    with calm.opening():
        pass
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(calm.come(), timeout=0.001)
