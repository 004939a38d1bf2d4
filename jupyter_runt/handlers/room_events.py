"""What other server extensions hear of rooms: the events of jupyter-server-ydoc."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

SESSION_EVENTS: Final = "https://schema.jupyter.org/jupyter_collaboration/session/v1"
AWARENESS_EVENTS: Final = "https://schema.jupyter.org/jupyter_collaboration/awareness/v1"

_TEXT: Final = MappingProxyType({"type": "string"})
SCHEMAS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "$id": SESSION_EVENTS,
        "version": "1",
        "title": "Rooms of shared documents",
        "personal-data": True,
        "description": "The first tab came into a room, or the last one has been gone for a while.",
        "type": "object",
        "required": ["level", "room", "path"],
        "properties": {
            "level": {"enum": ["INFO", "DEBUG", "WARNING", "ERROR", "CRITICAL"]},
            "room": dict(_TEXT),
            "path": dict(_TEXT),
            "store": dict(_TEXT),
            "action": {"enum": ["initialize", "load", "save", "overwrite", "clean"]},
            "msg": dict(_TEXT),
        },
    },
    {
        "$id": AWARENESS_EVENTS,
        "version": "1",
        "title": "Tabs in rooms",
        "personal-data": True,
        "description": "A tab came into a room, or left it.",
        "type": "object",
        "required": ["roomid", "username", "action"],
        "properties": {
            "roomid": dict(_TEXT),
            "username": dict(_TEXT),
            "action": {"enum": ["join", "leave"]},
            "msg": dict(_TEXT),
        },
    },
)


class RoomEvents:
    """Tells of the rooms that tabs have open.

    An extension may then hold the document of a room: what tabs have is told, not what is open, or
    the two would wait for each other to let go.

    Args:
        emit: takes `schema_id` and `data`.
        linger: seconds that a room counts as in use after its last tab.
    """

    def __init__(self, emit: Callable[..., Any], linger: float) -> None:
        self._emit = emit
        self._linger = linger
        self._tabs: Counter[str] = Counter()
        self._told: dict[str, str] = {}
        """The rooms in use, and the path that was told of each."""
        self._endings: dict[str, asyncio.TimerHandle] = {}

    @contextmanager
    def tab(self, room_id: str, path: str, username: str) -> Iterator[None]:
        """Count a tab as in a room, whose document is open."""
        if (ending := self._endings.pop(room_id, None)) is not None:
            ending.cancel()
        if room_id not in self._told:
            self._told[room_id] = path
            self._tell(room_id, "initialize")
        self._tabs[room_id] += 1
        self._say(room_id, username, "join")
        try:
            yield
        finally:
            self._say(room_id, username, "leave")
            self._tabs[room_id] -= 1
            if not self._tabs[room_id]:
                del self._tabs[room_id]
                loop = asyncio.get_running_loop()
                self._endings[room_id] = loop.call_later(self._linger, self._end, room_id)

    def close(self) -> None:
        """Tell no more of the ends that are to come."""
        for ending in self._endings.values():
            ending.cancel()

    def _end(self, room_id: str) -> None:
        del self._endings[room_id]
        self._tell(room_id, "clean")
        del self._told[room_id]

    def _tell(self, room_id: str, action: str) -> None:
        data = {"level": "INFO", "room": room_id, "path": self._told[room_id], "action": action}
        self._emit(schema_id=SESSION_EVENTS, data=data)

    def _say(self, room_id: str, username: str, action: str) -> None:
        data = {"roomid": room_id, "username": username, "action": action}
        self._emit(schema_id=AWARENESS_EVENTS, data=data)
