"""What a Yjs update holds is known before a document is touched."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text, merge_updates

from jupyter_runt.rooms.protocol import BadFrame, read_state_vector
from jupyter_runt.rooms.updates import (
    EMPTY,
    authors,
    beginnings,
    has_structs,
    is_covered,
    writes_as,
)


def typed(text, client_id=None, onto=b""):
    """Return a document in which a client appended `text`, and the update of that alone."""
    doc = Doc(client_id=client_id)
    source = doc.get("text", type=Text)
    if onto:
        doc.apply_update(onto)
    before = doc.get_state()
    source += text
    return doc, doc.get_update(before)


def test_the_author_of_a_browsers_update_is_read_from_its_header():
    assert authors(typed("a", 77)[1]) == (1, 77)
    assert authors(EMPTY) == (0, None)


def test_an_update_of_several_clients_is_counted():
    update = merge_updates(typed("a", 7)[1], typed("b", 8)[1])
    assert authors(update)[0] == 2
    assert has_structs(update)


def test_deletions_alone_are_no_structs():
    doc, _ = typed("abc")
    before = doc.get_state()
    with doc.transaction():
        del doc.get("text", type=Text)[0:2]
    update = doc.get_update(before)
    assert update != EMPTY
    assert not has_structs(update)


@pytest.mark.rule("EL1")
def test_an_update_is_covered_when_its_structs_and_what_it_deletes_are_there():
    author, first = typed("abc", 7)
    known = author.get_state()
    assert is_covered(first, known)
    assert not is_covered(first, b"\0")
    with author.transaction():
        del author.get("text", type=Text)[1:2]
    deletion = author.get_update(known)
    assert is_covered(deletion, known)
    assert not is_covered(deletion, b"\0")
    assert not is_covered(deletion, b"\1\7\1")


@pytest.mark.rule("EX9")
@pytest.mark.parametrize("server", [1, 2**32 - 7])
def test_new_structs_of_a_reserved_client_are_found_anywhere(server):
    base, first = typed("server", server)
    state = base.get_state()
    honest = typed("peer", 50, onto=base.get_update())[0]
    forged = typed("forged", server, onto=base.get_update())[1]
    reserved = frozenset({server, 99})
    assert not writes_as(honest.get_update(), reserved, state)
    assert not writes_as(first, reserved, state)
    assert writes_as(forged, reserved, state)
    assert writes_as(merge_updates(honest.get_update(), forged), reserved, state)
    assert writes_as(first, reserved, b"\0")


@pytest.mark.rule("EX9")
def test_structs_of_a_reserved_client_beyond_a_gap_are_found():
    base = typed("server", 1)[0]
    _, later = typed("!", 1, onto=base.get_update())
    peer = typed("peer", 50)[1]
    assert writes_as(later, frozenset({1}), b"\0")
    assert writes_as(merge_updates(peer, later), frozenset({1}), b"\0")


@pytest.mark.parametrize("update", [b"", b"\1", b"\1\1", b"\xff" * 30])
def test_what_is_no_update_is_refused(update):
    with pytest.raises(BadFrame):
        writes_as(update, frozenset({1}), b"\0")
    with pytest.raises(BadFrame):
        is_covered(update, b"\0")


@given(st.integers())
def test_an_update_is_covered_exactly_when_applying_it_leaves_nothing_out(seed):
    chance = random.Random(seed)
    author = Doc(client_id=5)
    text, cells = author.get("text", type=Text), author.get("cells", type=Array)
    updates = []
    subscription = author.observe(lambda event: updates.append(event.update))
    for number in range(12):
        if chance.random() < 0.3 and len(str(text)) > 2:
            with author.transaction():
                del text[0:1]
        elif chance.random() < 0.5:
            text.insert(0, f"{number}")
        else:
            cells.append(Map({"n": number}))
    author.unobserve(subscription)
    kept = [update for update in updates if chance.random() < 0.8]
    reader = Doc()
    for update in kept:
        reader.apply_update(update)
    covered = all(is_covered(update, reader.get_state()) for update in kept)
    replay = Doc()
    replay.apply_update(reader.get_update())
    for update in kept:
        replay.apply_update(update)
    whole = Doc()
    whole.apply_update(reader.get_update())
    if covered:
        vectors = [read_state_vector(doc.get_state()) for doc in (replay, whole, reader)]
        assert vectors == [vectors[0]] * 3
    else:
        assert kept != updates


def test_each_client_s_first_structs_are_found_in_an_update():
    doc, _ = typed("abc", 7)
    before = doc.get_state()
    doc.get("text", type=Text).insert(3, "d")
    other, _ = typed("ef", 8, onto=doc.get_update())
    assert beginnings(EMPTY) == []
    assert beginnings(doc.get_update(before)) == [(7, 3)]
    assert sorted(beginnings(other.get_update(before))) == [(7, 3), (8, 0)]
