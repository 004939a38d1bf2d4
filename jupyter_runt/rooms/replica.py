"""A document of this process that is a peer of a room, as a browser's is."""

import asyncio
from contextlib import suppress
from typing import Any, Final

from pycrdt import Awareness, Doc

from jupyter_runt.ids import ActorId
from jupyter_runt.rooms.channel import ChannelClosed
from jupyter_runt.rooms.client import SyncClient
from jupyter_runt.rooms.memory import MemoryChannel
from jupyter_runt.rooms.peer import CLOSE_NORMAL
from jupyter_runt.rooms.protocol import awareness_frame
from jupyter_runt.rooms.room import Room
from jupyter_runt.rooms.work import RoomClosed

RENEW_SECONDS: Final = 12.0
"""Peers forget an awareness state after 30 s of silence."""


class Replica:
    """Keeps a document and its awareness in step with a room.

    Its owner changes the document at any time, on the event loop. That is sent when the loop comes
    to it, or with the synchronisation when a room is joined again.
    """

    def __init__(self, doc: Doc[Any]) -> None:
        self.doc = doc
        self.awareness = Awareness(doc)
        self.synced = asyncio.Event()
        """Set once everything that the room had when it was joined is here."""
        self._client = SyncClient(doc, self._wake)
        self._awake = asyncio.Event()
        self._room: Room[Any] | None = None
        self._subscription = self.awareness.observe(self._on_awareness)

    async def join(self, room: Room[Any], actor: ActorId) -> tuple[int, str]:
        """Be a peer of a room until it ends that; return the close code and the reason."""
        ours, theirs = MemoryChannel.pair(automatic=True)
        self._room = room
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(room.serve(theirs, actor=actor, may_write=lambda: True))
            speaking = tasks.create_task(self._speak(ours))
            try:
                await self._hear(ours)
            finally:
                speaking.cancel()
                await ours.close(CLOSE_NORMAL, "")
        return ours.closed or (CLOSE_NORMAL, "")

    async def settled(self, timeout: float) -> bool:  # noqa: ASYNC109
        """Wait up to `timeout` seconds until the log has all that is in the document."""
        try:
            return self._room is None or await self._room.covers(self.doc.get_state(), timeout)
        except RoomClosed:
            return False

    def close(self) -> None:
        """Let go of the document."""
        self._client.close()
        self.awareness.unobserve(self._subscription)

    async def _hear(self, channel: MemoryChannel) -> None:
        with suppress(ChannelClosed):
            await channel.send(self._client.greet())
            self._wake()  # awareness is not part of the synchronisation
            while True:
                answer = self._client.hear(await channel.receive())
                for payload in self._client.take_awareness():
                    self.awareness.apply_awareness_update(payload, "room")
                if answer is not None:
                    await channel.send(answer)
                if self._client.synced:
                    self.synced.set()

    async def _speak(self, channel: MemoryChannel) -> None:
        with suppress(ChannelClosed):
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(RENEW_SECONDS):
                        await self._awake.wait()
                self._awake.clear()
                for frame in self._client.take_unsent():
                    await channel.send(frame)
                if self.awareness.get_local_state():  # an empty one would be somebody without name
                    state = self.awareness.encode_awareness_update([self.doc.client_id])
                    await channel.send(awareness_frame(state))

    def _wake(self) -> None:
        self._awake.set()

    def _on_awareness(self, topic: str, event: tuple[dict[str, Any], Any]) -> None:
        if topic == "update" and event[1] == "local":
            self._wake()
