"""Diffs that nbdime's own tools understand."""

import json
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbdime import patch
from nbdime.diff_format import validate_diff
from nbdime.diff_utils import to_diffentry_dicts

from jupyter_runt.document.diff import diff_notebooks

pytestmark = pytest.mark.rule("EL2")


def code(cell_id, source="", *, outputs=(), count=None, **metadata):
    return {
        "id": cell_id,
        "cell_type": "code",
        "source": source,
        "metadata": metadata,
        "outputs": list(outputs),
        "execution_count": count,
    }


def markdown(cell_id, source="", **more):
    return {"id": cell_id, "cell_type": "markdown", "source": source, "metadata": {}, **more}


def notebook(*cells, minor=5, **metadata):
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": minor}


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data):
    bundle = {key.replace("_", "/"): value for key, value in data.items()}
    return {"output_type": "display_data", "data": bundle, "metadata": {}}


def checked(base, remote):
    """Return the diff, after nbdime made the other notebook of it."""
    untouched = deepcopy((base, remote))
    diff = json.loads(json.dumps(diff_notebooks(base, remote)))
    entries = to_diffentry_dicts(diff)
    validate_diff(entries, deep=True)
    assert patch(base, entries) == remote
    assert (base, remote) == untouched
    return diff


def cells_of(diff):
    """Return the operations on cells."""
    return next((entry["diff"] for entry in diff if entry["key"] == "cells"), [])


texts = st.text(st.sampled_from("ab \n\r\x0c\u2028é😀_=1"), max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
metadata = st.dictionaries(st.sampled_from(["tags", "name", "runt"]), values, max_size=2)
outputs = st.one_of(
    st.builds(stream, texts, st.sampled_from(["stdout", "stderr"])),
    st.builds(
        lambda data: shown(**data),
        st.dictionaries(
            st.sampled_from(["text_plain", "image_png", "application_json"]), texts, max_size=2
        ),
    ),
    st.builds(
        lambda lines: {"output_type": "error", "ename": "E", "evalue": "", "traceback": lines},
        st.lists(texts, max_size=3),
    ),
)


@st.composite
def notebooks(draw):
    cells = []
    for cell_id in draw(st.lists(st.sampled_from("abcde"), unique=True, max_size=5)):
        if draw(st.booleans()):
            cell = code(cell_id, draw(texts), outputs=draw(st.lists(outputs, max_size=3)))
        else:
            files = st.dictionaries(texts, st.just({"image/png": "aa"}), max_size=2)
            cell = markdown(cell_id, draw(texts), attachments=draw(files))
        cell["metadata"] = draw(metadata)
        if draw(st.integers(0, 9)) == 0:
            del cell["id"]
        cells.append(cell)
    return notebook(*cells, minor=draw(st.sampled_from([4, 5])), **draw(metadata))


@given(notebooks(), notebooks())
def test_nbdime_makes_one_version_of_the_other(base, remote):
    checked(base, remote)


@given(texts, texts)
def test_nbdime_makes_one_text_of_the_other(old, new):
    output = [stream(old)], [stream(new)]
    checked(
        notebook(code("a", old, outputs=output[0])), notebook(code("a", new, outputs=output[1]))
    )


def test_equal_versions_have_an_empty_diff():
    same = notebook(code("a", "x", outputs=[stream("1\n")]), kernelspec={"name": "python3"})
    assert checked(same, deepcopy(same)) == []


def test_a_line_is_patched_and_lines_are_added_and_removed():
    base = notebook(code("a", "import os\nx = 1\ngone\nkept\nlast"))
    remote = notebook(code("a", "import os\nx = 22\nkept\nlast\nnew"))
    [cell] = cells_of(checked(base, remote))
    assert (cell["op"], cell["key"]) == ("patch", 0)
    [source] = cell["diff"]
    assert source["key"] == "source"
    assert source["diff"] == [
        {
            "op": "patch",
            "key": 1,
            "diff": [
                {"op": "addrange", "key": 4, "valuelist": "22"},
                {"op": "removerange", "key": 4, "length": 1},
            ],
        },
        {"op": "removerange", "key": 2, "length": 1},
        {"op": "patch", "key": 4, "diff": [{"op": "addrange", "key": 4, "valuelist": "\n"}]},
        {"op": "addrange", "key": 5, "valuelist": ["new"]},
    ]


def test_cells_are_the_same_by_their_ids_however_much_they_changed():
    base = notebook(code("a", "one"), code("b", "two"))
    remote = notebook(code("a", "nothing alike"), code("b", "two"))
    assert [(op["op"], op["key"]) for op in cells_of(checked(base, remote))] == [("patch", 0)]


def test_a_moved_cell_goes_and_comes_and_the_others_stay():
    base = notebook(*(code(name, name) for name in "abcd"))
    remote = notebook(*(code(name, name) for name in "dabc"))
    assert [(op["op"], op["key"]) for op in cells_of(checked(base, remote))] == [
        ("addrange", 0),
        ("removerange", 3),
    ]


def test_a_cell_that_became_of_another_type_is_replaced():
    diff = cells_of(checked(notebook(code("a", "x")), notebook(markdown("a", "x"))))
    assert [op["op"] for op in diff] == ["addrange", "removerange"]


def test_cells_without_ids_are_known_by_their_text():
    base = notebook(code("a", "total = price * amount + tax"), minor=4)
    remote = notebook(code("z", "total = price * amount"), minor=4)
    for cell in (*base["cells"], *remote["cells"]):
        del cell["id"]
    assert [op["op"] for op in cells_of(checked(base, remote))] == ["patch"]


def test_an_image_is_replaced_and_a_table_is_patched():
    base = notebook(code("a", outputs=[shown(image_png="aaaa", text_html="<b>\n1\n</b>\n")]))
    remote = notebook(code("a", outputs=[shown(image_png="bbbb", text_html="<b>\n2\n</b>\n")]))
    [cell] = cells_of(checked(base, remote))
    [output] = cell["diff"][0]["diff"]
    [data] = output["diff"]
    assert [(op["op"], op["key"]) for op in data["diff"]] == [
        ("replace", "image/png"),
        ("patch", "text/html"),
    ]


def test_a_text_whose_lines_nobody_agrees_on_is_never_patched():
    base = notebook(code("a", "one\x0ctwo", outputs=[stream("one\u2028two")]))
    remote = notebook(code("a", "one\x0cthree", outputs=[stream("one\u2028three")]))
    assert '"patch", "key": "source"' not in json.dumps(checked(base, remote))
    same_source = notebook(code("a", "one\x0ctwo", outputs=[stream("one\u2028three")]))
    assert '"op": "replace", "key": "text"' in json.dumps(checked(base, same_source))


def test_a_line_beyond_the_basic_plane_is_replaced_as_javascript_counts_otherwise():
    diff = checked(notebook(code("a", "x = '😀' + y")), notebook(code("a", "x = '😀' + z")))
    [source] = cells_of(diff)[0]["diff"]
    assert [op["op"] for op in source["diff"]] == ["addrange", "removerange"]


def test_long_texts_that_have_nothing_in_common_are_compared_in_no_time():
    old = "".join(f"old {n}\n" for n in range(6_000))
    new = "".join(f"new {n}\n" for n in range(6_000))
    diff = checked(
        notebook(code("a", outputs=[stream(old)])), notebook(code("a", outputs=[stream(new)]))
    )
    assert len(json.dumps(diff)) < 400_000
