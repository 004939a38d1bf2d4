"""Random meetings: whatever the network, the store and the peers do, everybody ends with one text.

Each seed is a whole story, told again exactly by its number. A seed that ever failed stays here
under a name that says what it found.
"""

import asyncio
import random
from collections.abc import Sequence

import pytest
from pycrdt import Doc, Text

from jupyter_runt.document.text import TextDoc
from jupyter_runt.errors import StaleFence, StoreUnavailable
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.ids import ActorId, NotebookId, Seq, user_actor
from jupyter_runt.rooms.channel import ChannelClosed
from jupyter_runt.rooms.client import SyncClient
from jupyter_runt.rooms.memory import MemoryChannel
from jupyter_runt.rooms.peer import RoomLimits
from jupyter_runt.rooms.protocol import awareness_frame, read_state_vector, update_frame
from jupyter_runt.rooms.room import Room
from jupyter_runt.rooms.updates import authors

SERVER = 1
SCRIPTS = (0x100, 0x4E00, 0x20000)
"""Characters of two, three and four bytes in UTF-8, one and two units in UTF-16."""
LIMITS = RoomLimits(
    batch_updates=5, inbox_updates=8, outbox_frames=30, retry_first=0.0001, retry_last=0.0002
)


class Story:
    """What was ever typed and deleted: every character is unlike any other."""

    def __init__(self) -> None:
        self.typed: set[str] = set()
        self.deleted: set[str] = set()

    def character(self, script: int) -> str:
        new = chr(script + len(self.typed))
        self.typed.add(new)
        return new


class Log:
    """A log that fails and lingers as the dice say."""

    def __init__(self, dice: random.Random) -> None:
        self.events: list[Event] = []
        self.refused = 0
        self.dice = dice
        self.calm = False

    async def commit(self, drafts: Sequence[Draft]) -> list[Event]:
        for _ in range(0 if self.calm else self.dice.randrange(4)):
            await asyncio.sleep(0)
        fate = 1.0 if self.calm else self.dice.random()
        if fate < 0.05:
            raise StoreUnavailable("disk full")
        if fate < 0.08:
            self.refused += 1
            raise StaleFence("taken over")
        return self._append(drafts)

    def commit_now(self, drafts: Sequence[Draft]) -> list[Event] | None:
        return self._append(drafts) if self.calm or self.dice.random() < 0.5 else None

    def _append(self, drafts: Sequence[Draft]) -> list[Event]:
        events = [
            Event(
                seq=Seq(len(self.events) + number),
                notebook_id=NotebookId("n"),
                actor=draft.actor,
                caused_by=None,
                recorded_at="",
                payload=draft.payload,
            )
            for number, draft in enumerate(drafts, 1)
        ]
        self.events += events
        return events

    async def load(self) -> TextDoc:
        return self.replay()

    def replay(self) -> TextDoc:
        document = TextDoc(SERVER)
        for event in self.events:
            assert isinstance(event.payload, DocumentUpdated)
            document.apply([event.payload.update])
        return document


class Tab:
    """A person's tab: it types, goes away, comes back, and never loses its own document."""

    def __init__(self, number: int, dice: random.Random, story: Story) -> None:
        self.story = story
        self.actor: ActorId = user_actor(f"person-{number}")
        self.dice = dice
        self.doc: Doc[Text] = Doc(client_id=100 + number)
        self.text = self.doc.get("source", type=Text)
        self.client = SyncClient(self.doc)
        self.withheld = False
        """It has kept a change to itself since it connected."""
        self.channel: MemoryChannel | None = None
        self.far_end: MemoryChannel | None = None

    @property
    def here(self) -> bool:
        return self.channel is not None and self.channel.closed is None

    async def connect(self, room: Room[TextDoc], guests: asyncio.TaskGroup) -> None:
        self.withheld = False
        self.channel, self.far_end = MemoryChannel.pair()
        guests.create_task(room.serve(self.far_end, actor=self.actor, may_write=lambda: True))
        await self.channel.send(self.client.greet())

    def type(self) -> None:
        characters = [*str(self.text)]
        place = self.dice.randrange(len(characters) + 1)
        start = len("".join(characters[:place]).encode())
        if place < len(characters) and self.dice.random() < 0.3:
            self.story.deleted.add(characters[place])
            with self.doc.transaction():
                del self.text[start : start + len(characters[place].encode())]
        else:
            self.text.insert(start, self.story.character(self.dice.choice(SCRIPTS)))

    async def exchange(self, count: int | None) -> None:
        """Move frames in both directions, the first `count` of each."""
        if self.channel is None or self.far_end is None:
            return
        self.far_end.flush(count)
        try:
            while self.channel.waiting:
                answer = self.client.hear(await self.channel.receive())
                if answer is not None:
                    await self.channel.send(answer)
            for frame in self.client.take_unsent() if self.here else ():
                await self.channel.send(frame)
        except ChannelClosed:
            return
        self.channel.flush(count)


async def let_run(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def tell(seed: int, *, people: int = 4, steps: int = 120) -> None:
    """Play one story, then let everybody come back and compare."""
    dice = random.Random(seed)
    story, log = Story(), Log(dice)
    tabs = [Tab(number, dice, story) for number in range(people)]
    async with (
        asyncio.TaskGroup() as guests,
        Room(
            "fuzz",
            load=log.load,
            commit=log.commit,
            commit_now=log.commit_now,
            reserved_clients=frozenset({SERVER}),
            limits=LIMITS,
        ) as room,
    ):
        for _ in range(steps):
            await step(dice.choice(tabs), room, guests, dice, story)
            await let_run(dice.randrange(4))
        log.calm = True
        await gather(tabs, room, guests)
        live = await room.read(lambda document: document.content())
        state = await room.read(lambda document: document.doc.get_state())
    about = f"seed {seed}"
    assert {str(tab.text) for tab in tabs} == {live}, about
    assert len(live) == len(set(live)), about
    assert set(live) == story.typed - story.deleted, about
    replayed = log.replay()
    assert replayed.content() == live, about
    assert read_state_vector(replayed.doc.get_state()) == read_state_vector(state), about
    clients = {tab.actor: tab.doc.client_id for tab in tabs}
    for event in log.events:
        assert isinstance(event.payload, DocumentUpdated)
        expected = clients.get(event.actor, SERVER)
        assert authors(event.payload.update) in {(1, expected), (0, None)}, about


async def step(
    tab: Tab,
    room: Room[TextDoc],
    guests: asyncio.TaskGroup,
    dice: random.Random,
    story: Story,
) -> None:
    fate = dice.random()
    if not tab.here:
        if fate < 0.6:
            tab.type()
        else:
            await tab.connect(room, guests)
    elif fate < 0.45:
        tab.type()
    elif fate < 0.85:
        await tab.exchange(dice.choice([None, 1, 2, 3]))
    elif fate < 0.92:
        assert tab.channel is not None
        tab.channel.cut()
    elif fate < 0.95:
        await misbehave(tab, dice)
    else:
        guests.create_task(edit(room, story))


async def misbehave(tab: Tab, dice: random.Random) -> None:
    assert tab.channel is not None
    garbage = dice.randbytes(dice.randrange(30))
    frame = dice.choice([garbage, update_frame(garbage), awareness_frame(garbage), None])
    if frame is None:
        tab.withheld |= bool(tab.client.unsent)
        tab.client.unsent[:1] = []  # the next change builds on what is never told
    else:
        await tab.channel.send(frame)


async def edit(room: Room[TextDoc], story: Story) -> None:
    new = story.character(SCRIPTS[0])
    try:
        await room.edit(
            lambda document: document.replace(document.content() + new), actor=ActorId("agent:1")
        )
    except StaleFence:
        story.deleted.add(new)  # it was told so, and must never be seen


async def gather(tabs: list[Tab], room: Room[TextDoc], guests: asyncio.TaskGroup) -> None:
    """Bring everybody back until nobody has anything more to say."""
    async with asyncio.timeout(60):
        while True:
            for tab in tabs:
                if tab.withheld and tab.channel is not None:
                    tab.channel.cut()
                if not tab.here:
                    await tab.connect(room, guests)
                await tab.exchange(None)
            await let_run(20)
            live = await room.read(lambda document: document.content())
            if all(tab.here and tab.client.synced and str(tab.text) == live for tab in tabs):
                return


@pytest.mark.rule("RM3", "EL1", "EL2", "RM2", "AU2")
@pytest.mark.asyncio
@pytest.mark.parametrize("seed", range(60))
async def test_everybody_ends_with_one_text_which_is_what_the_log_says(seed):
    await tell(seed)
