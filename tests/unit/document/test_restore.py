"""Going back to an earlier version of a notebook, or of some of its cells."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document.ipynb import import_update
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.restore import restore, take_back
from jupyter_runt.errors import CellNotFound

pytestmark = pytest.mark.rule("EL2")

STREAM = {"output_type": "stream", "name": "stdout", "text": "1\n"}


def code(cell_id, source="", *, outputs=(), count=None, **metadata):
    return {
        "id": cell_id,
        "cell_type": "code",
        "source": source,
        "metadata": metadata,
        "outputs": list(outputs),
        "execution_count": count,
    }


def markdown(cell_id, source=""):
    return {"id": cell_id, "cell_type": "markdown", "source": source, "metadata": {}}


def notebook(*cells, minor=5, **metadata):
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}


def opened(content):
    document = NotebookDoc()
    document.apply([import_update(content, 1)])
    return document


def restored(now, then, cell_ids=None):
    """Return a document that held `now` after going back to `then`, and the changes."""
    document = opened(now)
    done = document.transact(lambda: restore(document, then, cell_ids))
    return document, [(change.type, getattr(change, "cell_id", None)) for change in done.changes]


def sources(document):
    return {str(cell_id): document.source(cell_id) for cell_id in document.cell_ids}


def without_ids(content):
    cells = [{key: cell[key] for key in cell if key != "id"} for cell in content["cells"]]
    return {**content, "cells": cells}


outputs = st.lists(st.just(STREAM), max_size=1)
cells = st.lists(
    st.builds(
        lambda cell_id, kind, source, shown: (
            kind(cell_id, source) | ({"outputs": shown} if kind is code else {})
        ),
        st.sampled_from("abcdef"),
        st.sampled_from([code, markdown]),
        st.sampled_from(["", "x", "x\ny", "é\nz"]),
        outputs,
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda cell: cell["id"],
)
notebooks = st.builds(
    lambda found, minor, name: notebook(*found, minor=minor, name=name),
    cells,
    st.sampled_from([4, 5]),
    st.sampled_from(["one", "two"]),
)


@given(notebooks, notebooks)
def test_the_notebook_reads_as_it_did_and_going_back_again_undoes_it(now, then):
    document = opened(now)
    before = document.notebook(always_ids=True)
    wanted = opened(then).notebook(always_ids=True)
    document.transact(lambda: restore(document, wanted))
    assert without_ids(document.notebook(always_ids=True)) == without_ids(wanted)
    document.transact(lambda: restore(document, before))
    assert without_ids(document.notebook(always_ids=True)) == without_ids(before)


@given(notebooks, notebooks, st.data())
def test_restoring_cells_changes_those_alone(now, then, data):
    named = data.draw(st.sets(st.sampled_from([cell["id"] for cell in then["cells"]]), min_size=1))
    document = opened(now)
    before = {str(cell_id): document.cell(cell_id) for cell_id in document.cell_ids}
    wanted = {cell["id"]: cell for cell in opened(then).notebook(always_ids=True)["cells"]}
    order = list(document.cell_ids)
    document.transact(lambda: restore(document, then, named))
    after = {str(cell_id): document.cell(cell_id) for cell_id in document.cell_ids}
    assert {cell_id: after[cell_id] for cell_id in named} == {
        cell_id: wanted[cell_id] for cell_id in named
    }
    assert {k: v for k, v in after.items() if k not in named} == {
        k: v for k, v in before.items() if k not in named
    }
    assert [cell_id for cell_id in document.cell_ids if cell_id in before] == order


def test_what_is_the_same_stays_untouched():
    now = notebook(code("a", "one", outputs=[STREAM], count=1), code("b", "two"))
    then = deepcopy(now)
    then["cells"][1]["source"] = "twenty"
    _, changes = restored(now, then)
    assert changes == [("source_changed", "b")]
    assert restored(now, deepcopy(now))[1] == []


def test_a_colleague_s_typing_in_the_same_cell_survives():
    document = opened(notebook(code("a", "first\nsecond")))
    colleague = NotebookDoc()
    colleague.apply([document.doc.get_update()])
    then = notebook(code("a", "first line\nsecond"))
    document.transact(lambda: restore(document, then))
    colleague.transact(lambda: colleague.replace_source("a", "first\nsecond, typed"))
    document.apply([colleague.doc.get_update()])
    assert sources(document) == {"a": "first line\nsecond, typed"}


@pytest.mark.parametrize(
    ("now", "cell_id", "order"),
    [
        (["a", "c"], "b", ["a", "b", "c"]),
        (["c", "a"], "b", ["c", "a", "b"]),
        (["c", "new"], "a", ["a", "c", "new"]),
        (["new"], "b", ["new", "b"]),
        (["a", "new"], "c", ["a", "c", "new"]),
    ],
)
def test_a_deleted_cell_comes_back_beside_its_old_neighbours(now, cell_id, order):
    then = notebook(*(code(name, name) for name in "abc"))
    document, _ = restored(notebook(*(code(name, name) for name in now)), then, [cell_id])
    assert list(document.cell_ids) == order


def test_cells_that_come_back_together_keep_their_order():
    then = notebook(*(code(name, name) for name in "abcd"))
    document, _ = restored(notebook(code("d", "d")), then, ["c", "b", "b"])
    assert list(document.cell_ids) == ["b", "c", "d"]


def test_a_cell_that_was_not_there_then_cannot_be_restored():
    document = opened(notebook(code("a", "a")))
    state = document.doc.get_state()
    with pytest.raises(CellNotFound) as refused:
        document.transact(lambda: restore(document, notebook(code("b")), ["b", "z"]))
    assert refused.value.detail == {"cell_ids": ["z"]}
    assert document.doc.get_state() == state


def test_a_version_without_ids_is_known_by_its_text():
    now = notebook(code("a", "total = price * amount"), code("b", "other"))
    then = without_ids(notebook(code("?", "total = price * amount + tax"), code("?", "other")))
    document, changes = restored(now, then)
    assert changes == [("source_changed", "a")]
    document, _ = restored(now, then, ["a"])
    assert sources(document)["a"] == "total = price * amount + tax"


def test_trust_is_not_restored():
    then = notebook(code("a", "x", outputs=[STREAM], trusted=True))
    document, _ = restored(notebook(code("a", "y")), then)
    assert document.metadata("a") == {}


def test_the_version_of_the_format_comes_back():
    document, _ = restored(notebook(code("a", "y")), notebook(code("a", "y"), minor=4))
    assert document.nbformat() == (4, 4)


def test_taking_a_change_back_leaves_what_was_written_since():
    before = notebook(code("a", "one"), code("b", "two"))
    after = notebook(code("a", "ONE"), code("c", "new"))
    document = opened(after)
    document.transact(lambda: document.replace_source("c", "new and more"))
    document.transact(lambda: document.create_cell("markdown", "since", None))
    document.transact(lambda: take_back(document, before, after))
    assert sorted(sources(document).values()) == ["new and more", "one", "since", "two"]


@given(notebooks, notebooks)
def test_taking_back_at_once_gives_the_notebook_of_before(before, after):
    document = opened(before)
    document.transact(lambda: restore(document, after))
    reached = document.notebook(always_ids=True)
    document.transact(lambda: take_back(document, before, reached))
    assert sources(document) == {cell["id"]: cell["source"] for cell in before["cells"]}
    assert list(sources(document)) == [cell["id"] for cell in before["cells"]]
