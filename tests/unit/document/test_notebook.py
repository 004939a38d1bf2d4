"""The notebook as a shared document."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_ydoc import YNotebook
from pycrdt import Array, Map, Text

from jupyter_runt.document.ipynb import import_update
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.ydocs import ydoc_class_without_undo
from jupyter_runt.errors import CellNotFound
from jupyter_runt.events.document import (
    CellCreated,
    CellDeleted,
    CellMoved,
    CellTypeChanged,
    MetadataChanged,
    OutputsChanged,
    SourceChanged,
)

STREAM = {"output_type": "stream", "name": "stdout", "text": "one\n"}
PLOT = {
    "output_type": "display_data",
    "data": {"text/plain": "<Figure>", "application/json": {"a": [1, 2.5]}},
    "metadata": {"needs_background": "light"},
}
ERROR = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["a", "b"]}


def notebook():
    return {
        "cells": [
            {
                "id": "code",
                "cell_type": "code",
                "source": "1 + 1",
                "metadata": {"tags": ["x"]},
                "execution_count": 3,
                "outputs": [STREAM, PLOT],
            },
            {
                "id": "text",
                "cell_type": "markdown",
                "source": "# Été 😀",
                "metadata": {},
                "attachments": {"a.png": {"image/png": "aGk="}},
            },
            {"id": "raw", "cell_type": "raw", "source": "raw", "metadata": {"format": "text/x"}},
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.fixture
def document():
    document = NotebookDoc()
    document.apply([import_update(notebook(), 1)])
    return document


def as_jupyter_sees(document):
    replica = YNotebook()
    replica.ydoc.apply_update(document.doc.get_update())
    return replica.get()


def test_an_imported_notebook_is_what_was_imported_to_us_and_to_jupyter_ydoc(document):
    assert document.notebook() == notebook()
    assert as_jupyter_sees(document) == notebook()
    assert NotebookDoc.version == YNotebook().version


def test_a_notebook_without_ids_on_disk_has_none_when_it_is_exported():
    document = NotebookDoc()
    document.apply([import_update({**notebook(), "nbformat_minor": 4}, 1)])
    assert document.cell_ids == ["code", "text", "raw"]
    assert [cell.get("id") for cell in document.notebook()["cells"]] == [None] * 3
    assert document.notebook() == as_jupyter_sees(document)
    assert document.nbformat() == (4, 4)


def test_an_empty_notebook_gets_a_cell_to_type_into():
    document = NotebookDoc()
    document.apply([import_update({**notebook(), "cells": []}, 1)])
    (cell_id,) = document.cell_ids
    assert document.cell(cell_id)["source"] == ""
    assert as_jupyter_sees(document) == document.notebook()


def test_reading(document):
    assert document.has_cell("code")
    assert not document.has_cell("gone")
    assert document.cell_type("text") == "markdown"
    assert document.source("text") == "# Été 😀"
    assert document.revision("text") == sha256("# Été 😀".encode()).hexdigest()
    assert document.metadata("raw") == {"format": "text/x"}
    assert document.cell("code") == notebook()["cells"][0]
    assert document.notebook_metadata() == notebook()["metadata"]
    with pytest.raises(CellNotFound) as error:
        document.source("gone")
    assert error.value.detail == {"cell_ids": ["gone"]}


@pytest.mark.parametrize(
    ("kind", "shared", "metadata"),
    [
        ("code", "code", {}),
        ("markdown", "markdown", {}),
        ("raw", "raw", {}),
        ("ai", "code", {"runt": {"type": "ai"}}),
        ("sql", "code", {"runt": {"type": "sql"}}),
    ],
)
def test_a_cell_can_be_created_of_every_type(document, kind, shared, metadata):
    created = document.transact(lambda: document.create_cell(kind, "source", "code"))
    cell_id = created.result
    assert created.changes == (CellCreated(cell_id=cell_id, cell_type=kind, index=1),)
    cell = document.cell(cell_id)
    assert (cell["cell_type"], cell["source"], cell["metadata"]) == (shared, "source", metadata)
    assert ("outputs" in cell) == (shared == "code")
    assert document.notebook() == as_jupyter_sees(document)


def test_several_edits_of_one_transaction_see_each_other(document):
    def edit():
        first = document.create_cell("code", "1", None)
        second = document.create_cell("code", "2", first)
        document.delete_cells(["code", "raw"])
        document.move_cell("text", first)
        document.set_execution(second, "running")
        assert not document.has_cell("code")
        return [first, "text", second]

    transaction = document.transact(edit)
    assert document.cell_ids == transaction.result
    first, _, second = transaction.result
    assert transaction.changes == (
        CellDeleted(cell_id="code", index=0),
        CellDeleted(cell_id="raw", index=2),
        CellCreated(cell_id=first, cell_type="code", index=0),
        CellMoved(cell_id="text", from_index=1, index=1),
        CellCreated(cell_id=second, cell_type="code", index=2),
    )
    with pytest.raises(CellNotFound):
        document.cell("code")


def test_a_source_is_replaced_where_it_differs(document):
    edit = document.transact(lambda: document.replace_source("text", "# Été 😎!"))
    assert edit.changes == (SourceChanged(cell_id="text", inserted=5, removed=4),)
    assert document.source("text") == "# Été 😎!"


def test_a_moved_cell_keeps_everything(document):
    before = document.cell("code")
    document.transact(lambda: document.set_execution("code", "running"))
    moved = document.transact(lambda: document.move_cell("code", "text"))
    assert moved.changes == (CellMoved(cell_id="code", from_index=0, index=1),)
    assert document.cell("code") == before
    assert document.doc.get("cells", type=Array)[1]["execution_state"] == "running"
    assert document.transact(lambda: document.move_cell("code", "text")).update is None
    assert document.transact(lambda: document.move_cell("text", None)).update is None
    document.transact(lambda: document.move_cell("raw", None))
    assert document.cell_ids == ["raw", "text", "code"]
    assert document.cell("text") == notebook()["cells"][1]


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: document.create_cell("code", "", "gone"),
        lambda document: document.replace_source("gone", ""),
        lambda document: document.move_cell("code", "gone"),
        lambda document: document.move_cell("gone", None),
        lambda document: document.delete_cells(["code", "gone"]),
        lambda document: document.set_cell_type("gone", "raw"),
        lambda document: document.update_cell_metadata("gone", {"a": 1}),
        lambda document: document.set_execution("gone", "idle"),
        lambda document: document.clear_outputs(["code", "gone"]),
        lambda document: document.append_outputs("gone", [STREAM]),
        lambda document: document.grow_stream("gone", "x"),
    ],
)
def test_an_edit_of_a_cell_that_is_not_there_changes_nothing(document, edit):
    state = document.doc.get_state()
    with pytest.raises(CellNotFound):
        document.transact(lambda: edit(document))
    assert document.doc.get_state() == state
    assert document.notebook() == notebook()


@given(st.lists(st.sampled_from(["code", "markdown", "raw", "ai", "sql"]), max_size=6))
def test_id_and_source_and_metadata_survive_every_change_of_type(kinds):
    document = NotebookDoc()
    document.apply([import_update(notebook(), 1)])
    previous = "code"
    for kind in kinds:
        edit = document.transact(lambda kind=kind: document.set_cell_type("code", kind))
        changed = [c for c in edit.changes if isinstance(c, CellTypeChanged)]
        assert changed == (
            [] if kind == previous else [CellTypeChanged(cell_id="code", cell_type=kind)]
        )
        assert document.cell_type("code") == kind
        cell = document.cell("code")
        assert cell["source"] == "1 + 1"
        expected = {"runt": {"type": kind}} if kind in ("ai", "sql") else {}
        assert cell["metadata"] == {"tags": ["x"], **expected}
        assert ("outputs" in cell) == (cell["cell_type"] == "code")
        assert document.cell_ids == ["code", "text", "raw"]
        assert document.notebook() == as_jupyter_sees(document)
        previous = kind


def test_attachments_survive_between_markdown_and_raw(document):
    document.transact(lambda: document.set_cell_type("text", "raw"))
    assert document.cell("text")["attachments"] == {"a.png": {"image/png": "aGk="}}
    document.transact(lambda: document.set_cell_type("text", "code"))
    assert "attachments" not in document.cell("text")


def test_metadata_is_written_only_where_it_differs(document):
    edit = document.transact(
        lambda: document.update_cell_metadata(
            "code", {"tags": ["x"], "collapsed": True, "gone": None}
        )
    )
    assert edit.changes == (MetadataChanged(cell_id="code", keys=("collapsed",)),)
    document.transact(lambda: document.update_cell_metadata("code", {"tags": None}))
    assert document.metadata("code") == {"collapsed": True}


def test_an_execution_shows_in_the_cell(document):
    document.transact(lambda: document.set_execution("code", "running", None))
    shared = document.doc.get("cells", type=Array)[0]
    assert (shared["execution_state"], shared["execution_count"]) == ("running", None)
    document.transact(lambda: document.set_execution("code", "idle", 7))
    assert (shared["execution_state"], shared["execution_count"]) == ("idle", 7)
    assert document.transact(lambda: document.set_execution("code", "idle")).update is None
    assert document.transact(lambda: document.set_execution("text", "running", 1)).update is None


@pytest.mark.rule("RM7")
def test_outputs_are_maps_and_streams_are_texts(document):
    document.transact(lambda: document.clear_outputs(["code", "text"]))
    document.transact(lambda: document.append_outputs("code", [ERROR, PLOT, STREAM]))
    outputs = document.doc.get("cells", type=Array)[0]["outputs"]
    assert isinstance(outputs, Array)
    assert all(isinstance(output, Map) for output in outputs)
    assert isinstance(outputs[2]["text"], Text)
    assert document.cell("code")["outputs"] == [ERROR, PLOT, STREAM]
    assert "outputs" not in document.cell("text")
    assert document.notebook() == as_jupyter_sees(document)


@pytest.mark.rule("RM7")
def test_a_stream_grows_and_is_rewritten_at_its_end_and_only_as_the_last_output(document):
    assert not document.transact(lambda: document.grow_stream("code", "x")).result
    document.transact(lambda: document.replace_outputs_from("code", 1, []))
    grown = document.transact(lambda: document.grow_stream("code", "é😀"))
    assert grown.result
    assert grown.changes == (OutputsChanged(cell_id="code"),)
    rewritten = document.transact(lambda: document.rewrite_stream_tail("code", 6, "100 %"))
    assert rewritten.result
    assert document.cell("code")["outputs"] == [{**STREAM, "text": "one\né100 %"}]


@pytest.mark.parametrize("keep", range(12))
def test_rewriting_inside_a_character_takes_all_of_it(document, keep):
    document.transact(
        lambda: document.replace_outputs_from("code", 0, [{**STREAM, "text": "a😀é"}])
    )
    document.transact(lambda: document.rewrite_stream_tail("code", keep, "!"))
    kept = "a😀é".encode()[:keep].decode(errors="ignore")
    assert document.cell("code")["outputs"][0]["text"] == kept + "!"


@pytest.mark.rule("RM7")
def test_an_output_in_the_middle_is_updated_by_writing_everything_after_it_again(document):
    edit = document.transact(lambda: document.replace_outputs_from("code", 1, [ERROR, STREAM]))
    assert edit.changes == (OutputsChanged(cell_id="code"),)
    assert document.cell("code")["outputs"] == [STREAM, ERROR, STREAM]
    document.transact(lambda: document.replace_outputs_from("code", 9, [PLOT]))
    assert document.cell("code")["outputs"] == [STREAM, ERROR, STREAM, PLOT]


def test_a_cell_that_is_no_code_cell_any_more_takes_no_outputs(document):
    assert not document.transact(lambda: document.append_outputs("text", [STREAM])).result
    assert not document.transact(lambda: document.replace_outputs_from("text", 0, [STREAM])).result
    assert document.notebook() == notebook()


@pytest.mark.rule("RM5")
@pytest.mark.parametrize("by_an_extension", [False, True])
def test_deleted_outputs_do_not_stay_in_the_document(document, by_an_extension):
    adapter = ydoc_class_without_undo("notebook")(document.doc) if by_an_extension else None
    for number in range(2000):
        output = {**STREAM, "text": f"{number:05d}" * 1000}
        document.transact(lambda output=output: document.replace_outputs_from("code", 0, [output]))
    assert len(document.doc.get_update()) < 100_000
    if adapter is not None:
        assert not adapter.undo_manager.can_undo()


def test_an_extension_may_read_and_edit_through_ynotebook(document):
    adapter = ydoc_class_without_undo("notebook")(document.doc)
    assert adapter.get() == notebook()
    edit = document.transact(lambda: adapter.set_cell(0, source="2 + 2"))
    assert edit.changes == (SourceChanged(cell_id="code", inserted=2, removed=2),)


@pytest.mark.rule("EX9")
def test_trust_that_a_peer_writes_goes_and_nothing_else_does(document):
    cells = document.doc.get("cells", type=Array)

    def forge():
        cells[0]["metadata"]["trusted"] = True
        cells[1]["metadata"] = Map({"trusted": True, "kept": 1})

    document.transact(forge)
    scrubbed = document.transact(document.scrub)
    assert scrubbed.changes == (
        MetadataChanged(cell_id="code", keys=("trusted",)),
        MetadataChanged(cell_id="text", keys=("trusted",)),
    )
    assert document.metadata("code") == {"tags": ["x"]}
    assert document.metadata("text") == {"kept": 1}


def test_a_pasted_cell_of_a_taken_id_gets_another_one_and_the_old_cell_keeps_its_own(document):
    adapter = ydoc_class_without_undo("notebook")(document.doc)
    copy = document.cell("raw")
    document.transact(lambda: adapter.ycells.insert(0, adapter.create_ycell(copy)))
    assert document.cell_ids == ["raw", "code", "text", "raw"]
    document.transact(document.scrub)
    assert document.cell_ids[1:] == ["code", "text", "raw"]
    assert document.cell(document.cell_ids[0]) == {**copy, "id": document.cell_ids[0]}


def test_values_that_no_browser_can_hold_do_not_break_the_document(document):
    output = {**PLOT, "data": {"application/json": {"big": 2**64, "text": "\udc80"}}}

    def edit():
        document.append_outputs("code", [output])
        document.replace_source("code", "\ud83d")
        document.update_cell_metadata("code", {"tags": [2**70]})
        return document.create_cell("code", "\ud83d", None)

    document.transact(edit)
    assert as_jupyter_sees(document) == document.notebook()


ODD = [None, "x", True, 1.5, float("inf"), float("nan"), [1], {"a": 1}, b"x"]


@pytest.mark.rule("RM2")
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_whatever_a_peer_calls_the_type_of_a_cell_it_becomes_one_that_can_be_shown(document, odd):
    cells = document.doc.get("cells", type=Array)
    document.transact(lambda: cells[0].update({"cell_type": odd}))
    assert document.suspicious
    document.transact(document.scrub)
    assert document.cell_type("code") == "raw"


@pytest.mark.rule("RM2")
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_whatever_a_peer_calls_the_format_the_notebook_can_be_read(document, odd):
    meta = document.doc.get("meta", type=Map)
    for key in ("nbformat", "nbformat_minor"):
        document.transact(lambda key=key: meta.update({key: odd}))
        assert document.nbformat()[0] == 4
        assert document.notebook()["cells"][0]["source"] == "1 + 1"
