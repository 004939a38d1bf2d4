"""What a peer of another history is asked, and what is believed of its answer."""

import asyncio

import pytest
from pycrdt import Doc, Text

from jupyter_runt.document.text import TextDoc
from jupyter_runt.rooms.channel import ChannelClosed
from jupyter_runt.rooms.foreign import holdings, read_holdings
from jupyter_runt.rooms.memory import MemoryChannel
from jupyter_runt.rooms.protocol import (
    BadFrame,
    SyncStep1,
    awareness_frame,
    parse,
    step1_frame,
    step2_frame,
    update_frame,
)

pytestmark = pytest.mark.rule("RM3")


def holding(text):
    doc = Doc()
    doc.get("source", type=Text).insert(0, text)
    return doc.get_update()


@pytest.mark.asyncio
async def test_it_is_asked_for_all_and_its_first_answer_counts():
    ours, theirs = MemoryChannel.pair(automatic=True)
    asked = asyncio.create_task(holdings(ours))
    assert parse(await theirs.receive()) == SyncStep1(b"\0")
    held = holding("typed")
    for frame in (
        step1_frame(b"\0"),
        awareness_frame(b"\0"),
        update_frame(holding("later")),
        step2_frame(held),
    ):
        await theirs.send(frame)
    assert await asked == held
    assert theirs.closed is None


@pytest.mark.asyncio
async def test_one_that_does_not_answer_is_not_waited_for():
    ours, _ = MemoryChannel.pair(automatic=True)
    assert await holdings(ours, patience=0) is None


@pytest.mark.asyncio
async def test_one_that_says_nothing_at_all_is_waited_for_less_long():
    silent, _ = MemoryChannel.pair(automatic=True)
    async with asyncio.timeout(30):
        assert await holdings(silent, patience=3600, greets_within=0) is None


@pytest.mark.asyncio
@pytest.mark.rule("RM2")
@pytest.mark.parametrize("frame", [b"", b"\0", b"\7\7", b"\0\1\7x"])
async def test_a_bad_frame_is_refused(frame):
    ours, theirs = MemoryChannel.pair(automatic=True)
    await theirs.send(frame)
    with pytest.raises(BadFrame):
        await holdings(ours)


@pytest.mark.asyncio
async def test_one_that_leaves_is_gone():
    ours, theirs = MemoryChannel.pair(automatic=True)
    await theirs.close(1000, "")
    with pytest.raises(ChannelClosed):
        await holdings(ours)


def test_an_answer_becomes_a_document():
    assert read_holdings(TextDoc(), holding("typed")).content() == "typed"
    assert read_holdings(TextDoc(), b"\0\0").content() == ""


@pytest.mark.rule("RM2")
@pytest.mark.parametrize(
    "update", [b"", b"\1", b"\xff" * 40, b"\1\1\1\0\x28\1\1x\1" + b"u\1" * 600]
)
def test_an_answer_that_is_no_update_is_refused(update):
    with pytest.raises(BadFrame):
        read_holdings(TextDoc(), update)
