import asyncio
from contextlib import ExitStack
from typing import Any

import pytest
from jupyter_events import EventLogger

from jupyter_runt.handlers.room_events import AWARENESS_EVENTS, SCHEMAS, SESSION_EVENTS, RoomEvents

pytestmark = pytest.mark.asyncio

ROOM = "text:chat:id"


class Listener:
    """What is emitted, each as its action, and where or who."""

    def __init__(self, linger: float) -> None:
        self.heard: list[tuple[str, ...]] = []
        self.changed = asyncio.Event()
        self.events = RoomEvents(self.emit, linger)
        self.logger = EventLogger()
        for schema in SCHEMAS:
            self.logger.register_event_schema(dict(schema))

    def emit(self, *, schema_id: str, data: dict[str, Any]) -> None:
        self.logger.emit(
            schema_id=schema_id, data=data
        )  # raises where it is not as the schema says
        if schema_id == SESSION_EVENTS:
            self.heard.append((data["action"], data["room"], data["path"]))
        else:
            assert schema_id == AWARENESS_EVENTS
            self.heard.append((data["action"], data["roomid"], data["username"]))
        self.changed.set()


async def test_a_room_is_told_of_with_its_first_tab_and_when_the_last_one_has_been_gone() -> None:
    listener = Listener(linger=0)
    with ExitStack() as tabs:
        tabs.enter_context(listener.events.tab(ROOM, "a.chat", "ada"))
        with listener.events.tab(ROOM, "moved.chat", "bob"):
            pass
    while len(listener.heard) < 6:
        listener.changed.clear()
        await asyncio.wait_for(listener.changed.wait(), 30)
    assert listener.heard == [
        ("initialize", ROOM, "a.chat"),
        ("join", ROOM, "ada"),
        ("join", ROOM, "bob"),
        ("leave", ROOM, "bob"),
        ("leave", ROOM, "ada"),
        ("clean", ROOM, "a.chat"),
    ]


async def test_a_tab_that_comes_back_soon_finds_the_room_as_it_was() -> None:
    listener = Listener(linger=3600)
    for _ in range(2):
        with listener.events.tab(ROOM, "a.chat", "ada"):
            pass
    listener.events.close()
    assert [each[0] for each in listener.heard] == ["initialize", *["join", "leave"] * 2]
