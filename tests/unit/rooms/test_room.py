"""One order for all, nothing seen before it is in the log, trouble for who makes it alone."""

import asyncio

import pycrdt
import pytest

from jupyter_runt.document.text import TextDoc
from jupyter_runt.errors import CellNotFound, StaleFence, StoreUnavailable
from jupyter_runt.ids import ActorId
from jupyter_runt.rooms.peer import RoomLimits
from jupyter_runt.rooms.protocol import (
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    parse,
    step1_frame,
    step2_frame,
    update_frame,
)
from jupyter_runt.rooms.room import Room
from jupyter_runt.rooms.work import RoomClosed
from tests.frames import save_request_frame

pytestmark = pytest.mark.asyncio

AGENT = ActorId("agent:7")
FAST = RoomLimits(retry_first=0.001, retry_last=0.002)


def wrote(text):
    """Return the update of a client that has written `text`."""
    doc = pycrdt.Doc()
    source = doc.get("text", type=pycrdt.Text)
    source += text
    return doc.get_update()


# one order for all


@pytest.mark.rule("RM1")
async def test_what_one_person_types_reaches_the_others_and_the_log(meeting, eventually):
    async with meeting() as here:
        ada, bob = await here.join("ada"), await here.join("bob")
        ada.text += "héllo 🎉"
        await ada.say()
        await eventually(lambda: str(bob.text) == "héllo 🎉", bob.hear)
        assert [event.actor for event in here.log.events] == [ada.actor]
        assert str(here.log.replay().text) == "héllo 🎉"


@pytest.mark.rule("EL1")
async def test_nobody_sees_an_update_before_it_is_in_the_log(meeting, eventually, settle):
    async with meeting() as here:
        ada, bob = await here.join("ada"), await here.join("bob")
        here.log.gate.clear()
        ada.text += "secret"
        await ada.say()
        await settle()
        carol = await here.join("carol", synced=False)
        await carol.say(carol.client.greet())
        reading = asyncio.ensure_future(here.text())
        covering = asyncio.ensure_future(here.room.covers(ada.doc.get_state(), 5))
        await settle()
        await bob.hear()
        await carol.hear()
        assert str(bob.text) == ""
        assert not carol.client.synced
        assert not reading.done()
        assert not covering.done()
        here.log.gate.set()
        await eventually(lambda: str(bob.text) == "secret", bob.hear)
        await eventually(lambda: str(carol.text) == "secret", carol.hear)
        assert await reading == "secret"
        assert await covering


@pytest.mark.rule("EL6")
async def test_what_waits_together_is_committed_together_but_never_merged_across_people(
    meeting, eventually, settle
):
    async with meeting() as here:
        ada, bob = await here.join("ada"), await here.join("bob")
        here.log.gate.clear()
        await ada.say(update_frame(wrote("first")))
        await settle()
        for person in (ada, bob, ada):
            for letter in "xyz":
                person.text += letter
                await person.say()
            await settle()
        here.log.gate.set()
        await eventually(lambda: len(here.log.events) == 4)
        assert here.log.appends == [1, 3]
        assert [event.actor for event in here.log.events] == [ada.actor] * 2 + [
            bob.actor,
            ada.actor,
        ]


async def test_a_person_who_comes_later_gets_the_document_and_then_every_update(
    meeting, eventually, settle
):
    async with meeting() as here:
        ada = await here.join("ada")
        ada.text += "before"
        await ada.say()
        bob = await here.join("bob", synced=False)
        await eventually(lambda: here.room.peer_count == 2)
        ada.text += " and after"
        await ada.say()
        await eventually(lambda: len(here.log.events) == 2)
        await settle()
        kinds = [type(parse(frame)) for frame in await bob.take()]
        assert kinds == [SyncStep1]  # no update before the document that it builds on
        await bob.sync()
        assert str(bob.text) == "before and after"


@pytest.mark.rule("RM3")
async def test_edits_made_while_away_come_in_once(meeting, eventually):
    async with meeting() as here:
        ada, bob = await here.join("ada"), await here.join("bob")
        ada.channel.cut()
        await eventually(lambda: here.room.peer_count == 1)
        ada.text += "away"
        bob.text += "here"
        await bob.say()
        await here.rejoin(ada)
        await eventually(lambda: len(str(ada.text)) == 8, ada.hear)
        await eventually(lambda: len(str(bob.text)) == 8, bob.hear)
        assert str(ada.text) == str(bob.text) == await here.text()


# the server's own code


async def test_an_edit_of_the_server_returns_its_result_and_events_when_committed(meeting):
    async with meeting() as here:
        bob = await here.join("bob")

        def edit(note):
            note.text += "made"
            return 42

        edited = await here.room.edit(edit, actor=AGENT, caused_by="turn:7")
        assert edited.result == 42
        assert [(e.seq, e.actor, e.caused_by) for e in edited.events] == [(1, AGENT, "turn:7")]
        await bob.hear()
        assert str(bob.text) == "made"


async def test_an_edit_that_changes_nothing_leads_to_no_event(meeting):
    async with meeting() as here:
        edited = await here.room.edit(lambda note: "looked", actor=AGENT)
        assert (edited.result, edited.events) == ("looked", ())
        assert here.log.appends == []


async def test_who_looks_after_a_posted_edit_sees_it_and_its_failure_is_logged(meeting, caplog):
    def fail(note):
        raise CellNotFound("no such cell")

    async with meeting() as here:
        here.room.post(lambda note: note.text.insert(0, "posted"), actor=AGENT)
        here.room.post(fail, actor=AGENT)
        assert await here.text() == "posted"
        await here.room.edit(lambda note: None, actor=AGENT)
    assert "no such cell" in caplog.text


async def test_an_edit_that_fails_before_it_changed_anything_costs_nothing(meeting):
    def fail(note):
        raise CellNotFound("no such cell")

    async with meeting() as here:
        with pytest.raises(CellNotFound):
            await here.room.edit(fail, actor=AGENT)
        assert here.log.loads == 1


async def test_an_edit_that_fails_in_the_middle_is_undone(meeting, eventually):
    def fail(note):
        note.text += "half"
        raise CellNotFound("no such cell")

    async with meeting() as here:
        ada = await here.join("ada")
        ada.text += "kept"
        await ada.say()
        with pytest.raises(CellNotFound):
            await here.room.edit(fail, actor=AGENT)
        assert await here.text() == "kept"
        assert here.log.loads == 2
        await here.room.edit(lambda note: note.text.insert(4, "!"), actor=AGENT)
        await eventually(lambda: str(ada.text) == "kept!", ada.hear)


@pytest.mark.rule("RM2")
async def test_a_panic_of_the_crdt_library_costs_the_edit_alone(meeting, eventually, capfd):
    def cut_through_a_character(note):
        del note.text[4:5]

    async with meeting() as here:
        ada = await here.join("ada")
        ada.text += "éa🎉b"
        await ada.say()
        with pytest.raises(Exception, match="Panic"):
            await here.room.edit(cut_through_a_character, actor=AGENT)
        assert await here.text() == "éa🎉b"
        ada.text += "c"
        await ada.say()
        await eventually(lambda: str(here.log.replay().text) == "éa🎉bc")
    assert "panicked" in capfd.readouterr().err


async def test_an_edit_whose_caller_gave_up_while_it_waited_changes_nothing(
    meeting, eventually, settle
):
    async with meeting() as here:
        ada = await here.join("ada")
        here.log.gate.clear()
        ada.text += "a"
        await ada.say()
        await settle()
        given_up = asyncio.ensure_future(
            here.room.edit(lambda note: note.text.insert(0, "never"), actor=AGENT)
        )
        await settle()
        given_up.cancel()
        await settle()
        here.log.gate.set()
        await eventually(lambda: here.log.events)
        assert await here.text() == "a"


async def test_a_state_is_covered_when_its_last_update_is_in(meeting, settle):
    async with meeting() as here:
        ada = await here.join("ada")
        ada.text += "typed"
        state = ada.doc.get_state()
        assert not await here.room.covers(state, 0.01)
        waiting = asyncio.ensure_future(here.room.covers(state, 5))
        await settle()
        await ada.say()
        assert await waiting
        assert await here.room.covers(state, 5)


# what no peer may do


@pytest.mark.rule("RM2")
@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\0",
        b"\0\2\5ab",
        b"\0\2\1",
        b"\0\7\0",
        b"\x7d\1a",
        b"\0\2\2ab",
        b"\0\0\2\x05\x80",
        b"\1\3\1\1\1",
        update_frame(b"\xff" * 20),
        update_frame(b""),
        update_frame(b"\1\1\5\0\x08\1\1t\1" + b"\x75\1" * 100_000 + b"\x7e\0"),
    ],
    ids=lambda frame: frame[:8].hex() or "empty",
)
async def test_a_bad_frame_closes_its_sender_only(meeting, eventually, frame):
    async with meeting() as here:
        ada, eve, bob = [await here.join(name) for name in ("ada", "eve", "bob")]
        eve.text += "kept "
        await eve.say()
        await eve.channel.send(frame)
        await eve.say(update_frame(wrote("too late")))
        await eventually(lambda: eve.closed)
        assert eve.closed[0] == 4400
        ada.text += "works"
        await ada.say()
        await eventually(lambda: len(str(bob.text)) == len("kept works"), bob.hear)
        assert await here.text() == str(bob.text) != ""
        assert "too late" not in str(bob.text)
        assert here.room.peer_count == 2


@pytest.mark.rule("RM2")
async def test_an_oversized_frame_closes_its_sender_only(meeting, eventually):
    async with meeting(limits=RoomLimits(frame_bytes=1000)) as here:
        ada, eve = await here.join("ada"), await here.join("eve")
        await eve.say(update_frame(wrote("x" * 1001)))
        await eventually(lambda: eve.closed)
        assert eve.closed[0] == 1009
        assert ada.closed is None
        assert await here.text() == ""


@pytest.mark.rule("EX9")
@pytest.mark.parametrize("among_others", [False, True])
async def test_an_update_in_the_servers_name_is_refused(meeting, eventually, among_others):
    async with meeting() as here:
        ada, eve = await here.join("ada"), await here.join("eve")
        forger = pycrdt.Doc(client_id=1)
        text = forger.get("text", type=pycrdt.Text)
        text += "forged"
        update = forger.get_update()
        if among_others:
            update = pycrdt.merge_updates(wrote("cover"), update)
        await eve.say(update_frame(update))
        await eventually(lambda: eve.closed)
        assert eve.closed[0] == 4403
        assert await here.text() == ""
        assert here.log.loads == 1
        assert ada.closed is None


@pytest.mark.rule("EX9")
async def test_the_servers_own_content_may_come_back_from_a_peer(meeting, eventually):
    async with meeting() as here:
        await here.room.edit(lambda note: note.text.insert(0, "made"), actor=AGENT)
        ada = await here.join("ada")
        ada.text += "!"
        await ada.say(update_frame(ada.doc.get_update()))
        await eventually(lambda: len(here.log.events) == 2)
        assert await here.text() == "made!"
        assert ada.closed is None


@pytest.mark.rule("EX9")
async def test_what_a_peer_may_not_write_is_gone_before_anybody_sees_it(meeting, eventually):
    async with meeting() as here:
        eve, bob = await here.join("eve"), await here.join("bob")
        seen = []
        bob.marks.observe(lambda event: seen.append(dict(event.keys)))
        with eve.doc.transaction():
            eve.marks["trusted"] = True
            eve.text += "fine"
        await eve.say()
        await eventually(lambda: str(bob.text) == "fine", bob.hear)
        await eventually(lambda: "trusted" not in eve.marks, eve.hear)
        assert "trusted" not in bob.marks
        assert [keys for keys in seen if "trusted" in keys] == []
        assert [event.actor for event in here.log.events] == [eve.actor] * 2
        assert here.log.appends == [2]


@pytest.mark.rule("RM6")
async def test_a_reader_sees_everything_and_changes_nothing(meeting, eventually):
    async with meeting() as here:
        ada = await here.join("ada")
        ada.text += "one"
        with ada.doc.transaction():
            del ada.text[0:1]
        await ada.say()
        reader = await here.join("reader", writable=False)
        assert str(reader.text) == "ne"
        ada.text += "!"
        await ada.say()
        await eventually(lambda: str(reader.text) == "ne!", reader.hear)
        assert reader.closed is None
        reader.text += "mine"
        await reader.say()
        await eventually(lambda: reader.closed)
        assert reader.closed[0] == 4403
        assert await here.text() == "ne!"


@pytest.mark.rule("RM6")
async def test_a_reader_who_comes_back_with_a_refused_edit_is_not_closed_again(meeting, eventually):
    async with meeting() as here:
        reader = await here.join("reader", writable=False)
        reader.text += "mine"
        await reader.say()
        await eventually(lambda: reader.closed)
        await here.rejoin(reader)
        await here.room.edit(lambda note: note.text.insert(0, "news"), actor=AGENT)
        await eventually(lambda: "news" in str(reader.text), reader.hear)
        assert reader.closed is None
        assert await here.text() == "news"


@pytest.mark.rule("RM6")
async def test_permission_is_asked_for_every_update(meeting, eventually):
    async with meeting() as here:
        ada = await here.join("ada")
        ada.text += "may"
        await ada.say()
        await eventually(lambda: here.log.events)
        ada.writable = False
        ada.text += " not"
        await ada.say()
        await eventually(lambda: ada.closed)
        assert await here.text() == "may"


# updates that build on what is not here


@pytest.mark.rule("EL1")
async def test_missing_predecessors_are_asked_for(meeting, eventually):
    async with meeting() as here:
        ada = await here.join("ada")
        ada.text += "lost "
        ada.client.take_unsent()
        ada.text += "found"
        await ada.say()
        await eventually(lambda: here.log.events, ada.hear)
        assert await here.text() == "lost found"
        assert str(here.log.replay().text) == "lost found"
        assert ada.closed is None


@pytest.mark.rule("EL1")
async def test_a_peer_that_never_sends_the_predecessors_is_closed(meeting, eventually, settle):
    async with meeting() as here:
        eve, bob = await here.join("eve"), await here.join("bob")
        eve.text += "lost "
        eve.client.take_unsent()
        eve.text += "found"
        (update,) = eve.client.take_unsent()
        gap = parse(update).update
        await eve.take()
        await eve.say(update_frame(gap))
        await eventually(lambda: eve._far_end.sent)
        assert [type(parse(frame)) for frame in await eve.take()] == [SyncStep1]
        await eve.say(step2_frame(gap))
        await eventually(lambda: eve.closed)
        assert eve.closed[0] == 4400
        bob.text += "fine"
        await bob.say()
        assert await here.text() in {"", "fine"}
        await eventually(lambda: here.log.events)
        assert await here.text() == "fine"


@pytest.mark.rule("AU2")
async def test_what_one_peer_left_pending_never_comes_in_under_another_name(meeting, eventually):
    async with meeting() as here:
        bob, eve = await here.join("bob"), await here.join("eve")
        # eve knows what bob will write next, and builds on it before he has sent it
        bob.text += "bob's"
        ghost = pycrdt.Doc()
        ghost_text = ghost.get("text", type=pycrdt.Text)
        ghost.apply_update(bob.doc.get_update())
        before = ghost.get_state()
        ghost_text += " and eve's"
        await eve.say(update_frame(ghost.get_update(before)))
        await eventually(lambda: eve._far_end.sent)
        await bob.say()
        await eventually(lambda: here.log.events)
        assert await here.text() == "bob's"
        assert [event.actor for event in here.log.events] == [bob.actor]


# the store


@pytest.mark.rule("EL5")
async def test_while_the_store_cannot_write_nothing_fans_out_and_nothing_is_lost(
    meeting, eventually
):
    told = []
    async with meeting(limits=FAST, on_health=told.append) as here:
        ada, bob = await here.join("ada"), await here.join("bob")
        here.log.failures = [StoreUnavailable("disk full") for _ in range(3)]
        ada.text += "safe"
        await ada.say()
        await eventually(lambda: told)
        await bob.hear()
        assert (told, here.room.health, str(bob.text)) == (["unsaved"], "unsaved", "")
        await eventually(lambda: str(bob.text) == "safe", bob.hear)
        assert told == ["unsaved", "ready"]
        assert ada.closed is bob.closed is None


@pytest.mark.rule("EL5")
async def test_an_edit_that_does_not_wait_for_the_store_is_taken_back_alone(meeting, eventually):
    async with meeting() as here:
        ada = await here.join("ada")
        here.log.failures = [StoreUnavailable("disk full")]
        asked = [
            here.room.edit(lambda note: note.text.insert(0, "back"), actor=AGENT, patient=False),
            here.room.edit(lambda note: note.text.insert(0, "made"), actor=AGENT),
        ]
        refused, made = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(refused, StoreUnavailable)
        assert len(made.events) == 1
        await eventually(lambda: str(ada.text) == "made", ada.hear)
        assert await here.text() == "made"
        assert ada.closed is None


@pytest.mark.rule("EL1", "EL3")
async def test_after_a_refused_append_the_room_holds_what_the_log_says(meeting, eventually):
    async with meeting() as here:
        ada, bob = await here.join("ada"), await here.join("bob")
        ada.text += "kept"
        await ada.say()
        await eventually(lambda: str(bob.text) == "kept", bob.hear)
        here.log.failures = [StaleFence("another server owns it")]
        with pytest.raises(StaleFence):
            await here.room.edit(lambda note: note.text.insert(0, "stale"), actor=AGENT)
        await eventually(lambda: ada.closed and bob.closed)
        assert ada.closed[0] == 1012
        assert await here.text() == "kept"
        ada.text += " and mine"
        await here.rejoin(ada)
        await eventually(lambda: len(here.log.events) == 2)
        assert await here.text() == "kept and mine"


async def test_a_room_whose_document_cannot_be_loaded_again_fails_and_says_so(meeting, eventually):
    told = []
    async with meeting(on_health=told.append) as here:
        ada = await here.join("ada")
        here.log.failures = [StaleFence("another server owns it")]
        here.log.replay = None
        with pytest.raises(StaleFence):
            await here.room.edit(lambda note: note.text.insert(0, "x"), actor=AGENT)
        await eventually(lambda: here.room.failed)
        await eventually(lambda: ada.closed)
        assert (told, ada.closed[0]) == (["failed"], 1012)
        with pytest.raises(RoomClosed):
            await here.text()
        with pytest.raises(RoomClosed):
            await here.room.edit(lambda note: None, actor=AGENT)


async def test_a_closing_room_records_what_it_had_received(meeting, settle):
    async with meeting() as here:
        ada = await here.join("ada")
        here.log.gate.clear()
        ada.text += "last words"
        await ada.say()
        await settle()
        asyncio.get_running_loop().call_later(0.01, here.log.gate.set)
    assert str(here.log.replay().text) == "last words"
    assert ada.closed == (1012, "the room closes")


async def test_a_room_closes_even_if_the_store_does_not_come_back(meeting, settle):
    async with meeting(limits=RoomLimits(shutdown=0.01)) as here:
        here.log.gate.clear()
        waiting = asyncio.ensure_future(
            here.room.edit(lambda note: note.text.insert(0, "x"), actor=AGENT)
        )
        reading = asyncio.ensure_future(here.text())
        await settle()
    for call in (waiting, reading):
        with pytest.raises(RoomClosed):
            await call


# slow peers, saves, presence


@pytest.mark.rule("RM1")
async def test_a_slow_peer_is_closed_and_delays_nobody(meeting, eventually):
    async with meeting(limits=RoomLimits(outbox_frames=10)) as here:
        slow = await here.join("slow", capacity=3)
        ada, bob = await here.join("ada"), await here.join("bob")
        for number in range(30):
            ada.text += str(number % 10)
            await ada.say()
            await eventually(lambda n=number: len(str(bob.text)) == n + 1, bob.hear)
        await eventually(lambda: slow.closed)
        assert slow.closed[0] == 4429
        assert here.room.peer_count == 2


async def test_a_peer_that_floods_is_held_back_until_the_log_has_caught_up(
    meeting, eventually, settle
):
    async with meeting(limits=RoomLimits(inbox_updates=5)) as here:
        ada = await here.join("ada")
        here.log.gate.clear()
        for _ in range(40):
            ada.text += "x"
        await ada.say()
        await settle()
        assert ada._far_end.waiting >= 30
        here.log.gate.set()
        await eventually(lambda: ada._far_end.waiting == 0)
        assert await here.text() == "x" * 40


@pytest.mark.parametrize(
    ("status", "writable", "expected"),
    [("success", True, "success"), ("failed", True, "failed"), ("success", False, "failed")],
)
async def test_a_save_is_answered_with_its_id(meeting, eventually, status, writable, expected):
    async def save():
        return status

    async with meeting(on_save=save) as here:
        ada = await here.join("ada", writable=writable)
        await ada.take()
        await ada.say(save_request_frame(7))
        await eventually(lambda: ada._far_end.sent)
        (frame,) = await ada.take()
        reply = b'{"type": "save", "responseTo": 7, "status": "%s"}' % expected.encode()
        assert frame == bytes((2, len(reply))) + reply


async def test_a_save_that_raises_is_answered_as_failed(meeting, eventually, caplog):
    async def save():
        raise OSError("no space left")

    async with meeting(on_save=save) as here:
        ada = await here.join("ada")
        await ada.take()
        await ada.say(save_request_frame(1))
        await eventually(lambda: ada._far_end.sent)
        assert b'"failed"' in (await ada.take())[0]
    assert "no space left" in caplog.text


async def test_the_server_publishes_its_state_at_a_pace_and_to_newcomers(meeting, eventually):
    async with meeting(limits=RoomLimits(publish_interval=0.02)) as here:
        ada = await here.join("ada")
        for number in range(50):
            here.room.publish({"seq": number})
        await eventually(lambda: len(ada.client.awareness) == 2, ada.hear)
        assert b'{"seq": 0}' in ada.client.awareness[0]
        assert b'{"seq": 49}' in ada.client.awareness[1]
        bob = await here.join("bob")
        assert b'{"seq": 49}' in bob.client.awareness[0]


async def test_events_are_reported_when_they_are_in_the_log_and_everybody_was_told(meeting):
    reports = []

    def report(events):
        reports.append((tuple(events), tuple(here.log.events), bob._far_end.sent))

    async with meeting(on_commit=report) as here:
        bob = await here.join("bob")
        sent = bob._far_end.sent
        edited = await here.room.edit(lambda note: note.text.insert(0, "x"), actor=AGENT)
        [(events, logged, told)] = reports
        assert events == logged == edited.events
        assert told != sent


@pytest.mark.parametrize("meeting", [True], indirect=True)
async def test_an_edit_that_the_log_takes_at_once_waits_for_no_turn_of_the_loop(meeting, settle):
    async with meeting() as here:
        ada = await here.join("ada")
        await settle()
        await ada.take()
        with pytest.raises(StopIteration) as done:
            here.room.edit(lambda note: note.text.insert(0, "x"), actor=AGENT).send(None)
        assert [event.seq for event in done.value.value.events] == [1]
        assert [type(parse(frame)) for frame in await ada.take()] == [SyncUpdate]
        assert await here.text() == "x"


async def test_what_was_applied_and_not_recorded_when_a_room_fails_is_told_to_its_author():
    async def load():
        return TextDoc(client_id=1)

    async def commit(_drafts):
        await asyncio.Event().wait()

    async def failing():
        async with Room("text", load=load, commit=commit) as room:
            edit = room.edit(lambda document: document.replace("x"), actor=AGENT)
            waiting = asyncio.ensure_future(edit)
            await asyncio.sleep(0)
            raise LookupError(waiting)

    with pytest.raises(LookupError) as failure:
        await failing()
    with pytest.raises(RoomClosed):
        await failure.value.args[0]


async def test_too_many_unanswered_requests_close_their_sender(meeting, eventually, settle):
    async with meeting(limits=RoomLimits(requests=4)) as here:
        ada, eve = await here.join("ada"), await here.join("eve")
        here.log.gate.clear()
        ada.text += "x"
        await ada.say()
        await settle()
        await eve.say(*[step1_frame(b"\0")] * 5)
        await eventually(lambda: eve.closed)
        assert eve.closed[0] == 4429
        here.log.gate.set()
        assert await here.text() == "x"


async def test_a_second_sync_step_1_is_answered_too(meeting, eventually):
    async with meeting() as here:
        ada = await here.join("ada")
        await ada.take()
        await ada.say(step1_frame(b"\0"))
        await eventually(lambda: ada._far_end.sent)
        assert [type(parse(frame)) for frame in await ada.take()] == [SyncStep2]


async def test_a_room_without_a_log_shares_presence_and_edits(meeting, eventually):
    async with meeting(commit=None) as here:
        ada = await here.join("ada")
        edited = await here.room.edit(lambda note: note.text.insert(0, "live"), actor=AGENT)
        assert edited.events == ()
        await eventually(lambda: str(ada.text) == "live", ada.hear)
        assert here.log.appends == []
