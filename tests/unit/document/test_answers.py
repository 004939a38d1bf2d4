"""What a cell keeps of the answers that it got."""

from dataclasses import replace
from typing import Any

from jupyter_runt.document.answers import KEPT, KEPT_CHARS, write_answer
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.turns import Turn
from jupyter_runt.ids import ActorId, CellId, Seq, TurnId

TURN = Turn(
    turn_id=TurnId("t"),
    cell_id=CellId("?"),
    prompt="Why?",
    model="test/scripted",
    requested_by=ActorId("user:ada"),
    requested_at="2026-01-01T00:00:00.000Z",
    requested_seq=Seq(1),
    status="ok",
)


def kept_of(*texts: str) -> list[dict[str, Any]]:
    """Return what a cell keeps after these answers."""
    doc = NotebookDoc()
    doc.transact(lambda: doc.create_cell("ai", "Why?", None))
    (cell_id,) = doc.cell_ids
    for text in texts:
        turn = replace(TURN, cell_id=cell_id, text=text)
        doc.transact(lambda turn=turn: write_answer(doc, turn))
    turns: list[dict[str, Any]] = doc.metadata(cell_id)["runt"]["turns"]
    return turns


def test_a_cell_keeps_its_last_answers() -> None:
    texts = [str(number) for number in range(KEPT + 5)]
    assert [turn["items"][0]["text"] for turn in kept_of(*texts)] == texts[-KEPT:]


def test_long_answers_leave_room_for_fewer_and_the_last_one_is_always_whole() -> None:
    half, whole = "x" * (KEPT_CHARS // 2), "y" * (2 * KEPT_CHARS)
    assert len(kept_of(half, half, "short")) == 2
    (last,) = kept_of(half, whole)
    assert last["items"] == [{"type": "text", "text": whole}]
