"""Changes that another program made to a file, merged into the open document."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array

from jupyter_runt.document.ipynb import import_update
from jupyter_runt.document.merge import MergeReport, Overlap, merge_notebook, merge_text
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.text import TextDoc
from jupyter_runt.events.document import (
    CellCreated,
    CellMoved,
    CellTypeChanged,
    MetadataChanged,
    OutputsChanged,
    SourceChanged,
)

pytestmark = pytest.mark.rule("FB2")

PYTHON = {"name": "python3", "display_name": "Python 3"}
STREAM = {"output_type": "stream", "name": "stdout", "text": "1\n"}
RESULT = {
    "output_type": "execute_result",
    "execution_count": 7,
    "data": {"text/plain": "7"},
    "metadata": {},
}


def code(cell_id, source="", *, outputs=(), execution_count=None, **metadata):
    return {
        "id": cell_id,
        "cell_type": "code",
        "source": source,
        "metadata": metadata,
        "outputs": list(outputs),
        "execution_count": execution_count,
    }


def markdown(cell_id, source="", *, attachments=None, **metadata):
    cell = {"id": cell_id, "cell_type": "markdown", "source": source, "metadata": metadata}
    return cell | ({"attachments": attachments} if attachments else {})


def notebook(*cells, minor=5, **metadata):
    return {
        "cells": list(cells),
        "metadata": metadata or {"kernelspec": PYTHON},
        "nbformat": 4,
        "nbformat_minor": minor,
    }


def opened(content):
    """Return a document that holds a notebook."""
    document = NotebookDoc()
    document.apply([import_update(content, 1)])
    return document


def content(document):
    """Return what a document holds, with all ids."""
    return {**document.notebook(), "cells": [document.cell(i) for i in document.cell_ids]}


def merge(base, ours, theirs):
    """Merge into a document that holds `ours`; return it with the transaction."""
    document = opened(ours)
    edit = merge_notebook(base, theirs)
    return document, document.transact(lambda: edit(document))


def merged(base, ours, theirs):
    return content(merge(base, ours, theirs)[0])


def sources(document):
    return {cell_id: document.source(cell_id) for cell_id in document.cell_ids}


def without(cells, *keys):
    return [{key: value for key, value in cell.items() if key not in keys} for cell in cells]


# texts


def test_edits_of_different_cells_and_lines_are_all_there():
    base = notebook(code("a", "x = 1\ny = 2\nz = 3"), markdown("b", "text"))
    ours = notebook(code("a", "x = 1\ny = 2\nz = 30"), markdown("b", "text"))
    theirs = notebook(code("a", "x = 10\ny = 2\nz = 3"), markdown("b", "Text"))
    document, transaction = merge(base, ours, theirs)
    assert sources(document) == {"a": "x = 10\ny = 2\nz = 30", "b": "Text"}
    assert transaction.result == MergeReport()
    assert transaction.changes == (
        SourceChanged(cell_id="a", inserted=1, removed=0),
        SourceChanged(cell_id="b", inserted=1, removed=1),
    )


def test_on_an_overlap_the_document_wins_and_their_text_is_reported():
    base = notebook(code("a", "x = 1\ny = 1"), code("b", "same"))
    ours = notebook(code("a", "x = 2\ny = 1"), code("b", "same"))
    theirs = notebook(code("a", "x = 3\ny = 3"), code("b", "other"))
    document, transaction = merge(base, ours, theirs)
    assert sources(document) == {"a": "x = 2\ny = 1", "b": "other"}
    assert transaction.result == MergeReport((Overlap("a", "x = 3\ny = 3"),))


def test_text_of_any_script_merges():
    base = notebook(markdown("a", "Été\n😀\nend"))
    ours = notebook(markdown("a", "Été 😀\n😀\nend"))
    theirs = notebook(markdown("a", "Été\n😀\n終わり\ud800"))
    assert sources(merge(base, ours, theirs)[0]) == {"a": "Été 😀\n😀\n終わり\ufffd"}


# cells


def test_new_cells_of_both_sides_are_kept_theirs_after_the_same_cell():
    base = notebook(code("a", "1"), code("b", "2"))
    ours = notebook(code("a", "1"), code("mine", "ours"), code("b", "2"))
    theirs = notebook(code("top", "0"), code("a", "1"), code("new", "theirs"), code("b", "2"))
    document, transaction = merge(base, ours, theirs)
    assert list(document.cell_ids) == ["top", "a", "new", "mine", "b"]
    assert transaction.changes == (
        CellCreated(cell_id="top", cell_type="code", index=0),
        CellCreated(cell_id="new", cell_type="code", index=2),
    )


def test_a_cell_that_went_on_one_side_and_is_untouched_on_the_other_goes():
    base = notebook(code("a", "1"), code("b", "2"), code("c", "3"))
    ran = code("b", "2", outputs=[STREAM], execution_count=1, collapsed=True)
    ours = notebook(code("a", "1"), ran)
    theirs = notebook(code("a", "1"), code("c", "3", execution_count=4, tags=["x"]))
    assert sources(merge(base, ours, theirs)[0]) == {"a": "1"}


def test_a_cell_that_they_deleted_stays_if_it_was_edited_here():
    base = notebook(code("a", "1"), code("b", "2"), markdown("c", "3"))
    ours = notebook(code("a", "1"), code("b", "2\nmore"), code("c", "3"))
    theirs = notebook(code("a", "1"))
    document, transaction = merge(base, ours, theirs)
    assert sources(document) == {"a": "1", "b": "2\nmore", "c": "3"}
    assert transaction.update is None


def test_a_cell_that_was_deleted_here_comes_back_if_they_edited_it():
    base = notebook(code("a", "1"), code("b", "2"), code("c", "3"))
    ours = notebook(code("c", "3"))
    theirs = notebook(code("a", "1"), code("b", "2\nmore"), code("c", "3"))
    assert sources(merge(base, ours, theirs)[0]) == {"b": "2\nmore", "c": "3"}


def test_their_moves_are_followed_unless_the_cell_was_moved_here():
    base = notebook(*(code(cell_id, cell_id) for cell_id in "abcde"))
    ours = notebook(*(code(cell_id, cell_id) for cell_id in "bcdea"))
    theirs = notebook(*(code(cell_id, cell_id) for cell_id in "beacd"))
    document, transaction = merge(base, ours, theirs)
    assert "".join(document.cell_ids) == "becda"
    assert transaction.changes == (CellMoved(cell_id="e", from_index=3, index=1),)


def test_a_move_there_and_an_edit_here_of_one_cell_are_both_kept():
    base = notebook(code("a", "1"), code("b", "2"), code("c", "3"))
    ours = notebook(code("a", "1\nmore"), code("b", "2"), code("c", "3"))
    theirs = notebook(code("b", "2"), code("c", "3"), code("a", "0\n1"))
    assert sources(merge(base, ours, theirs)[0]) == {"b": "2", "c": "3", "a": "0\n1\nmore"}


def test_a_cell_made_on_both_sides_is_one_cell():
    base = notebook(code("a", "1"))
    ours = notebook(code("a", "1"), code("new", "x\nours"))
    theirs = notebook(code("a", "1"), code("new", "x\ntheirs", outputs=[STREAM]))
    document, _ = merge(base, ours, theirs)
    assert sources(document) == {"a": "1", "new": "x\nours\ntheirs"}
    assert document.cell("new")["outputs"] == [STREAM]


def test_the_same_text_in_a_new_cell_of_each_side_is_there_once():
    base = notebook(code("a", "1"))
    ours = notebook(code("mine", "import numpy"), code("a", "1"))
    theirs = notebook(code("a", "1"), code("new", "import numpy"))
    document, transaction = merge(base, ours, theirs)
    assert list(document.cell_ids) == ["mine", "a"]
    assert transaction.update is None


def test_a_change_of_type_comes_in_place_with_what_was_written_here():
    base = notebook(code("a", "1"), code("b", "# Title", outputs=[STREAM]), code("c", "3"))
    ours = notebook(code("a", "1"), code("b", "# Title\nours", outputs=[STREAM]), code("c", "3"))
    theirs = notebook(code("a", "1"), markdown("b", "# Title"), code("c", "3"))
    document, transaction = merge(base, ours, theirs)
    assert document.cell("b") == markdown("b", "# Title\nours")
    assert list(document.cell_ids) == ["a", "b", "c"]
    assert transaction.changes == (CellTypeChanged(cell_id="b", cell_type="markdown"),)


def test_a_change_of_type_here_stands():
    base = notebook(code("a", "1", outputs=[STREAM]))
    ours = notebook(markdown("a", "1"))
    theirs = notebook(code("a", "1\n2", outputs=[RESULT], execution_count=7))
    assert merged(base, ours, theirs)["cells"] == [markdown("a", "1\n2")]


def test_a_document_never_ends_without_a_cell():
    base = notebook(code("a", "1"), code("b", "2"))
    document, _ = merge(base, notebook(code("a", "1")), notebook(code("b", "2")))
    assert [document.source(cell_id) for cell_id in document.cell_ids] == [""]


def test_a_file_without_cells_says_the_same_as_the_empty_cell_that_it_is_shown_with():
    base = notebook(code("blank"))
    _, transaction = merge(base, base, notebook())
    assert transaction.update is None


# cells without ids of their own


def test_cells_of_a_file_without_ids_are_known_by_their_text():
    base = notebook(
        code("a", "import numpy as np"), code("b", "x = np.zeros(3)\nx"), code("c", "x"), minor=4
    )
    ours = deepcopy(base)
    ours["cells"][0]["source"] += "\nimport ours"
    theirs = deepcopy(base)
    theirs["cells"][1]["source"] = "x = np.zeros(30)\nx"
    theirs["cells"].insert(0, code("", "top"))
    theirs["cells"] = without(theirs["cells"], "id")
    document, _ = merge(base, ours, theirs)
    new, *known = sources(document).items()
    assert new[1] == "top"
    assert dict(known) == {
        "a": "import numpy as np\nimport ours",
        "b": "x = np.zeros(30)\nx",
        "c": "x",
    }


@pytest.mark.parametrize("before", [4, 5])
def test_a_cell_that_only_got_another_id_keeps_ours(before):
    base = notebook(code("a", "1", outputs=[STREAM]), code("b", "2"), minor=before)
    ours = notebook(code("a", "1", outputs=[STREAM]), code("b", "2\nours"), minor=before)
    theirs = notebook(code("0", "1"), code("1", "2"))
    document, _ = merge(base, ours, theirs)
    assert sources(document) == {"a": "1", "b": "2\nours"}
    assert document.cell("a")["outputs"] == []
    assert document.nbformat() == (4, 5)


def test_a_second_cell_with_the_same_id_is_a_cell_of_its_own():
    base = notebook(code("a", "1"))
    document, _ = merge(base, base, notebook(code("a", "1"), code("a", "2")))
    assert [document.source(cell_id) for cell_id in document.cell_ids] == ["1", "2"]
    assert len(set(document.cell_ids)) == 2


def test_a_notebook_whose_ids_were_dropped_by_another_program_merges_by_text():
    base = notebook(code("a", "value = 1\nprint(value)"), code("b", "2"))
    theirs = notebook(code("", "value = 2\nprint(value)"), code("", "2"), minor=0)
    theirs["cells"] = without(theirs["cells"], "id")
    document, _ = merge(base, base, theirs)
    assert sources(document) == {"a": "value = 2\nprint(value)", "b": "2"}


# outputs


def test_their_outputs_come_in_where_the_cell_did_not_run_here():
    base = notebook(code("a", "1", outputs=[STREAM], execution_count=1))
    theirs = notebook(code("a", "1", outputs=[STREAM, RESULT], execution_count=7))
    document, transaction = merge(base, base, theirs)
    assert content(document) == theirs
    assert transaction.changes[0] == OutputsChanged(cell_id="a")


def test_outputs_of_a_cell_that_ran_here_since_stay():
    base = notebook(code("a", "1", outputs=[STREAM], execution_count=1))
    ours = notebook(code("a", "1", outputs=[STREAM], execution_count=2))
    theirs = notebook(code("a", "1\n2", outputs=[]))
    document, _ = merge(base, ours, theirs)
    assert document.cell("a") == code("a", "1\n2", outputs=[STREAM], execution_count=2)


def test_outputs_of_a_running_cell_are_left_to_its_kernel():
    base = notebook(code("a", "1"))
    document = opened(base)
    document.transact(lambda: document.set_execution("a", "running"))
    edit = merge_notebook(base, notebook(code("a", "1\n2", outputs=[RESULT], execution_count=7)))
    document.transact(lambda: edit(document))
    assert document.cell("a") == code("a", "1\n2")


# metadata


def test_metadata_merge_key_by_key():
    base = notebook(code("a", tags=["x"], mine=1, theirs=1), kernelspec=PYTHON, old=True)
    ours = notebook(code("a", tags=["x"], mine=2, theirs=1), kernelspec=PYTHON, old=True, new=0)
    julia = {"name": "julia", "display_name": "Julia"}
    theirs = notebook(code("a", mine=3, theirs=3, none=None), kernelspec=julia, papermill={})
    document, transaction = merge(base, ours, theirs)
    assert document.metadata("a") == {"mine": 2, "theirs": 3, "none": None}
    assert document.notebook_metadata() == {"kernelspec": julia, "new": 0, "papermill": {}}
    assert transaction.changes == (
        MetadataChanged(cell_id="a", keys=("none", "tags", "theirs")),
        MetadataChanged(cell_id=None, keys=("kernelspec", "old", "papermill")),
    )


def test_attachments_merge_file_by_file():
    base = notebook(markdown("a", attachments={"old.png": {"image/png": "aa"}}))
    ours = notebook(markdown("a", attachments={"old.png": {"image/png": "aa"}, "o.png": {}}))
    theirs = notebook(markdown("a", attachments={"t.png": {"image/png": "bb"}}))
    document, _ = merge(base, ours, theirs)
    assert document.cell("a")["attachments"] == {"o.png": {}, "t.png": {"image/png": "bb"}}


@pytest.mark.rule("FB2", "EX9")
def test_a_file_cannot_make_its_outputs_trusted():
    base = notebook(code("a", "1"))
    theirs = notebook(code("a", "2", trusted=True), code("b", trusted=True, tags=[]))
    document, _ = merge(base, base, theirs)
    assert document.metadata("a") == {}
    assert document.metadata("b") == {"tags": []}


@pytest.mark.parametrize("part", ["source", "metadata", "outputs"])
def test_a_cell_that_a_peer_left_without_a_part_merges(part):
    document = opened(notebook(code("a")))

    def damage():
        del document.doc.get("cells", type=Array)[0][part]

    document.transact(damage)
    edit = merge_notebook(notebook(code("a")), notebook(code("a", "2", tags=["x"])))
    document.transact(lambda: edit(document))
    assert document.cell("a") == code("a", "2", tags=["x"])


def test_a_type_or_an_attachment_that_both_changed_is_reported():
    base = notebook(markdown("a", "x", attachments={"i.png": {"image/png": "1"}}))
    ours = notebook(markdown("a", "x", attachments={"i.png": {"image/png": "2"}}))
    theirs = notebook(markdown("a", "x", attachments={"i.png": {"image/png": "3"}}))
    document, done = merge(base, ours, theirs)
    assert content(document) == ours
    assert done.result == MergeReport((Overlap("a", "x"),))
    added = notebook(markdown("a", "x", attachments={"j.png": {"image/png": "3"}}))
    assert merge(base, ours, added)[1].result == MergeReport()
    raw = notebook({**markdown("a", "x"), "cell_type": "raw"})
    document, done = merge(notebook(markdown("a", "x")), notebook(code("a", "x")), raw)
    assert document.cell_type("a") == "code"
    assert done.result == MergeReport((Overlap("a", "x"),))


# texts that are no notebooks


def test_a_text_file_merges_line_by_line():
    document = TextDoc()
    document.transact(lambda: document.replace("a\nb\nours\n"))
    edit = merge_text("a\nb\n", "A\nb\n")
    assert document.transact(lambda: edit(document)).result == MergeReport()
    assert document.content() == "A\nb\nours\n"


def test_an_overlap_in_a_text_file_is_reported_whole():
    document = TextDoc()
    document.transact(lambda: document.replace("ours\nb"))
    edit = merge_text("a\nb", "theirs\nB\nc")
    report = document.transact(lambda: edit(document)).result
    assert report == MergeReport((Overlap(None, "theirs\nB\nc"),))
    assert document.content() == "ours\nb"


# properties: edits of notebooks in which every line is distinct

number = st.integers(0, 5)
edits = st.lists(st.tuples(number, number, number), max_size=6)


def edited(base, name, steps, *, with_ids=True):
    """Return a notebook after edits whose new lines and cells carry `name`."""
    new = deepcopy(base)
    cells = new["cells"]
    for n, (kind, one, other) in enumerate(steps):
        cell = cells[one % len(cells)]
        lines = cell["source"].split("\n")
        match kind:
            case 0:
                cells.insert(other % (len(cells) + 1), code(f"{name}{n}", f"{name} cell {n}"))
            case 1 if len(cells) > 1:
                cells.remove(cell)
            case 2:
                cells.remove(cell)
                cells.insert(other % (len(cells) + 1), cell)
            case 3:
                lines.insert(other % (len(lines) + 1), f"{name} line {n}")
            case 4 if len(lines) > 1:
                del lines[other % len(lines)]
            case 5:
                cell["metadata"][f"key {other}"] = name
                new["metadata"][f"key {other}"] = name
                if cell["cell_type"] == "code":
                    cell["outputs"], cell["execution_count"] = [STREAM] * other, n
        cell["source"] = "\n".join(lines)
    return new


def start(minor=5):
    kinds = [code, markdown, code, code]
    texts = ["\n".join(f"base {cell} {line}" for line in range(3)) for cell in range(4)]
    cells = (kind(f"c{n}", text) for n, (kind, text) in enumerate(zip(kinds, texts, strict=True)))
    return notebook(*cells, minor=minor)


def lines_of(content):
    return [line for cell in content["cells"] for line in cell["source"].split("\n")]


@given(edits)
def test_their_changes_alone_come_through_exactly(steps):
    theirs = edited(start(), "theirs", steps)
    assert merged(start(), start(), theirs) == theirs


@given(edits)
def test_where_they_changed_nothing_nothing_changes(steps):
    _, transaction = merge(start(), edited(start(), "ours", steps), start())
    assert transaction.update is None
    assert transaction.result == MergeReport()


@given(edits, edits)
def test_merging_what_was_merged_changes_nothing(our_steps, their_steps):
    ours, theirs = edited(start(), "ours", our_steps), edited(start(), "theirs", their_steps)
    result = merged(start(), ours, theirs)
    assert merge(start(), result, result)[1].update is None
    assert merge(theirs, result, theirs)[1].update is None


@given(edits, edits)
def test_merging_a_file_twice_brings_no_text_twice(our_steps, their_steps):
    ours, theirs = edited(start(), "ours", our_steps), edited(start(), "theirs", their_steps)
    once = merge(start(), ours, theirs)[0]
    twice = merge(start(), content(once), theirs)[0]
    assert sources(twice) == sources(once)


@given(edits, edits)
def test_every_line_that_one_side_wrote_is_there_once_or_reported(our_steps, their_steps):
    ours, theirs = edited(start(), "ours", our_steps), edited(start(), "theirs", their_steps)
    document, transaction = merge(start(), ours, theirs)
    result = lines_of(content(document))
    reported = {line for o in transaction.result.overlaps for line in o.source.split("\n")}
    base, mine, other = ({*lines_of(version)} for version in (start(), ours, theirs))
    written = [line for line in result if line]
    assert len(set(written)) == len(written)
    assert mine - base <= {*result}
    assert other - base <= {*result} | reported
    assert base & mine & other <= {*result} | reported


@given(edits)
def test_their_changes_alone_come_through_from_a_file_without_ids(steps):
    theirs = edited(start(minor=4), "theirs", steps)
    disk = {**theirs, "cells": without(theirs["cells"], "id")}
    result = merged(start(minor=4), start(minor=4), disk)
    assert without(result["cells"], "id") == disk["cells"]
    assert result["metadata"] == theirs["metadata"]


@given(edits)
def test_a_file_without_ids_that_says_what_the_document_does_changes_nothing(steps):
    ours = edited(start(minor=4), "ours", steps)
    disk = {**ours, "cells": without(ours["cells"], "id")}
    assert merge(start(minor=4), ours, disk)[1].update is None
