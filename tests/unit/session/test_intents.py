import json
from hashlib import sha256
from typing import Any

import pytest

from jupyter_runt.commands import parse_command
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import CellNotFound, InvalidCommand, StaleRevision
from jupyter_runt.ids import CellId
from jupyter_runt.session.intents import apply_intent


@pytest.fixture
def doc() -> NotebookDoc:
    doc = NotebookDoc()

    def fill() -> None:
        for cell_id in ("c", "b", "a"):
            cell = {"id": cell_id, "cell_type": "code", "source": cell_id, "metadata": {}}
            doc.insert_cell(cell, None)

    doc.transact(fill)
    return doc


def do(doc: NotebookDoc, kind: str, **fields: Any) -> list[str]:
    """Perform a command, and return the kinds of its changes."""
    command = parse_command(json.dumps({"type": kind, **fields}).encode())
    done = doc.transact(lambda: apply_intent(doc, command))
    return [change.type for change in done.changes]


def refused(error: type[Exception], doc: NotebookDoc, kind: str, **fields: Any) -> None:
    before = doc.doc.get_state()
    with pytest.raises(error):
        do(doc, kind, **fields)
    assert doc.doc.get_state() == before, "nothing was changed"


def test_cells_are_created_where_they_were_wanted(doc: NotebookDoc) -> None:
    assert do(doc, "create_cell", cell_type="code", source="x", after="a") == ["cell_created"]
    assert do(doc, "create_cell", cell_type="sql", source="y") == ["cell_created"]
    assert [doc.source(cell_id) for cell_id in doc.cell_ids] == ["y", "a", "x", "b", "c"]
    assert doc.cell_type(doc.cell_ids[0]) == "sql"
    refused(CellNotFound, doc, "create_cell", cell_type="code", source="x", after="z")


def test_a_source_is_edited_as_a_whole_or_by_replacements(doc: NotebookDoc) -> None:
    assert do(doc, "edit_cell", cell_id="a", source="x = 1") == ["source_changed"]
    two = [{"old": "x", "new": "yy"}, {"old": "1", "new": "22"}]
    do(doc, "edit_cell", cell_id="a", replacements=two)
    assert doc.source(doc.cell_ids[0]) == "yy = 22"
    ambiguous = [{"old": "2", "new": "3"}]
    refused(InvalidCommand, doc, "edit_cell", cell_id="a", replacements=ambiguous)
    half = [{"old": "yy", "new": "z"}, {"old": "not there", "new": ""}]
    refused(InvalidCommand, doc, "edit_cell", cell_id="a", replacements=half)
    refused(InvalidCommand, doc, "edit_cell", cell_id="a", source="", replacements=two)
    refused(InvalidCommand, doc, "edit_cell", cell_id="a")
    refused(CellNotFound, doc, "edit_cell", cell_id="z", source="")


def test_an_edit_of_what_was_edited_meanwhile_is_refused(doc: NotebookDoc) -> None:
    revision = sha256(b"a").hexdigest()
    do(doc, "edit_cell", cell_id="a", source="b", expected_revision=revision)
    refused(StaleRevision, doc, "edit_cell", cell_id="a", source="c", expected_revision=revision)


def test_cells_are_moved_and_deleted(doc: NotebookDoc) -> None:
    assert do(doc, "move_cell", cell_id="a", after="c") == ["cell_moved"]
    assert doc.cell_ids == ["b", "c", "a"]
    do(doc, "move_cell", cell_id="c", after=None)
    assert doc.cell_ids == ["c", "b", "a"]
    refused(InvalidCommand, doc, "move_cell", cell_id="a", after="a")
    refused(CellNotFound, doc, "move_cell", cell_id="a", after="z")
    refused(CellNotFound, doc, "delete_cells", cell_ids=["a", "z"])
    assert do(doc, "delete_cells", cell_ids=["a", "c", "a"]) == ["cell_deleted", "cell_deleted"]
    assert doc.cell_ids == ["b"]


def test_a_cell_changes_its_type(doc: NotebookDoc) -> None:
    do(doc, "set_cell_type", cell_id="a", cell_type="markdown")
    assert [doc.cell_type(cell_id) for cell_id in doc.cell_ids] == ["markdown", "code", "code"]
    refused(CellNotFound, doc, "set_cell_type", cell_id="z", cell_type="raw")


def test_visibility_is_metadata_and_leaves_no_trace_when_undone(doc: NotebookDoc) -> None:
    do(doc, "set_context_visibility", cell_ids=["a", "b"], visible=False)
    do(doc, "set_cell_visibility", cell_ids=["a"], source_hidden=True, outputs_hidden=True)
    a, b, _ = doc.cell_ids
    assert doc.metadata(a) == {
        "runt": {"context_hidden": True},
        "jupyter": {"source_hidden": True, "outputs_hidden": True},
    }
    assert doc.metadata(b) == {"runt": {"context_hidden": True}}
    do(doc, "set_cell_visibility", cell_ids=["a"], source_hidden=False)
    assert doc.metadata(a)["jupyter"] == {"outputs_hidden": True}
    do(doc, "set_cell_visibility", cell_ids=["a"], outputs_hidden=False)
    do(doc, "set_context_visibility", cell_ids=["a", "b"], visible=True)
    assert doc.metadata(a) == doc.metadata(b) == {}
    assert do(doc, "set_context_visibility", cell_ids=["a"], visible=True) == []
    refused(CellNotFound, doc, "set_context_visibility", cell_ids=["a", "z"], visible=True)
    refused(CellNotFound, doc, "set_cell_visibility", cell_ids=["z"])


def test_outputs_are_cleared_of_the_cells_named_or_of_all(doc: NotebookDoc) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "out"}

    def run() -> None:
        for cell_id in doc.cell_ids:
            doc.append_outputs(cell_id, [output])

    doc.transact(run)
    assert do(doc, "clear_outputs", cell_ids=["a"]) == ["outputs_changed"]
    assert [bool(doc.cell(c)["outputs"]) for c in doc.cell_ids] == [False, True, True]
    refused(CellNotFound, doc, "clear_outputs", cell_ids=["b", "z"])
    do(doc, "set_cell_type", cell_id="a", cell_type="raw")
    do(doc, "clear_outputs")
    assert not any(doc.cell(c).get("outputs") for c in doc.cell_ids)


@pytest.mark.parametrize("odd", [None, "x", 5, [1], ["a", {"b": 1}], {}])
def test_whatever_a_file_has_in_place_of_our_metadata_cells_can_be_hidden(
    doc: NotebookDoc, odd: Any
) -> None:
    doc.transact(lambda: doc.update_cell_metadata(CellId("a"), {"runt": odd, "jupyter": odd}))
    do(doc, "set_context_visibility", cell_ids=["a"], visible=False)
    do(doc, "set_cell_visibility", cell_ids=["a"], source_hidden=True)
    do(doc, "set_cell_type", cell_id="a", cell_type="ai")
    assert doc.metadata(CellId("a")) == {
        "runt": {"context_hidden": True, "type": "ai"},
        "jupyter": {"source_hidden": True},
    }
