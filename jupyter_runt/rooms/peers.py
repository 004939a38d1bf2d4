"""Everybody who is in a room: what they send, what they are told, and when they have to go."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from jupyter_runt.document.shared import SharedDocument
from jupyter_runt.ids import ActorId
from jupyter_runt.rooms.channel import Channel, ChannelClosed
from jupyter_runt.rooms.integration import ForeignClient, Integrated
from jupyter_runt.rooms.peer import (
    CLOSE_BAD_FRAME,
    CLOSE_FORBIDDEN,
    CLOSE_NORMAL,
    CLOSE_RESTART,
    CLOSE_TOO_BIG,
    Peer,
    PeerState,
    RoomLimits,
)
from jupyter_runt.rooms.presence import Presence
from jupyter_runt.rooms.protocol import (
    AwarenessUpdate,
    BadFrame,
    SaveRequest,
    SaveStatus,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    awareness_frame,
    parse,
    read_state_vector,
    save_reply_frame,
    step1_frame,
    step2_frame,
    update_frame,
)
from jupyter_runt.rooms.updates import EMPTY, has_structs
from jupyter_runt.rooms.work import Batch, FromPeer, Look

log = logging.getLogger(__name__)

DocT = TypeVar("DocT", bound=SharedDocument)


class Pipe(Protocol[DocT]):
    """Where updates go, and who shows the document as the log has it."""

    def push(self, item: FromPeer) -> None:
        """Queue an update."""
        ...

    def look(self, look: Look[DocT]) -> None:
        """Show the document when all that was queued before is in the log."""
        ...


class Peers(Generic[DocT]):
    """The peers of one room."""

    def __init__(
        self,
        pipeline: Pipe[DocT],
        presence: Presence,
        limits: RoomLimits,
        save: Callable[[], Awaitable[SaveStatus]] | None,
        tasks: asyncio.TaskGroup,
    ) -> None:
        """Make a room's peers; saves that they ask for run in `tasks`, and outlive them."""
        self._pipeline = pipeline
        self._presence = presence
        self._limits = limits
        self._save = save
        self._tasks = tasks
        self._peers: dict[Peer, None] = {}
        self._told: set[ActorId] = set()

    def __len__(self) -> int:
        return len(self._peers)

    def close(self, code: int, reason: str) -> None:
        """Let every peer go."""
        for peer in self._peers:
            peer.end(code, reason)

    async def serve(
        self, channel: Channel, *, actor: ActorId, may_write: Callable[[], bool]
    ) -> None:
        """Be the other side of a peer until it is gone; the channel is closed then."""
        peer = Peer(channel, actor, may_write, self._limits)
        self._ask(peer)
        self._peers[peer] = None
        code, reason = CLOSE_RESTART, "the server stops"
        try:
            if (snapshot := self._presence.snapshot()) is not None:
                peer.put(awareness_frame(snapshot))
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(_until_closed(peer, peer.drain())),
                    tasks.create_task(_until_closed(peer, self._listen(peer))),
                ]
                channel.listen(partial(self._take, peer))
                code, reason = await peer.ended
                for task in running:
                    task.cancel()
        finally:
            peer.end(code, reason)
            del self._peers[peer]
            self.announce(self._presence.leave(peer))
            await channel.close(code, reason)

    async def _listen(self, peer: Peer) -> None:
        """Take what came while the peer was flooded, or before anybody listened."""
        while True:
            frame = await peer.channel.receive()
            self._hear(peer, frame)  # at once: the next one may come to `_take`
            await peer.calm()

    def _take(self, peer: Peer, frame: bytes) -> bool:
        """Take a frame, unless too much of the peer waits for the log."""
        if peer.flooded:
            return False
        self._hear(peer, frame)
        return True

    def _hear(self, peer: Peer, frame: bytes) -> None:
        if peer.state is PeerState.GONE:
            return
        try:
            self._understand(peer, frame)
        except BadFrame as error:
            peer.end(CLOSE_BAD_FRAME, str(error))

    def _understand(self, peer: Peer, frame: bytes) -> None:
        if len(frame) > self._limits.frame_bytes:
            peer.end(CLOSE_TOO_BIG, "the frame is too large")
            return
        match parse(frame):
            case SyncUpdate(update):
                self._pipeline.push(FromPeer(peer, update, answers=False))
            case SyncStep2(update):
                self._pipeline.push(FromPeer(peer, update, answers=True))
            case SyncStep1(state_vector):
                self._answer(peer, state_vector)
            case AwarenessUpdate(payload):
                if len(payload) > self._limits.awareness_bytes:
                    peer.end(CLOSE_TOO_BIG, "the awareness update is too large")
                    return
                # Its sender too: stock clients leave when they hear nothing for 30 s.
                self.announce(self._presence.apply(peer, payload))
            case SaveRequest(request_id):
                self._start_save(peer, request_id)

    def _ask(self, peer: Peer) -> None:
        """Send a SyncStep1, when all that was sent before is in the log."""

        def ask(document: DocT) -> None:
            peer.put(step1_frame(document.doc.get_state()))

        self._look(peer, ask)

    def _answer(self, peer: Peer, state_vector: bytes) -> None:
        """Send what a peer lacks. From then on it hears of every update."""
        read_state_vector(state_vector)
        if not peer.begin_request():
            return

        def answer(document: DocT) -> None:
            peer.end_request()
            first = peer.state is PeerState.JOINED
            # A document may be larger than what a slow peer is allowed to let wait.
            peer.put(step2_frame(document.doc.get_update(state_vector)), counted=not first)
            if first:
                peer.state = PeerState.LIVE

        self._look(peer, answer)

    def _look(self, peer: Peer, view: Callable[[DocT], None]) -> None:
        def failed(error: Exception) -> None:
            peer.end(CLOSE_RESTART, str(error))

        self._pipeline.look(Look(view, failed))

    # saving

    def _start_save(self, peer: Peer, request_id: int) -> None:
        if self._save is None or not peer.may_write():
            peer.put(save_reply_frame(request_id, "failed"))
        elif peer.begin_request():
            self._tasks.create_task(self._reply_when_saved(peer, request_id, self._save))

    async def _reply_when_saved(
        self, peer: Peer, request_id: int, save: Callable[[], Awaitable[SaveStatus]]
    ) -> None:
        status: SaveStatus = "failed"
        try:
            status = await save()
        except Exception:
            log.exception("A save that was asked for failed.")
        peer.end_request()
        peer.put(save_reply_frame(request_id, status))

    # presence

    def announce(self, payload: bytes | None) -> None:
        """Send everybody an awareness update, if there is one."""
        if payload is not None:
            frame = awareness_frame(payload)
            for peer in self._peers:
                peer.put(frame)

    def may_apply(self, item: FromPeer) -> bool:
        """Tell whether a peer's update may go into the document now (RM6)."""
        peer, update = item.peer, item.update
        if peer.refused or update == EMPTY:
            return False
        if peer.may_write():
            return True
        if item.answers and not self._is_objectionable(peer, update):
            return False
        self._told.add(peer.actor)
        peer.refuse(CLOSE_FORBIDDEN, "read-only")
        return False

    def _is_objectionable(self, peer: Peer, update: bytes) -> bool:
        """Tell whether a reader's SyncStep2 costs it the connection.

        One that repeats deletions, as every SyncStep2 does, is none; and who was told once keeps
        in its own copy what was refused: to close it each time it comes back would never end.
        """
        return peer.actor not in self._told and has_structs(update)

    def integrated(self, item: FromPeer, outcome: Integrated) -> None:
        """Ask again for what is missing, and let go who broke a rule."""
        peer, answers = item.peer, item.answers
        if outcome.refusal is not None:
            forged = isinstance(outcome.refusal, ForeignClient)
            peer.refuse(CLOSE_FORBIDDEN if forged else CLOSE_BAD_FRAME, str(outcome.refusal))
        if answers:
            peer.owes_step2 = False
        if not outcome.missing:
            if answers:
                peer.asked_again = False
        elif answers and peer.asked_again:
            peer.refuse(CLOSE_BAD_FRAME, "what its updates build on is missing")
        elif not peer.owes_step2:
            # Its answer holds all that we lack, what was just refused included.
            peer.asked_again = peer.owes_step2 = True
            self._ask(peer)

    def committed(self, batches: Sequence[Batch]) -> None:
        """Tell everybody what is now in the log."""
        for batch in batches:
            if batch.public is not None:
                frame = update_frame(batch.public)
                for peer in self._peers:
                    if peer is not batch.author and peer.state is PeerState.LIVE:
                        peer.put(frame)
            author = batch.author
            if batch.corrective is not None and author and author.state is PeerState.LIVE:
                author.put(update_frame(batch.corrective))


async def _until_closed(peer: Peer, work: Coroutine[Any, Any, None]) -> None:
    """Do one direction of a peer's traffic; that its channel closed ends the peer."""
    try:
        await work
    except ChannelClosed:
        peer.end(CLOSE_NORMAL, "")
