"""States go with their connections, and nobody speaks for somebody else."""

from dataclasses import dataclass

import pytest
from pycrdt import Awareness, Doc

from jupyter_runt.document.lib0 import write_bytes, write_integer
from jupyter_runt.ids import ActorId, user_actor
from jupyter_runt.rooms.presence import MAX_REMEMBERED, Presence
from jupyter_runt.rooms.protocol import BadFrame

SERVER = 1


@dataclass(eq=False)
class Connection:
    actor: ActorId


@pytest.fixture
def presence():
    return Presence(SERVER)


ada, bob = Connection(user_actor("ada")), Connection(user_actor("bob"))


def says(client, clock, state):
    return b"\1" + write_integer(client) + write_integer(clock) + write_bytes(state.encode())


def seen(payload):
    """Return the states that a y-protocols client knows after an update."""
    awareness = Awareness(Doc(client_id=999))
    awareness.apply_awareness_update(payload, "room")
    return {client: state for client, state in awareness.states.items() if client != 999}


def test_a_newcomer_is_told_who_is_here(presence):
    presence.apply(ada, says(10, 1, '{"user": "é🎉"}'))
    presence.apply(bob, says(20, 5, '{"user": "bob"}'))
    assert seen(presence.snapshot()) == {10: {"user": "é🎉"}, 20: {"user": "bob"}}


def test_nobody_is_here_at_first(presence):
    assert presence.snapshot() is None


def test_a_renewed_state_goes_to_everybody_its_sender_too(presence):
    presence.apply(ada, says(10, 1, "{}"))
    assert presence.apply(ada, says(10, 2, "{}")) == says(10, 2, "{}")


def test_what_is_known_already_is_not_sent_again(presence):
    presence.apply(ada, says(10, 2, '{"a": 1}'))
    assert presence.apply(bob, says(10, 2, '{"a": 1}')) is None
    assert presence.apply(ada, says(10, 1, '{"a": 0}')) is None


def test_states_go_with_their_connection(presence):
    presence.apply(ada, says(10, 3, "{}"))
    presence.apply(ada, says(11, 1, "{}"))
    assert presence.leave(ada) == b"\2" + says(10, 3, "null")[1:] + says(11, 1, "null")[1:]
    assert presence.snapshot() is None
    assert presence.leave(ada) is None


def test_a_state_stays_while_another_connection_of_the_same_tab_holds_it(presence):
    presence.apply(ada, says(10, 1, "{}"))
    again = Connection(ada.actor)
    presence.apply(again, says(10, 2, "{}"))
    assert presence.leave(ada) is None
    assert presence.leave(again) is not None


def test_a_peer_that_comes_back_with_the_same_state_is_here_again(presence):
    presence.apply(ada, says(10, 3, "{}"))
    presence.leave(ada)
    assert presence.apply(bob, says(10, 3, "{}")) is None  # somebody else's late echo
    assert presence.apply(Connection(ada.actor), says(10, 3, "{}")) is not None


@pytest.mark.rule("AU2")
@pytest.mark.parametrize("forged", ['{"user": "ada"}', "null"])
def test_nobody_changes_or_removes_the_state_of_another_person(presence, forged):
    presence.apply(ada, says(10, 1, "{}"))
    assert presence.apply(bob, says(10, 9, forged)) is None
    assert seen(presence.snapshot()) == {10: {}}


@pytest.mark.rule("AU2")
def test_nobody_speaks_for_the_server(presence):
    presence.publish({"save": "ok"})
    assert presence.apply(bob, says(SERVER, 9, "{}")) is None
    assert seen(presence.snapshot()) == {SERVER: {"save": "ok"}}


def test_what_the_server_publishes_replaces_what_it_published(presence):
    awareness = Awareness(Doc())
    for number in range(3):
        awareness.apply_awareness_update(presence.publish({"n": number}), "room")
    assert awareness.states[SERVER] == {"n": 2}


@pytest.mark.rule("RM2")
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\1",
        b"\2" + says(1, 1, "{}")[1:],
        says(1, 1, "{"),
        says(1, 1, "NaN"),
        says(1, 1, "[" * 100_000),
        says(1, 1, "{}") + b"x",
    ],
)
def test_what_is_no_awareness_update_is_refused(presence, payload):
    with pytest.raises(BadFrame):
        presence.apply(ada, payload)


def test_the_number_of_states_is_bounded(presence):
    for client in range(2 * MAX_REMEMBERED):
        presence.apply(ada, says(client + 1_000, 1, "{}"))
    assert len(seen(presence.snapshot())) == MAX_REMEMBERED
    presence.leave(ada)
    assert presence.apply(bob, says(10**6, 1, "{}")) is not None
