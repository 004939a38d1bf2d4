"""A room over a log in memory, and peers whose every frame the test moves itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from jupyter_runt.document.shared import SharedDocument
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.document import Change, DocumentUpdated
from jupyter_runt.ids import ActorId, NotebookId, Seq, user_actor
from jupyter_runt.rooms.client import SyncClient
from jupyter_runt.rooms.memory import MemoryChannel
from jupyter_runt.rooms.room import Room

SERVER = 1
"""The Yjs client id that only the server writes with."""


class Note(SharedDocument):
    """A text, and a map `marks` in which no peer may set the key `trusted`."""

    version = "1"

    def __init__(self) -> None:
        super().__init__(SERVER)
        self.text = self.doc.get("text", type=Text)
        self.marks = self.doc.get("marks", type=Map)

    def _take_changes(self) -> tuple[Change, ...]:
        return ()

    def scrub(self) -> None:
        if "trusted" in self.marks:
            del self.marks["trusted"]


class Log:
    """What the room commits. `failures` are raised first; while `gate` is clear, appends wait.

    If it is `prompt`, it commits at once whenever it can.
    """

    def __init__(self, *, prompt: bool = False) -> None:
        self.prompt = prompt
        self.events: list[Event] = []
        self.appends: list[int] = []
        self.failures: list[Exception] = []
        self.loads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def commit(self, drafts: Sequence[Draft]) -> list[Event]:
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        return self._append(drafts)

    def commit_now(self, drafts: Sequence[Draft]) -> list[Event] | None:
        prompt = self.prompt and self.gate.is_set() and not self.failures
        return self._append(drafts) if prompt else None

    def _append(self, drafts: Sequence[Draft]) -> list[Event]:
        events = [
            Event(
                seq=Seq(len(self.events) + number),
                notebook_id=NotebookId("note"),
                actor=draft.actor,
                caused_by=draft.caused_by,
                recorded_at="",
                payload=draft.payload,
            )
            for number, draft in enumerate(drafts, 1)
        ]
        self.events += events
        self.appends.append(len(events))
        return events

    async def load(self) -> Note:
        self.loads += 1
        return self.replay()

    def replay(self) -> Note:
        note = Note()
        note.apply(
            event.payload.update
            for event in self.events
            if isinstance(event.payload, DocumentUpdated)
        )
        return note


class Person:
    """A peer with a document of its own. Nothing moves but by `say`, `hear` and `sync`."""

    def __init__(self, name: str) -> None:
        self.actor: ActorId = user_actor(name)
        self.writable = True
        self.doc: Doc[Any] = Doc()
        self.text = self.doc.get("text", type=Text)
        self.marks = self.doc.get("marks", type=Map)
        self.client = SyncClient(self.doc)

    async def served(self, room: Room[Note], *, capacity: int = 1024) -> None:
        self.channel, self._far_end = MemoryChannel.pair(capacity=capacity)
        await room.serve(self._far_end, actor=self.actor, may_write=lambda: self.writable)

    @property
    def closed(self) -> tuple[int, str] | None:
        return self.channel.closed

    async def say(self, *frames: bytes) -> None:
        """Deliver frames, or what was edited, to the room."""
        for frame in frames or self.client.take_unsent():
            await self.channel.send(frame)
        self.channel.flush()

    async def take(self) -> list[bytes]:
        """Return the frames that the room has sent until now; the document never hears them."""
        self._far_end.flush()
        return [await self.channel.receive() for _ in range(self.channel.waiting)]

    async def hear(self) -> None:
        """Take in what the room has sent until now, and answer."""
        self._far_end.flush()
        while self.channel.waiting:
            answer = self.client.hear(await self.channel.receive())
            if answer is not None:
                await self.say(answer)

    async def sync(self) -> None:
        """Greet the room, and talk until both have everything."""
        await self.say(self.client.greet())
        await until(self._is_synced, self.hear)

    def _is_synced(self) -> bool:
        return self.client.synced


async def until(
    condition: Callable[[], object], do: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Let everything run until the condition holds."""
    async with asyncio.timeout(30):
        while not condition():
            if do is not None:
                await do()
            await asyncio.sleep(0)


async def idle() -> None:
    """Let everything run that can run."""
    for _ in range(50):
        await asyncio.sleep(0)


class Meeting:
    """A room with its log, and people who come and go."""

    def __init__(self, *, prompt: bool) -> None:
        self.log = Log(prompt=prompt)
        self.room: Room[Note]
        self._guests = asyncio.TaskGroup()

    @asynccontextmanager
    async def open(self, **options: Any) -> AsyncIterator["Meeting"]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._guests)
            settings = {
                "commit": self.log.commit,
                "commit_now": self.log.commit_now,
                "reserved_clients": frozenset({SERVER}),
            }
            room = Room("note", load=self.log.load, **{**settings, **options})
            self.room = await stack.enter_async_context(room)
            yield self

    async def join(
        self, name: str, *, writable: bool = True, synced: bool = True, capacity: int = 1024
    ) -> Person:
        person = Person(name)
        person.writable = writable
        self._guests.create_task(person.served(self.room, capacity=capacity))
        await until(lambda: hasattr(person, "channel"))
        if synced:
            await person.sync()
        return person

    async def text(self) -> str:
        return await self.room.read(lambda note: str(note.text))

    async def rejoin(self, person: Person) -> None:
        """Connect a person again, with the document that it has."""
        before = person.channel
        self._guests.create_task(person.served(self.room))
        await until(lambda: person.channel is not before)
        await person.sync()


@pytest.fixture(params=[False, True], ids=["log in a thread", "log at once"])
def meeting(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Open a room with the options of `Room`."""
    return lambda **options: Meeting(prompt=request.param).open(**options)


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    return until


@pytest.fixture
def settle() -> Callable[[], Awaitable[None]]:
    return idle
