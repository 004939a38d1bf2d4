"""A stream of bytes survives the connections that it goes over."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.execution.carrier import WINDOW, BadStream, Carrier


def delivered(messages: Iterable[bytes], to: Carrier) -> bytes:
    return b"".join(to.take(message) for message in messages)


@given(
    st.lists(st.binary(min_size=1, max_size=20), max_size=20),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.booleans()), max_size=6),
)
def test_whatever_is_lost_with_a_connection_comes_once_over_the_next_one(
    chunks: list[bytes], cuts: list[tuple[int, int, bool]]
) -> None:
    here, there = Carrier(), Carrier()
    came = b""
    unsent = list(chunks)
    for sent, arrived, heard in cuts:
        on_their_way = [here.send(chunk) for chunk in unsent[:sent]]
        del unsent[:sent]
        came += delivered(on_their_way[:arrived], there)
        if heard:
            here.acknowledged(there.received)
        came += delivered(here.again(there.received), there)
    came += delivered([here.send(chunk) for chunk in unsent], there)
    assert came == b"".join(chunks)
    assert not there.ended
    here.send(b"")  # which is lost
    assert delivered(here.again(there.received), there) == b""
    assert there.ended


def test_who_is_far_ahead_waits_until_something_has_come() -> None:
    carrier = Carrier()
    carrier.send(bytes(WINDOW - 1))
    assert not carrier.full
    carrier.send(b"12")
    assert carrier.full
    carrier.acknowledged(2)
    assert not carrier.full


def test_a_message_that_comes_twice_brings_nothing_new() -> None:
    here, there = Carrier(), Carrier()
    message = here.send(b"once")
    assert there.take(message) == b"once"
    assert there.take(message) == b""


@pytest.mark.parametrize("place", [-1, 3])
def test_nobody_can_have_what_was_not_sent(place: int) -> None:
    carrier = Carrier()
    carrier.send(b"12")
    with pytest.raises(BadStream):
        carrier.acknowledged(place)


def test_a_gap_and_a_message_without_a_place_are_refused() -> None:
    here, there = Carrier(), Carrier()
    here.send(b"lost")
    with pytest.raises(BadStream):
        there.take(here.send(b"later"))
    with pytest.raises(BadStream):
        there.take(b"short")
