"""What one wrote is taken back from a notebook in which another wrote as well."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.restore import take_back_edits

Move = tuple[str, str, int, int]
"""Who, what, and two numbers that say where."""

WHAT = ("line", "line", "cell", "replace", "delete", "move")
moves = st.lists(
    st.tuples(
        st.sampled_from(["ai", "me"]),
        st.sampled_from(WHAT),
        st.integers(0, 99),
        st.integers(0, 99),
    ),
    max_size=14,
)


class Notebook:
    """A notebook in which each line is written once, by whom it says."""

    def __init__(self) -> None:
        self.doc = NotebookDoc()
        self.count = 0
        self.doc.transact(self._begin)

    def _begin(self) -> None:
        after = None
        for number in range(3):
            after = self.doc.create_cell("code", f"old {number}a\nold {number}b", after)

    def now(self) -> dict[str, Any]:
        return self.doc.notebook(always_ids=True)

    def lines(self) -> list[str]:
        return [line for cell in self.now()["cells"] for line in cell["source"].split("\n")]

    def write(self, move: Move) -> None:
        self.doc.transact(lambda: self._write(move))

    def _write(self, move: Move) -> None:
        who, what, where, place = move
        self.count += 1
        text, cells = f"{who} {self.count}", list(self.doc.cell_ids)
        cell_id = cells[where % len(cells)]
        if what == "cell":
            self.doc.create_cell("code", text, cell_id)
        elif what == "line" or who == "me":
            lines = self.doc.source(cell_id).split("\n")
            lines.insert(place % (len(lines) + 1), text)
            self.doc.replace_source(cell_id, "\n".join(lines))
        elif what == "replace":
            self.doc.replace_source(cell_id, text)
        elif what == "delete" and len(cells) > 1:
            self.doc.delete_cells([cell_id])
        elif what == "move":
            after = cells[place % len(cells)]
            self.doc.move_cell(cell_id, None if after == cell_id else after)


@pytest.mark.rule("AG1")
@given(moves)
def test_everything_of_mine_and_nothing_of_the_ai_is_left(story: list[Move]) -> None:
    notebook, steps = Notebook(), []
    old = set(notebook.lines())
    for move in story:
        before = notebook.now()
        notebook.write(move)
        if move[0] == "ai":
            steps.append((before, notebook.now()))
    mine = {f"me {n}" for n, move in enumerate(story, 1) if move[0] == "me"}
    notebook.doc.transact(lambda: take_back_edits(notebook.doc, steps))
    left = notebook.lines()
    assert not [line for line in left if line.startswith("ai ")]
    assert mine | old <= set(left)
    assert sorted(line for line in left if line) == sorted(set(left) - {""})


@given(moves.map(lambda story: [("ai", *move[1:]) for move in story]))
def test_where_nobody_else_wrote_all_is_as_before(story: list[Move]) -> None:
    notebook, steps = Notebook(), []
    before = notebook.now()
    for move in story:
        then = notebook.now()
        notebook.write(move)
        steps.append((then, notebook.now()))
    notebook.doc.transact(lambda: take_back_edits(notebook.doc, steps))
    sources = [(cell["id"], cell["source"]) for cell in notebook.now()["cells"]]
    assert sources == [(cell["id"], cell["source"]) for cell in before["cells"]]
