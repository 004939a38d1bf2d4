"""Who is here and where their cursor is: the states of y-protocols' awareness. Pure.

A state belongs to the connections that sent it. It goes when the last of them goes, and no
connection of somebody else can change or remove it meanwhile.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from jupyter_runt.document.lib0 import write_bytes, write_integer
from jupyter_runt.ids import ActorId
from jupyter_runt.rooms.protocol import (
    BadFrame,
    read_bytes,
    read_integer,
)

MAX_REMEMBERED: Final = 1_000
"""States, those of peers that went included: a state that comes back late is known as old."""

_GONE: Final = b"null"


class Owner(Protocol):
    """A connection."""

    @property
    def actor(self) -> ActorId:
        """Whose it is."""
        ...


@dataclass(slots=True)
class _Entry:
    clock: int
    state: bytes
    """JSON; `null` of a peer that went."""
    actor: ActorId | None
    owners: set[Owner] = field(default_factory=set)


class Presence:
    """The states of one room. Every method returns the awareness update to send, if any."""

    def __init__(self, own_client: int) -> None:
        """Make an empty one; the server's own state has the id `own_client`."""
        self._own_client = own_client
        self._entries: dict[int, _Entry] = {}

    def snapshot(self) -> bytes | None:
        """Return the states of all who are here."""
        return self._encode(c for c, entry in self._entries.items() if entry.state != _GONE)

    def apply(self, sender: Owner, payload: bytes) -> bytes | None:
        """Take in what a peer sent, and return what of it everybody is to know.

        Raises:
            BadFrame: it is not an awareness update.
        """
        accepted = []
        for client, clock, state in _decode(payload):
            if self._accept(sender, client, clock, state):
                accepted.append(client)
        return self._encode(accepted)

    def leave(self, owner: Owner) -> bytes | None:
        """Remove the states that no other connection vouches for."""
        left = []
        for client, entry in self._entries.items():
            if owner in entry.owners:
                entry.owners.remove(owner)
                if not entry.owners and entry.state != _GONE:
                    entry.state = _GONE
                    left.append(client)
        return self._encode(left)

    def publish(self, state: dict[str, Any]) -> bytes | None:
        """Set the server's own state. Peers forget a state that is not renewed for 30 s."""
        entry = self._entries.get(self._own_client)
        clock = entry.clock + 1 if entry is not None else 1
        self._entries[self._own_client] = _Entry(clock, json.dumps(state).encode(), None)
        return self._encode((self._own_client,))

    def _accept(self, sender: Owner, client: int, clock: int, state: bytes) -> bool:
        if client == self._own_client:
            return False
        entry = self._entries.get(client)
        if entry is None:
            if state == _GONE or not self._make_room():
                return False
            entry = self._entries[client] = _Entry(clock, state, sender.actor)
        elif not _is_news(entry, sender.actor, clock, state):
            return False
        entry.clock, entry.state, entry.actor = clock, state, sender.actor
        if state == _GONE:
            entry.owners.clear()
        else:
            entry.owners.add(sender)
        return True

    def _encode(self, clients: Iterable[int]) -> bytes | None:
        parts = [b""]
        for client in clients:
            entry = self._entries[client]
            parts += (write_integer(client), write_integer(entry.clock), write_bytes(entry.state))
        if len(parts) == 1:
            return None
        parts[0] = write_integer(len(parts) // 3)
        return b"".join(parts)

    def _make_room(self) -> bool:
        if len(self._entries) < MAX_REMEMBERED:
            return True
        gone = next((c for c, entry in self._entries.items() if entry.state == _GONE), None)
        if gone is None:
            return False
        del self._entries[gone]
        return True


def _is_news(entry: _Entry, actor: ActorId, clock: int, state: bytes) -> bool:
    if entry.owners and entry.actor != actor:
        return False
    if clock > entry.clock:
        return True
    if clock < entry.clock:
        return False
    # A removal keeps the clock. A peer that reconnects says again what it had said last.
    return (state == _GONE) != (entry.state == _GONE) and entry.actor == actor


def _decode(payload: bytes) -> list[tuple[int, int, bytes]]:
    """Return the (client, clock, state) of an awareness update."""
    count, position = read_integer(payload, 0)
    entries = []
    for _ in range(count):
        client, position = read_integer(payload, position)
        clock, position = read_integer(payload, position)
        state, position = read_bytes(payload, position)
        entries.append((client, clock, _GONE if _load(state) is None else state))
    if position != len(payload):
        raise BadFrame("the awareness update has bytes too many")
    return entries


def _load(state: bytes) -> Any:
    try:
        return json.loads(state, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadFrame("an awareness state is not JSON") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")  # and JavaScript peers would fail on it
