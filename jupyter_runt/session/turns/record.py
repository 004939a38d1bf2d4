"""A turn of the AI as clients ask for it, long after it ended too: everything is in the log."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from jupyter_runt.ai.envelope import Envelope
from jupyter_runt.document.turns import Turn, Turns, advance
from jupyter_runt.errors import TurnNotFound
from jupyter_runt.events.agent import (
    ToolCallCompleted,
    ToolCallRequested,
    TurnContextGiven,
    TurnStarted,
    TurnTextAppended,
)
from jupyter_runt.events.base import Event
from jupyter_runt.ids import NotebookId, Seq, TurnId
from jupyter_runt.protocols import EventLog
from jupyter_runt.session.history import pages
from jupyter_runt.session.writer import Writer

_STARTS = frozenset({TurnStarted.event_name})


async def describe_turn(
    notebook_id: NotebookId, writer: Writer, log: EventLog, turn_id: TurnId, wait: float
) -> dict[str, Any]:
    """Return CONTRACT's description, after `wait` seconds at most if the turn goes on.

    Raises:
        TurnNotFound: the log has none of that id.
    """
    with suppress(TimeoutError):  # it goes on; tell how far it is
        async with asyncio.timeout(wait):
            await _ended(writer, turn_id)
    events = await log.caused_by(notebook_id, f"turn:{turn_id}")
    turn = writer.state.turns.by_id.get(turn_id)
    if turn is None:
        turn = await _from_log(notebook_id, log, turn_id, events)
    return {
        "turn_id": turn_id,
        "cell_id": turn.cell_id,
        "status": turn.status,
        "model": turn.model,
        "prompt": turn.prompt,
        "requested_by": turn.requested_by,
        "requested_at": turn.requested_at,
        "completed_at": turn.completed_at,
        "text": turn.text,
        "items": [{"type": "tool", **asdict(item)} for item in turn.items],
        "usage": turn.usage.model_dump(mode="json", exclude_none=True) if turn.usage else None,
        "error": turn.error,
        "shown": shown(events),
    }


async def _ended(writer: Writer, turn_id: TurnId) -> None:
    while True:
        turn = writer.state.turns.by_id.get(turn_id)
        if turn is None or turn.ended:
            return
        await writer.changed()


async def _from_log(
    notebook_id: NotebookId, log: EventLog, turn_id: TurnId, rest: list[Event]
) -> Turn:
    after = Seq(await log.first_seq(notebook_id) - 1)  # what was folded is not found
    async for events in pages(log, notebook_id, after, _STARTS):
        for event in events:
            if isinstance(event.payload, TurnStarted) and event.payload.turn_id == turn_id:
                turns = Turns()
                for each in (event, *rest):
                    turns = advance(turns, each, each.payload)
                return turns.by_id[turn_id]
    raise TurnNotFound(f"There is no turn {turn_id}.", turn_id=turn_id)


def _given(payload: TurnContextGiven) -> dict[str, Any]:
    given = payload.model_dump(mode="json", exclude={"turn_id", "messages"})
    messages = [each.model_dump(mode="json", exclude_defaults=True) for each in payload.messages]
    return {**given, "messages": messages}


def shown(events: Iterable[Event]) -> dict[str, Any] | None:
    """Return what the model was given, None as long as it was given nothing."""
    given: dict[str, Any] | None = None
    text, calls = "", list[dict[str, Any]]()
    for event in events:
        match event.payload:
            case TurnContextGiven() as payload:
                given = _given(payload)
            case TurnTextAppended() as payload:
                text += payload.text
            case ToolCallRequested() as payload:
                calls.append({"call_id": payload.call_id, "tool": payload.tool})
                calls[-1]["arguments"] = payload.arguments
            case ToolCallCompleted() as payload if given is not None:
                if calls:  # its own words come back to it with its calls
                    said = {"role": "assistant", "text": text.lstrip("\n"), "calls": calls}
                    given["messages"].append(said)
                    text, calls = "", []
                told = payload.result
                if payload.tainted:
                    told = Envelope.of(payload.turn_id).wrap(told)
                result = {"role": "tool", "call_id": payload.call_id, "text": told}
                given["messages"].append(result)
    return given
