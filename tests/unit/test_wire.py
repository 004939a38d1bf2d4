"""Frames between the server and the agent."""

from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt import wire
from jupyter_runt.wire import BadFrame, Channel, Decoder, Kind

messages = st.tuples(st.sampled_from(Channel), st.lists(st.binary(max_size=50), max_size=8))


def records(said: list[tuple[Channel, list[bytes]]]) -> bytes:
    frames = (wire.record_frame(seq, *each) for seq, each in enumerate(said, start=1))
    return b"".join(part for frame in frames for part in frame)


@given(st.lists(messages, max_size=8), st.data())
def test_records_arrive_whole_however_their_bytes_come(
    said: list[tuple[Channel, list[bytes]]], data: st.DataObject
) -> None:
    sent, decoder, heard = records(said), Decoder(), []
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        heard += decoder.feed(sent[:size])
        sent = sent[size:]
    assert decoder.pending == 0
    assert {kind for kind, _ in heard} <= {Kind.RECORD}
    parsed = [wire.parse_record(payload) for _, payload in heard]
    assert [(each.channel, list(each.parts)) for each in parsed] == said
    assert [each.seq for each in parsed] == list(range(1, len(said) + 1))


@given(st.lists(messages, min_size=1, max_size=4), st.data())
def test_a_frame_that_was_damaged_never_arrives(
    said: list[tuple[Channel, list[bytes]]], data: st.DataObject
) -> None:
    sent = bytearray(records(said))
    sent[data.draw(st.integers(0, len(sent) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        heard = Decoder().feed(bytes(sent))
    except BadFrame:
        return
    assert len(heard) < len(said), "a length that grew waits for more"


@given(st.binary(max_size=60))
def test_garbage_is_refused_and_breaks_nothing(garbage: bytes) -> None:
    for parse in (wire.parse_record, wire.parse_json, wire.parse_retire):
        try:
            parse(memoryview(garbage))
        except BadFrame:
            continue


def test_json_and_places_arrive() -> None:
    ((kind, payload),) = Decoder().feed(wire.json_frame(Kind.HELLO, {"fence": 3}))
    assert (kind, wire.parse_json(payload)) == (Kind.HELLO, {"fence": 3})
    ((kind, payload),) = Decoder().feed(wire.retire_frame(7))
    assert (kind, wire.parse_retire(payload)) == (Kind.RETIRE, 7)
