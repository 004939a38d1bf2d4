"""The AI's turns, from events alone, and as a cell keeps them."""

from typing import Any

import pytest

from jupyter_runt.document.ai_cells import ANSWER_MIME, answer_output
from jupyter_runt.document.answers import KEPT, transcript, write_answer
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.turns import SHORT, Turn, Turns, advance, shortened
from jupyter_runt.events.agent import (
    ToolCallCompleted,
    ToolCallRequested,
    TurnCompleted,
    TurnContextGiven,
    TurnStarted,
    TurnTextAppended,
    TurnUndone,
    Usage,
)
from jupyter_runt.events.base import Event, Payload
from jupyter_runt.ids import ActorId, CellId, NotebookId, Seq, TurnId

T1, T2 = TurnId("t1"), TurnId("t2")


def started(turn_id: TurnId = T1, cell_id: str = "ai") -> TurnStarted:
    return TurnStarted(
        turn_id=turn_id,
        cell_id=CellId(cell_id),
        prompt="What is x?",
        model=None,
        document_seq=Seq(1),
        requested_by=ActorId("user:ada"),
    )


def wrote(text: str, turn_id: TurnId = T1) -> TurnTextAppended:
    return TurnTextAppended(turn_id=turn_id, text=text)


def called(call_id: str, turn_id: TurnId = T1) -> ToolCallRequested:
    return ToolCallRequested(
        turn_id=turn_id, call_id=call_id, tool="look", effect="read", arguments='{"a": 1}'
    )


def returned(call_id: str, result: str = "seen") -> ToolCallCompleted:
    return ToolCallCompleted(turn_id=T1, call_id=call_id, status="ok", result=result)


def ended(status: Any = "ok", turn_id: TurnId = T1, **fields: Any) -> TurnCompleted:
    return TurnCompleted(turn_id=turn_id, status=status, **fields)


def replay(*payloads: Payload) -> Turns:
    turns = Turns()
    for seq, payload in enumerate(payloads, 1):
        event = Event(
            seq=Seq(seq),
            notebook_id=NotebookId("n"),
            actor=ActorId("user:ada"),
            caused_by=None,
            recorded_at=f"2026-01-01T00:00:00.{seq:03d}Z",
            payload=payload,
        )
        turns = advance(turns, event, payload)
    return turns


def one(*payloads: Payload) -> Turn:
    return replay(*payloads).by_id[T1]


@pytest.mark.rule("EL2")
def test_a_turn_grows_until_it_ends() -> None:
    given = TurnContextGiven(
        turn_id=T1, model="p/m", messages=(), tokens=1, budget=1, tainted=False
    )
    turn = one(started(), given, wrote("a \U0001f600"), called("c"), wrote(" b"), returned("c"))
    assert (turn.status, turn.model, turn.text) == ("running", "p/m", "a \U0001f600 b")
    (item,) = turn.items
    assert (item.at, item.status, item.result) == (4, "ok", "seen"), "in UTF-16 code units"
    usage = Usage(input_tokens=3, output_tokens=4)
    turn = one(started(), called("c"), ended("limit", error="too long", usage=usage), wrote("x"))
    assert (turn.status, turn.error, turn.usage, turn.text) == ("limit", "too long", usage, "")
    assert turn.items[0].status == "error", "it came to nothing"
    assert turn.completed_at == "2026-01-01T00:00:00.003Z"


def test_a_turn_that_was_taken_back_says_so() -> None:
    undone = TurnUndone(turn_id=T1)
    assert one(started(), ended(), undone).undone
    assert not one(started(), undone).undone, "it goes on"
    assert replay(undone) == Turns()


def test_the_last_turn_of_each_cell_stays_and_those_that_go_on() -> None:
    turns = replay(started(T1), started(T2))
    assert [turn.turn_id for turn in turns.going_on] == [T1, T2]
    turns = replay(started(T1), started(T2), ended(turn_id=T1))
    assert list(turns.by_id) == [T2]
    turns = replay(started(T1), ended(), started(T2))
    assert list(turns.by_id) == [T2]
    turns = replay(started(T1, "a"), ended(), started(T2, "b"))
    assert turns.of_cell(CellId("a")) == turns.by_id[T1]
    assert turns.of_cell(CellId("none")) is None


def test_a_snapshot_says_the_same() -> None:
    usage = Usage(input_tokens=3, output_tokens=4, cost=0.5)
    turns = replay(started(), wrote("a"), called("c"), returned("c"), ended(usage=usage))
    assert Turns.from_json(turns.to_json()).to_json() == turns.to_json()
    assert Turns.from_json(turns.to_json()).by_id[T1] == turns.by_id[T1]


def test_long_results_are_shown_by_their_ends() -> None:
    turn = one(started(), called("c"), returned("c", "a" * 5000 + "z"))
    result = turn.items[0].result or ""
    assert len(result) < SHORT + 50
    assert (result[0], result[-1]) == ("a", "z")
    assert shortened("short", 10) == "short"


# in the cell


def test_an_answer_is_told_with_its_calls_in_between() -> None:
    turn = one(started(), wrote("before "), called("c"), returned("c"), wrote("after"), ended())
    kept = transcript(turn)
    kinds = [(item["type"], item.get("text", item.get("tool"))) for item in kept["items"]]
    assert kinds == [("text", "before "), ("tool", "look"), ("text", "after")]
    output = answer_output(transcript(turn))
    assert output["data"][ANSWER_MIME] == kept
    markdown = output["data"]["text/markdown"]
    assert markdown.index("before") < markdown.index("look") < markdown.index("after")


@pytest.mark.rule("AG5")
@pytest.mark.parametrize("status", ["error", "limit", "lost", "cancelled"])
def test_an_answer_that_ended_badly_says_why(status: str) -> None:
    output = answer_output(
        transcript(one(started(), wrote("half"), ended(status, error="It was cut.")))
    )
    assert "half" in output["data"]["text/plain"]
    assert "It was cut." in output["data"]["text/plain"]


def test_a_cell_keeps_its_last_turns_whatever_its_metadata_is() -> None:
    doc = NotebookDoc()
    cell = {"id": "ai", "cell_type": "code", "source": "?", "outputs": []}
    metadata = {"runt": {"type": "ai", "model": "p/m", "turns": "broken"}, "other": 1}
    doc.transact(lambda: doc.insert_cell({**cell, "metadata": metadata}, None))
    for number in range(KEPT + 3):
        turn = one(started(), wrote(f"{number}"), ended())
        doc.transact(lambda turn=turn: write_answer(doc, turn))  # type: ignore[misc]
    kept = doc.metadata(CellId("ai"))
    assert (kept["other"], kept["runt"]["model"]) == (1, "p/m")
    texts = [turn["items"][0]["text"] for turn in kept["runt"]["turns"]]
    assert texts == [str(number) for number in range(3, KEPT + 3)]
    assert len(doc.cell(CellId("ai"))["outputs"]) == 1
    doc.transact(lambda: doc.set_cell_type(CellId("ai"), "markdown"))
    assert doc.transact(lambda: write_answer(doc, turn)).update is None
