"""Channels in memory deliver what the test says, when it says."""

import asyncio

import pytest

from jupyter_runt.rooms.channel import ChannelClosed
from jupyter_runt.rooms.memory import MemoryChannel

pytestmark = pytest.mark.asyncio


async def test_frames_arrive_when_they_are_flushed_in_order():
    here, there = MemoryChannel.pair()
    for frame in (b"a", b"b", b"c"):
        await here.send(frame)
    assert here.flush(2) == 2
    assert [await there.receive(), await there.receive()] == [b"a", b"b"]
    assert (there.waiting, here.sent) == (0, (b"c",))


async def test_a_sender_feels_a_receiver_that_does_not_receive(settle):
    here, there = MemoryChannel.pair(automatic=True, capacity=1)
    await here.send(b"a")
    second = asyncio.ensure_future(here.send(b"b"))
    await settle()
    assert not second.done()
    assert await there.receive() == b"a"
    await second


async def test_after_a_close_what_was_delivered_is_received_and_nothing_is_sent():
    here, there = MemoryChannel.pair()
    await here.send(b"last")
    here.flush()
    await here.close(1000, "bye")
    await here.close(1001, "again")
    assert there.closed == (1000, "bye")
    assert await there.receive() == b"last"
    for end in (here, there):
        with pytest.raises(ChannelClosed):
            await end.receive()
        with pytest.raises(ChannelClosed):
            await end.send(b"late")


async def test_a_cut_loses_what_was_on_the_way(settle):
    here, there = MemoryChannel.pair()
    receiving = asyncio.ensure_future(there.receive())
    await here.send(b"lost")
    await settle()
    here.cut()
    with pytest.raises(ChannelClosed):
        await receiving
