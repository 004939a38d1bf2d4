"""Change lists of notebooks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from jupyter_runt.document.cells import SHARED_TYPES, shared_cell
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.events.document import (
    AttachmentsChanged,
    CellCreated,
    CellDeleted,
    CellMoved,
    CellTypeChanged,
    ExecutionStateChanged,
    MetadataChanged,
    OutputsChanged,
    SourceChanged,
)


def cell(cell_id, kind="code", source="", **fields):
    return {"id": cell_id, "cell_type": kind, "source": source, "metadata": {}, **fields}


class Peer:
    """A browser: another replica, which writes without asking our API."""

    def __init__(self):
        self.doc = Doc()
        self.cells = self.doc.get("cells", type=Array)
        self.meta = self.doc.get("meta", type=Map)
        self.sent = self.doc.get_state()

    def send_to(self, document):
        update = self.doc.get_update(self.sent)
        self.sent = self.doc.get_state()
        return document.apply([update]).changes


@pytest.fixture
def peer():
    peer = Peer()
    with peer.doc.transaction():
        peer.meta["metadata"] = Map({"kernelspec": {"name": "python3"}})
        for cell_id in "abc":
            peer.cells.append(shared_cell(cell(cell_id, source="x = 1")))
        peer.cells.append(shared_cell(cell("m", "markdown")))
    return peer


@pytest.fixture
def document(peer):
    document = NotebookDoc()
    peer.send_to(document)
    return document


def test_edits_inside_a_cell_are_told_once_for_each_aspect(peer, document):
    with peer.doc.transaction():
        for index in (0, 1):
            target = peer.cells[index]
            target["source"].insert(0, "é")
            del target["source"][2:4]
            target["metadata"]["tags"] = ["x"]
            target["metadata"]["name"] = "y"
            target["outputs"].append(Map({"output_type": "stream", "text": Text("t")}))
            target["execution_state"] = "running"
            target["execution_count"] = 2
    expected = []
    for cell_id in "ab":
        expected += [
            SourceChanged(cell_id=cell_id, inserted=2, removed=2),
            OutputsChanged(cell_id=cell_id),
            ExecutionStateChanged(cell_id=cell_id),
            MetadataChanged(cell_id=cell_id, keys=("name", "tags")),
        ]
    assert peer.send_to(document) == tuple(expected)


def test_growing_a_stream_changes_the_outputs(peer, document):
    peer.cells[0]["outputs"].append(Map({"output_type": "stream", "text": Text("t")}))
    assert peer.send_to(document) == (OutputsChanged(cell_id="a"),)
    peer.cells[0]["outputs"][0]["text"] += "more"
    assert peer.send_to(document) == (OutputsChanged(cell_id="a"),)


def test_parts_of_a_cell_that_are_replaced_as_a_whole_are_told_too(peer, document):
    with peer.doc.transaction():
        peer.cells[0]["source"] = Text("neé")
        peer.cells[0]["outputs"] = Array()
        peer.cells[3]["metadata"] = Map({"tags": []})
        peer.cells[3]["attachments"] = {"a.png": {}}
    assert peer.send_to(document) == (
        SourceChanged(cell_id="a", inserted=4, removed=0),
        OutputsChanged(cell_id="a"),
        AttachmentsChanged(cell_id="m"),
        MetadataChanged(cell_id="m", keys=("tags",)),
    )


def test_a_cell_that_is_replaced_by_one_of_the_same_id_was_moved_or_retyped(peer, document):
    with peer.doc.transaction():
        del peer.cells[0]
        peer.cells.insert(2, shared_cell(cell("a")))
    assert peer.send_to(document) == (CellMoved(cell_id="a", from_index=0, index=2),)
    with peer.doc.transaction():
        del peer.cells[2]
        peer.cells.insert(2, shared_cell(cell("a", "markdown")))
    assert peer.send_to(document) == (CellTypeChanged(cell_id="a", cell_type="markdown"),)
    with peer.doc.transaction():
        del peer.cells[2]
        peer.cells.insert(2, shared_cell(cell("a", "markdown", "other")))
    assert peer.send_to(document) == (CellMoved(cell_id="a", from_index=2, index=2),)


def test_types_of_ours_follow_the_metadata(peer, document):
    peer.cells[0]["metadata"]["runt"] = {"type": "ai"}
    assert peer.send_to(document) == (
        CellTypeChanged(cell_id="a", cell_type="ai"),
        MetadataChanged(cell_id="a", keys=("runt",)),
    )
    peer.cells[0]["metadata"]["runt"] = {"type": "ai", "model": "m"}
    assert peer.send_to(document) == (MetadataChanged(cell_id="a", keys=("runt",)),)
    peer.cells.append(shared_cell(cell("q", metadata={"runt": {"type": "sql"}})))
    assert peer.send_to(document) == (CellCreated(cell_id="q", cell_type="sql", index=4),)
    peer.cells[0]["metadata"]["runt"] = Map({"type": "ai"})
    assert peer.send_to(document) == (MetadataChanged(cell_id="a", keys=("runt",)),)
    del peer.cells[0]["metadata"]["runt"]["type"]
    assert peer.send_to(document) == (
        CellTypeChanged(cell_id="a", cell_type="code"),
        MetadataChanged(cell_id="a", keys=("runt",)),
    )


def test_notebook_metadata_is_told_without_a_cell(peer, document):
    peer.meta["metadata"]["kernelspec"] = {"name": "ir"}
    assert peer.send_to(document) == (MetadataChanged(cell_id=None, keys=("kernelspec",)),)
    with peer.doc.transaction():
        peer.meta["metadata"] = Map({"language_info": {}})
        peer.meta["nbformat_minor"] = 5
    assert peer.send_to(document) == (
        MetadataChanged(cell_id=None, keys=("language_info", "nbformat_minor")),
    )


def test_a_new_id_in_place_is_another_cell(peer, document):
    with peer.doc.transaction():
        del peer.cells[0]
        peer.cells[0]["id"] = "z"
    assert peer.send_to(document) == (
        CellDeleted(cell_id="a", index=0),
        CellDeleted(cell_id="b", index=1),
        CellCreated(cell_id="z", cell_type="code", index=0),
    )
    assert document.cell_ids == ["z", "c", "m"]


IDS = st.sampled_from("abcdefgh")
ITEMS = st.one_of(
    IDS.map(lambda cell_id: cell(cell_id)),
    IDS.map(lambda cell_id: cell(cell_id, "markdown", metadata={"trusted": True})),
    IDS.map(lambda cell_id: cell(cell_id, metadata={"trusted": True, "runt": {"type": "ai"}})),
)
BROKEN = st.sampled_from(
    [None, "text", {"id": "a"}, Map, lambda: Map({"id": "a", "cell_type": "chart"}), Array]
)
STEPS = st.one_of(
    st.tuples(st.just("insert"), st.integers(0, 9), ITEMS),
    st.tuples(st.just("delete"), st.integers(0, 9), st.integers(1, 3)),
    st.tuples(st.just("move"), st.integers(0, 9), st.integers(0, 9)),
    st.tuples(st.just("rename"), st.integers(0, 9), IDS | st.sampled_from(["", 5, None])),
    st.tuples(st.just("type"), st.integers(0, 9), st.text(max_size=3)),
    st.tuples(st.just("trust"), st.integers(0, 9), st.none()),
    st.tuples(st.just("break"), st.integers(0, 9), BROKEN),
)


def take_step(cells, step):
    kind, place, argument = step
    if kind == "insert":
        cells.insert(min(place, len(cells)), shared_cell(argument))
        return
    if kind == "break":
        cells.insert(min(place, len(cells)), argument() if callable(argument) else argument)
        return
    if place >= len(cells):
        return
    target = cells[place]
    if kind == "delete":
        del cells[place : min(place + argument, len(cells))]
    elif kind == "move":
        again = Map(target.to_py()) if isinstance(target, Map) else 1
        del cells[place]
        cells.insert(min(argument, len(cells)), again)
    elif isinstance(target, Map):
        if kind == "rename":
            target["id"] = argument
        elif kind == "type" and isinstance(target.get("source"), Text):
            target["source"].insert(0, argument)
        elif kind == "trust" and isinstance(target.get("metadata"), Map):
            target["metadata"]["trusted"] = True


def follow(ids, changes):
    """Apply a change list to the list of ids that was before it."""
    removed = {
        change.index if isinstance(change, CellDeleted) else change.from_index
        for change in changes
        if isinstance(change, (CellDeleted, CellMoved))
    }
    after = [cell_id for index, cell_id in enumerate(ids) if index not in removed]
    placed = [change for change in changes if isinstance(change, (CellCreated, CellMoved))]
    for change in sorted(placed, key=lambda change: change.index):
        after.insert(change.index, change.cell_id)
    return after


def ids_in(document):
    return [
        item["id"] if isinstance(item, Map) and isinstance(item.get("id"), str) else ""
        for item in document.doc.get("cells", type=Array)
    ]


@given(st.lists(st.lists(STEPS, max_size=6), max_size=6))
def test_change_lists_turn_the_old_list_of_cells_into_the_new_one(transactions):
    peer, document = Peer(), NotebookDoc()
    for steps in transactions:
        before = list(document.cell_ids)
        with peer.doc.transaction():
            for step in steps:
                take_step(peer.cells, step)
        changes = peer.send_to(document)
        assert list(document.cell_ids) == ids_in(document)
        assert follow(before, changes) == list(document.cell_ids)


@given(st.lists(st.lists(STEPS, max_size=6), max_size=6))
def test_whatever_a_peer_writes_scrubbing_leaves_a_notebook_that_opens(transactions):
    peer, document = Peer(), NotebookDoc()
    for steps in transactions:
        with peer.doc.transaction():
            for step in steps:
                take_step(peer.cells, step)
        peer.send_to(document)
        before = list(document.cell_ids)
        scrubbed = document.transact(document.scrub)
        assert follow(before, scrubbed.changes) == list(document.cell_ids) == ids_in(document)
        peer.doc.apply_update(scrubbed.update or b"\x00\x00")
        peer.sent = peer.doc.get_state()
        assert len(set(document.cell_ids)) == len(document.cell_ids)
        for cell_id in document.cell_ids:
            assert cell_id
            assert document.cell(cell_id)["cell_type"] in SHARED_TYPES
            assert "trusted" not in document.metadata(cell_id)
        assert document.transact(document.scrub).update is None


def test_a_cell_that_came_trusted_and_without_an_id_stayed_trusted():
    peer, document = Peer(), NotebookDoc()
    with peer.doc.transaction():
        peer.cells.append(shared_cell(cell("a", "markdown", metadata={"trusted": True})))
        peer.cells[0]["id"] = ""
    peer.send_to(document)
    document.transact(document.scrub)
    assert "trusted" not in document.metadata(document.cell_ids[0])


def test_a_cell_retyped_and_moved_onto_its_old_index_was_not_said_to_move():
    peer, document = Peer(), NotebookDoc()
    peer.cells.extend([shared_cell(cell("x")), shared_cell(cell("a"))])
    peer.send_to(document)
    before = list(document.cell_ids)
    with peer.doc.transaction():
        peer.cells.insert(0, shared_cell(cell("b")))
        del peer.cells[2]
        peer.cells.insert(1, shared_cell(cell("a", "markdown")))
    changes = peer.send_to(document)
    assert follow(before, changes) == ["b", "a", "x"]
    assert CellTypeChanged(cell_id="a", cell_type="markdown") in changes
