import asyncio

import pytest

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.storage.growth import Growth

LOG = NotebookId("log")


@pytest.mark.asyncio
async def test_growth_before_the_wait_is_not_missed():
    growth = Growth()
    with growth.watch(LOG) as watch:
        growth.announce(LOG, Seq(3))
        growth.announce(LOG, Seq(2))
        assert await watch.beyond(Seq(2)) == 3


@pytest.mark.asyncio
async def test_growth_that_does_not_reach_far_enough_wakes_nobody():
    growth = Growth()
    with growth.watch(LOG) as watch:
        waiting = asyncio.ensure_future(watch.beyond(Seq(5)))
        for head in range(1, 6):
            growth.announce(LOG, Seq(head))
            await asyncio.wait([waiting], timeout=0)
            assert not waiting.done()
        growth.announce(LOG, Seq(6))
        assert await waiting == 6


@pytest.mark.asyncio
async def test_only_logs_that_somebody_waits_for_are_watched():
    growth = Growth()
    waiting = asyncio.ensure_future(growth.somebody_waits())
    await asyncio.wait([waiting], timeout=0)
    assert growth.watched == []
    with growth.watch(LOG):
        with growth.watch(LOG):
            pass
        assert growth.watched == [LOG]
        await waiting
    assert growth.watched == []


@pytest.mark.asyncio
async def test_the_end_wakes_everybody():
    growth = Growth()
    with growth.watch(LOG) as watch:
        growth.end()
        with pytest.raises(StoreUnavailable):
            await watch.beyond(Seq(0))
