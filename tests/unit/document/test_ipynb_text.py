"""Saving changes only what was edited."""

import json
import random
from dataclasses import replace

import nbformat
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jupyter_ydoc import YNotebook

from jupyter_runt.document.cells import sound_cell
from jupyter_runt.document.ipynb import NotebookText, import_update, read_notebook
from jupyter_runt.document.ipynb_disk import disk_cell
from jupyter_runt.document.ipynb_layout import scan
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.spill import parts_of
from jupyter_runt.document.values import to_shared
from jupyter_runt.document.whole import nothing

TEXT = st.text(max_size=12) | st.sampled_from(
    ["", "x = 1\ny = 2\n", "😀 = '\u2028'\r\n", "a\x0cb\n\n", '"\\u00e9"', "\\", "\ud83d"]
)
KEY = st.text(max_size=12) | st.sampled_from(["é", "😀", "tags"])
NUMBER = (
    st.sampled_from([0, 1.0, -0.0, 1e300, 0.1, 2**53 + 1, -(2**70), 10**30, 5, 1e-7])
    | st.integers(-100, 100)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
)
VALUE = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=6,
)
METADATA = st.dictionaries(KEY, VALUE, max_size=3)


@st.composite
def lines(draw):
    """A text as a file may have it: one string, lines, or any other pieces."""
    text = draw(TEXT)
    form = draw(st.sampled_from(["string", "lines", "pieces"]))
    if form == "lines":
        return text.splitlines(keepends=True)
    cut = draw(st.integers(0, 5))
    return text if form == "string" else [text[:cut], text[cut:]]


BUNDLE = st.fixed_dictionaries(
    {},
    optional={
        "text/plain": lines(),
        "text/html": lines(),
        "image/png": st.just("aGk=\n") | st.just(["aGk=\n", ""]),
        "image/svg+xml": lines(),
        "application/json": VALUE,
        "application/vnd.x+json": st.lists(TEXT, max_size=2),
    },
)
OUTPUT = st.one_of(
    st.fixed_dictionaries(
        {"output_type": st.just("stream"), "name": st.just("stdout"), "text": lines()}
    ),
    st.fixed_dictionaries(
        {"output_type": st.just("display_data"), "data": BUNDLE, "metadata": METADATA}
    ),
    st.fixed_dictionaries(
        {
            "output_type": st.just("execute_result"),
            "data": BUNDLE,
            "metadata": st.just({}),
            "execution_count": st.integers(1, 9),
        }
    ),
    st.fixed_dictionaries(
        {
            "output_type": st.just("error"),
            "ename": TEXT,
            "evalue": TEXT,
            "traceback": st.lists(TEXT, max_size=2),
        }
    ),
)
CELL = st.one_of(
    st.fixed_dictionaries(
        {
            "cell_type": st.just("code"),
            "source": lines(),
            "metadata": METADATA,
            "execution_count": st.none() | st.integers(1, 9),
            "outputs": st.lists(OUTPUT, max_size=3),
        }
    ),
    st.fixed_dictionaries(
        {
            "cell_type": st.sampled_from(["markdown", "raw"]),
            "source": lines(),
            "metadata": METADATA,
        },
        optional={"attachments": st.dictionaries(KEY, BUNDLE, min_size=1, max_size=2)},
    ),
)


def shuffled(value, chance):
    """Return JSON with the keys of its objects in another order."""
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


def spelled(text):
    """Escape what cannot be encoded, as every writer of JSON must."""
    return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)


@st.composite
def files(draw):
    """A notebook's file, in the style of one of the many programs that write them."""
    minor = draw(st.integers(0, 5))
    cells = draw(st.lists(CELL, max_size=4))
    notebook = {"cells": cells, "metadata": draw(METADATA), "nbformat": 4, "nbformat_minor": minor}
    for number, cell in enumerate(cells):
        if minor >= 5:
            cell["id"] = f"cell-{number}"
    indent = draw(st.sampled_from([None, 0, 1, 2, 4, "\t"]))
    sort = draw(st.booleans())
    chance = random.Random(draw(st.integers(0, 99)))
    text = spelled(
        json.dumps(
            notebook if sort else shuffled(notebook, chance),
            indent=indent,
            sort_keys=sort,
            ensure_ascii=draw(st.booleans()),
            separators=draw(st.sampled_from([(",", ":"), (",", ": "), (", ", ": ")]))
            if indent is None
            else (",", draw(st.sampled_from([":", ": "]))),
        )
    )
    text = draw(st.sampled_from(["", "\n", " "])) + text + draw(st.sampled_from(["", "\n", "\n\n"]))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    if draw(st.booleans()):
        text = text.replace('"cells": []', '"cells": [ ]')
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode()


def opened(data):
    file = read_notebook(data)
    document = NotebookDoc()
    document.apply([import_update(file.notebook, 1)])
    return document, file.text


def save(document, text):
    for cell_id in document.cell_ids:
        text.update_cell(cell_id, document.cell(cell_id))
    text.set_order(document.cell_ids)
    text.set_metadata(document.notebook_metadata())
    return text.render()


@pytest.mark.rule("FB4")
@given(files())
def test_saving_a_notebook_that_nobody_edited_gives_the_same_bytes(data):
    document, text = opened(data)
    assert text.render() == data
    if json.loads(data.decode("utf-8-sig"))["cells"]:
        assert not any(text.update_cell(i, document.cell(i)) for i in document.cell_ids)
        assert not text.set_metadata(document.notebook_metadata())
        assert save(document, text) == data


@pytest.mark.rule("FB4")
@given(files(), st.integers(0, 3), TEXT, st.booleans())
def test_editing_a_cell_changes_only_the_text_of_that_cell(data, place, source, outputs):
    document, text = opened(data)
    before = scan(data.decode("utf-8-sig"))
    if not before.cells:
        return
    place %= len(before.cells)
    edited = document.cell_ids[place]

    def edit():
        document.replace_source(edited, source)
        if outputs:
            stream = {"output_type": "stream", "name": "stderr", "text": "é\n"}
            document.append_outputs(edited, [stream])

    document.transact(edit)
    after = scan(save(document, text).decode("utf-8-sig"))
    assert [*after.members.items()] == [*before.members.items()]
    assert (after.tail, after.close) == (before.tail, before.close)
    others = [item for index, item in enumerate(after.cells) if index != place]
    assert others == [item for index, item in enumerate(before.cells) if index != place]
    cell = after.value["cells"][place]
    was = before.value["cells"][place]
    assert to_shared("".join(cell["source"])) == document.source(edited)
    for key in was.keys() - {"source", "outputs"}:
        assert json.dumps(cell[key]) == json.dumps(was[key])
    assert [key for key in cell if key in was] == list(was)
    if "outputs" in was:
        kept = len(was["outputs"])
        assert json.dumps(cell["outputs"][:kept]) == json.dumps(was["outputs"])


@given(files(), st.data())
def test_cells_can_be_added_moved_and_removed_in_every_style(data, choose):
    document, text = opened(data)
    before = scan(data.decode("utf-8-sig"))

    def edit():
        for _ in range(choose.draw(st.integers(1, 3))):
            places = [None, *document.cell_ids]
            match choose.draw(st.sampled_from(["add", "move", "delete"])):
                case "add":
                    document.create_cell("code", "new\n", choose.draw(st.sampled_from(places)))
                case "move" if document.cell_ids:
                    document.move_cell(
                        choose.draw(st.sampled_from(places[1:])),
                        choose.draw(st.sampled_from(places)),
                    )
                case "delete" if document.cell_ids:
                    document.delete_cells([choose.draw(st.sampled_from(places[1:]))])

    document.transact(edit)
    saved = save(document, text)
    after = scan(saved.decode("utf-8-sig"))
    read = read_notebook(saved).notebook
    assert [to_shared(cell["source"]) for cell in read["cells"]] == [
        document.source(cell_id) for cell_id in document.cell_ids
    ]
    assert replace(after.style, escaped=before.style.escaped) == before.style
    known = {item.text for item in before.cells}
    new = [item.text for item in after.cells if item.text not in known]
    assert all(json.loads(item)["source"] in (["new\n"], [""], []) for item in new)
    if before.value["nbformat_minor"] >= 5:
        assert [cell["id"] for cell in read["cells"]] == list(document.cell_ids)
    else:
        assert all("id" not in cell for cell in after.value["cells"])


PLAIN = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": 1,
            "id": "a",
            "metadata": {"tags": ["x"]},
            "outputs": [
                {"name": "stdout", "output_type": "stream", "text": ["é\n", "b"]},
                {
                    "data": {"text/html": ["<b>\n", "</b>"], "image/png": "aGk="},
                    "metadata": {"image/png": {"width": 3}},
                    "output_type": "display_data",
                },
            ],
            "source": ["x = 1\n", "y"],
        },
        {"cell_type": "markdown", "id": "b", "metadata": {}, "source": ["# T"]},
    ],
    "metadata": {"kernelspec": {"display_name": "P", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.mark.parametrize("minor", [4, 5])
def test_a_file_that_jupyter_wrote_is_saved_as_jupyter_would(minor):
    notebook = json.loads(json.dumps({**PLAIN, "nbformat_minor": minor}))
    if minor < 5:
        for cell in notebook["cells"]:
            del cell["id"]
    data = (json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    document, text = opened(data)
    first, second = document.cell_ids

    def edit():
        document.replace_source(first, "z = '😀'\n\x0c\u2028w")
        document.create_cell("markdown", "", second)
        document.create_cell("sql", "select 1", None)
        document.update_cell_metadata(second, {"b": [1, {"z": None, "a": 2.5}], "a": True})
        document.append_outputs(first, [{"output_type": "stream", "name": "stdout", "text": ""}])
        document.append_outputs(
            first,
            [
                {
                    "output_type": "execute_result",
                    "data": {"text/plain": "1\n2", "application/json": {"b": ["x\n"], "a": 1}},
                    "metadata": {},
                    "execution_count": 4,
                }
            ],
        )

    document.transact(edit)
    stock = YNotebook()
    stock.ydoc.apply_update(document.doc.get_update())
    expected = nbformat.writes(nbformat.from_dict(stock.get())) + "\n"
    assert save(document, text).decode() == expected


def test_a_notebook_that_is_in_no_file_is_written_as_nbformat_does():
    document, _ = opened(json.dumps(PLAIN).encode())
    text = NotebookText.fresh(document.notebook())
    assert text.render().decode() == nbformat.writes(nbformat.from_dict(document.notebook())) + "\n"


def test_metadata_of_the_notebook_changes_in_place_and_keeps_its_order():
    notebook = {"nbformat_minor": 5, "metadata": {"z": 1.0, "a": 2}, "nbformat": 4, "cells": []}
    data = json.dumps(notebook, indent=2).encode()
    text = read_notebook(data).text
    assert text.set_metadata({"a": 3, "z": 1, "new": True})
    assert text.render() == data.replace(b'"a": 2', b'"a": 3,\n    "new": true')
    assert not text.set_metadata({"new": True, "a": 3, "z": 1})


@pytest.mark.parametrize("indent", [None, 2])
def test_metadata_that_the_file_lacks_is_added(indent):
    data = json.dumps({"cells": [], "nbformat": 4, "nbformat_minor": 5}, indent=indent).encode()
    text = read_notebook(data).text
    assert not text.set_metadata({})
    assert text.set_metadata({"a": 1})
    expected = {"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {"a": 1}}
    assert text.render() == json.dumps(expected, indent=indent).encode()


def test_the_cell_that_an_empty_notebook_gets_stays_out_of_the_file_until_it_is_used():
    data = json.dumps({**PLAIN, "cells": []}, indent=1).encode()
    document, text = opened(data)
    assert text.set_order(document.cell_ids) == list(document.cell_ids)
    assert text.render() == data
    document.transact(lambda: document.replace_source(document.cell_ids[0], "x"))
    assert json.loads(save(document, text))["cells"][0]["source"] == ["x"]


def test_trust_is_never_written():
    document, text = opened(json.dumps(PLAIN).encode())
    cell = document.cell("b")
    assert not text.update_cell("b", {**cell, "metadata": {"trusted": True}})


def test_a_document_that_was_open_before_keeps_its_ids_and_the_file_its_text():
    cells = [
        {"cell_type": "raw", "metadata": {}, "source": source} for source in ["a", "b", "a", "c"]
    ]
    data = json.dumps({**PLAIN, "cells": cells, "nbformat_minor": 4}, indent=3).encode()
    document, _ = opened(data)
    document.transact(lambda: document.move_cell(document.cell_ids[3], None))
    document.transact(lambda: document.replace_source(document.cell_ids[2], "B"))
    text = read_notebook(data).text
    text.adopt((cell_id, document.source(cell_id)) for cell_id in document.cell_ids)
    updated = [text.update_cell(cell_id, document.cell(cell_id)) for cell_id in document.cell_ids]
    assert updated == [False, False, True, False]
    assert [cell["source"] for cell in json.loads(save(document, text))["cells"]] == [
        "c",
        "a",
        ["B"],
        "a",
    ]


def test_an_output_in_the_place_of_one_of_another_type_has_all_that_nbformat_asks_for():
    stream = {"output_type": "stream", "name": "stdout", "text": ["1"]}
    old = {**json.loads(json.dumps(nbformat.v4.new_code_cell("x", id="c"))), "outputs": [stream]}
    display = {"output_type": "display_data", "data": {"text/plain": "1"}, "metadata": {}}
    cell = {**old, "source": "x", "outputs": [display]}
    assert disk_cell(cell, old, with_id=True)["outputs"][0]["metadata"] == {}


def test_a_cell_that_became_one_of_code_has_all_that_nbformat_asks_for():
    old = {"cell_type": "markdown", "id": "c", "metadata": {}, "source": ["x"]}
    cell = {**old, "cell_type": "code", "source": "x", "outputs": [], "execution_count": None}
    written = disk_cell(cell, old, with_id=True)
    assert (written["outputs"], written["execution_count"]) == ([], None)


ODD = VALUE.map(to_shared)
ODD_OUTPUT = ODD | st.fixed_dictionaries(
    {"output_type": st.sampled_from(["stream", "display_data", "error", 7])},
    optional={"text": ODD, "data": ODD | st.dictionaries(KEY, ODD, max_size=2), "metadata": ODD},
).map(to_shared)


@given(
    st.fixed_dictionaries(
        {"cell_type": st.sampled_from(["code", "markdown"])},
        optional={
            "source": ODD,
            "metadata": ODD | st.just({"runt": {"type": "ai"}}),
            "outputs": ODD | st.lists(ODD_OUTPUT, max_size=3),
            "execution_count": ODD,
            "attachments": ODD | st.dictionaries(KEY, ODD, max_size=2).map(to_shared),
        },
    ),
    CELL,
)
@example(
    {"cell_type": "code", "outputs": [{"output_type": "stream", "text": [None]}]},
    {"cell_type": "raw", "source": [], "metadata": {}},
)
@pytest.mark.rule("FB1")
def test_a_cell_that_a_peer_made_of_any_shape_does_not_stop_the_file(made, old):
    text = read_notebook(notebook_file({**old, "id": "c"})).text
    text.update_cell("c", sound_cell({**made, "id": "c"}), nothing)
    whole = b"".join(parts_of(text.render())).decode()
    assert nbformat.reads(whole, as_version=4)["cells"][0]["id"] == "c"


def notebook_file(cell):
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook).encode()
