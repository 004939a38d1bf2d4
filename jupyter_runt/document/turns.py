"""The AI's turns, from events alone; pure, so a replay is the live state (EL2)."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, Self

from jupyter_runt.document.persistent import PersistentMap
from jupyter_runt.events.agent import (
    Effect,
    ToolCallCompleted,
    ToolCallRequested,
    ToolStatus,
    TurnCompleted,
    TurnContextGiven,
    TurnEnd,
    TurnStarted,
    TurnTextAppended,
    TurnUndone,
    Usage,
)
from jupyter_runt.events.base import Event, Payload
from jupyter_runt.ids import ActorId, CellId, Seq, TurnId

TurnStatus = Literal["running", "waiting"] | TurnEnd
ToolUseStatus = Literal["requested", "waiting", "running"] | ToolStatus

SHORT: Final = 500
"""Characters of a tool's result that are shown; the log has the rest."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call of a tool, and what became of it."""

    call_id: str
    tool: str
    effect: Effect
    arguments: str
    at: int
    """How much of the turn's text was there before it, in UTF-16 code units."""
    status: ToolUseStatus = "requested"
    result: str | None = None
    """Its beginning and its end, where it is long."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of the AI to what is asked in a cell. Times are ISO 8601 UTC."""

    turn_id: TurnId
    cell_id: CellId
    prompt: str
    model: str
    requested_by: ActorId
    requested_at: str
    requested_seq: Seq
    """Place of its start in the log."""
    status: TurnStatus = "running"
    text: str = ""
    items: tuple[ToolUse, ...] = ()
    completed_at: str | None = None
    usage: Usage | None = None
    error: str | None = None
    undone: bool = False
    """Whether somebody took back what it changed."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status not in ("running", "waiting")


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns that go on, and the last one of each cell."""

    by_id: PersistentMap[TurnId, Turn] = field(default_factory=PersistentMap)
    latest: PersistentMap[CellId, TurnId] = field(default_factory=PersistentMap)

    @property
    def going_on(self) -> list[Turn]:
        """Those that have not ended, in the order in which they were asked for."""
        turns = [turn for turn in self.by_id.values() if not turn.ended]
        return sorted(turns, key=lambda turn: turn.requested_seq)

    def of_cell(self, cell_id: CellId) -> Turn | None:
        """Return the last turn of a cell."""
        turn_id = self.latest.get(cell_id)
        return None if turn_id is None else self.by_id[turn_id]

    def to_json(self) -> list[dict[str, Any]]:
        """Return them as JSON, for a snapshot."""
        turns = sorted(self.by_id.values(), key=lambda turn: turn.requested_seq)
        return [_turn_json(turn) for turn in turns]

    @classmethod
    def from_json(cls, data: list[dict[str, Any]]) -> Self:
        """Return those that `to_json` gave."""
        by_id: PersistentMap[TurnId, Turn] = PersistentMap()
        latest: PersistentMap[CellId, TurnId] = PersistentMap()
        for turn in map(_turn, data):
            by_id = by_id.with_item(turn.turn_id, turn)
            latest = latest.with_item(turn.cell_id, turn.turn_id)
        return cls(by_id, latest)


def _turn_json(turn: Turn) -> dict[str, Any]:
    usage = turn.usage.model_dump(mode="json") if turn.usage else None
    return {**asdict(replace(turn, usage=None)), "usage": usage}


def _turn(data: dict[str, Any]) -> Turn:
    usage = Usage.model_validate(data["usage"]) if data["usage"] else None
    items = tuple(ToolUse(**item) for item in data["items"])
    return Turn(**{**data, "usage": usage, "items": items})


def advance(turns: Turns, event: Event, payload: Payload) -> Turns:
    """Return the turns after an event.

    An event about a turn that is not there, or that has ended, changes nothing.
    """
    match payload:
        case TurnStarted():
            return _started(turns, event, payload)
        case TurnContextGiven():
            return _advanced(turns, payload.turn_id, model=payload.model)
        case TurnTextAppended():
            turn = turns.by_id.get(payload.turn_id)
            text = (turn.text if turn else "") + payload.text
            return _advanced(turns, payload.turn_id, text=text)
        case ToolCallRequested():
            return _called(turns, payload)
        case ToolCallCompleted():
            shown = shortened(payload.result, SHORT)
            return with_call(
                turns, payload.turn_id, payload.call_id, status=payload.status, result=shown
            )
        case TurnCompleted():
            return _completed(turns, event, payload)
        case TurnUndone():
            return _undone(turns, payload.turn_id)
        case _:
            return turns


def _started(turns: Turns, event: Event, payload: TurnStarted) -> Turns:
    if payload.turn_id in turns.by_id:
        return turns
    turn = Turn(
        turn_id=payload.turn_id,
        cell_id=payload.cell_id,
        prompt=payload.prompt,
        model=payload.model or "",
        requested_by=payload.requested_by,
        requested_at=event.recorded_at,
        requested_seq=event.seq,
    )
    by_id = turns.by_id.with_item(payload.turn_id, turn)
    previous = turns.latest.get(payload.cell_id)
    if previous is not None and by_id[previous].ended:
        by_id = by_id.without(previous)
    return Turns(by_id, turns.latest.with_item(payload.cell_id, payload.turn_id))


def _advanced(turns: Turns, turn_id: TurnId, **changes: Any) -> Turns:
    """Return the turns in which one that has not ended is as `changes` say."""
    turn = turns.by_id.get(turn_id)
    if turn is None or turn.ended:
        return turns
    return replace(turns, by_id=turns.by_id.with_item(turn_id, replace(turn, **changes)))


def _called(turns: Turns, payload: ToolCallRequested) -> Turns:
    turn = turns.by_id.get(payload.turn_id)
    if turn is None:
        return turns
    call = ToolUse(
        call_id=payload.call_id,
        tool=payload.tool,
        effect=payload.effect,
        arguments=payload.arguments,
        at=len(turn.text.encode("utf-16-le", "surrogatepass")) // 2,
    )
    return _advanced(turns, payload.turn_id, items=(*turn.items, call))


def with_call(turns: Turns, turn_id: TurnId, call_id: str, **changes: Any) -> Turns:
    """Return the turns in which a call of one that has not ended is as `changes` say."""
    turn = turns.by_id.get(turn_id)
    if turn is None:
        return turns
    items = tuple(
        replace(each, **changes) if each.call_id == call_id else each for each in turn.items
    )
    return turns if items == turn.items else _advanced(turns, turn_id, items=items)


def _completed(turns: Turns, event: Event, payload: TurnCompleted) -> Turns:
    turn = turns.by_id.get(payload.turn_id)
    if turn is None or turn.ended:
        return turns
    done = completed(turn, payload.status, payload.error, payload.usage)
    if turns.latest[turn.cell_id] != payload.turn_id:
        return replace(turns, by_id=turns.by_id.without(payload.turn_id))
    done = replace(done, completed_at=event.recorded_at)
    return replace(turns, by_id=turns.by_id.with_item(payload.turn_id, done))


def _undone(turns: Turns, turn_id: TurnId) -> Turns:
    turn = turns.by_id.get(turn_id)
    if turn is None or not turn.ended:
        return turns
    return replace(turns, by_id=turns.by_id.with_item(turn_id, replace(turn, undone=True)))


def completed(turn: Turn, status: TurnEnd, error: str | None, usage: Usage | None) -> Turn:
    """Return a turn as it ended; calls that were going on came to nothing."""
    items = tuple(
        each if each.status in ("ok", "error", "denied") else replace(each, status="error")
        for each in turn.items
    )
    return replace(turn, status=status, items=items, usage=usage, error=error)


def shortened(text: str, limit: int) -> str:
    """Return the beginning and the end of a text that is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    head = limit * 3 // 4
    return f"{text[:head]}\n[… {len(text) - limit} characters …]\n{text[head - limit :]}"
