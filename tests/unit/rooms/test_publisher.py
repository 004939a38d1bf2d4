"""A published state goes out at once, then at a pace, and is said again before it is forgotten."""

import pytest

from jupyter_runt.rooms.publisher import Publisher

pytestmark = pytest.mark.asyncio


async def test_the_first_state_goes_out_at_once_and_the_last_of_many_after_the_interval(eventually):
    sent = []
    publisher = Publisher(sent.append, interval=0.01, renewal=60)
    for number in range(9):
        publisher.publish({"n": number})
    assert sent == [{"n": 0}]
    await eventually(lambda: len(sent) == 2)
    assert sent[1] == {"n": 8}
    publisher.close()


async def test_a_state_is_said_again_while_there_is_no_newer_one(eventually):
    sent = []
    publisher = Publisher(sent.append, interval=0, renewal=0.005)
    publisher.publish({"n": 1})
    await eventually(lambda: sent == [{"n": 1}] * 3)
    publisher.close()


async def test_a_closed_publisher_says_nothing_more(settle):
    sent = []
    publisher = Publisher(sent.append, interval=0, renewal=0)
    publisher.close()
    publisher.publish({"n": 1})
    await settle()
    assert sent == []
