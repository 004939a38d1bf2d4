"""What a turn may look at."""

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.ai.context import build
from jupyter_runt.ai.envelope import Envelope
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import CellNotFound
from jupyter_runt.ids import CellId, TurnId
from jupyter_runt.rooms.room import Room
from jupyter_runt.session.turns.view import view_of

KINDS = st.sampled_from(["code", "markdown", "raw", "ai"])
CELLS = st.lists(st.tuples(KINDS, st.booleans(), st.booleans()), min_size=1, max_size=8)


def notebook(cells: list[tuple[str, bool, bool]]) -> NotebookDoc:
    """Return a notebook whose cells say, in all their parts, whether they are hidden."""
    doc = NotebookDoc()

    def fill() -> None:
        for number, (kind, hidden, noisy) in reversed(list(enumerate(cells))):
            word = f"{'hidden' if hidden else 'shown'}-{number}"
            turn = {"prompt": f"{word}?", "items": [{"type": "text", "text": f"{word}!"}]}
            runt: dict[str, Any] = {"context_hidden": True} if hidden else {}
            runt |= {"type": "ai", "turns": [turn]} if kind == "ai" else {}
            cell: dict[str, Any] = {
                "id": f"c{number}",
                "cell_type": "code" if kind == "ai" else kind,
                "source": f"{word} source",
                "metadata": {"runt": runt} if runt else {},
            }
            if cell["cell_type"] == "code":
                text = f"{word} output" * (2_000 if noisy else 1)
                cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
            doc.insert_cell(cell, None)

    doc.transact(fill)
    return doc


async def seen(
    doc: NotebookDoc, asked: str, budget: int, chosen: Collection[CellId] | None = None
) -> str:
    async def load() -> NotebookDoc:
        return doc

    async with Room("room", load=load) as room:
        view, _ = await view_of(room, CellId(asked), chosen)
    context = build(view, "what?", Envelope.of(TurnId("t")), budget=budget)
    return str((context.messages, context.told, context.left_out))


@pytest.mark.rule("AG6")
@pytest.mark.asyncio
@given(CELLS, st.integers(2_000, 20_000))
async def test_nothing_of_a_hidden_cell_is_ever_shown_and_nothing_from_below(
    cells: list[tuple[str, bool, bool]], budget: int
) -> None:
    asked = len(cells) // 2
    told = await seen(notebook(cells), f"c{asked}", budget)
    for number, (_, hidden, _) in enumerate(cells):
        if number > asked or (hidden and number < asked):
            assert f"-{number} " not in told
            assert f"-{number}?" not in told
            assert f"-{number}!" not in told
            assert f"c{number}'" not in told
    visible = [n for n, (_, hidden, _) in enumerate(cells) if n < asked and not hidden]
    if budget == 20_000 and visible:
        assert f"shown-{visible[-1]}" in told


@pytest.mark.rule("AG6")
@pytest.mark.asyncio
@given(CELLS, st.sets(st.integers(0, 7)))
async def test_of_chosen_cells_all_are_shown_but_hidden_ones_and_no_others(
    cells: list[tuple[str, bool, bool]], chosen: set[int]
) -> None:
    asked = len(cells) // 2
    names = {CellId(f"c{number}") for number in chosen}
    told = await seen(notebook(cells), f"c{asked}", 100_000, names)
    for number, (kind, hidden, _) in enumerate(cells):
        if number != asked:
            word = "hidden" if hidden else "shown"
            said = f"{word}-{number}?" if kind == "ai" else f"{word}-{number} source"
            assert (said in told) == (number in chosen and not hidden)


@pytest.mark.rule("AG6", "EX8")
@pytest.mark.asyncio
async def test_a_large_notebook_is_looked_at_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_runt.session.turns.view.SLICE_SECONDS", 0.0)
    doc = notebook([("code", False, False)] * 5)
    told = await seen(doc, "c4", 20_000)
    assert [f"shown-{number} source" in told for number in range(5)] == [True] * 4 + [False]


@pytest.mark.asyncio
async def test_a_cell_that_is_gone_shows_nothing() -> None:
    with pytest.raises(CellNotFound):
        await seen(notebook([("ai", False, False)]), "none", 20_000)
