"""Large values of outputs are kept apart, and nothing else is different for it (FB4)."""

import base64
import copy
import json
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document import cuts as cuts_module
from jupyter_runt.document.cuts import Cut, Cuts, loaded
from jupyter_runt.document.ipynb import read_notebook
from jupyter_runt.document.ipynb_cutter import cut_out
from jupyter_runt.document.ipynb_layout import Style
from jupyter_runt.document.ipynb_values import json_parts
from jupyter_runt.document.references import Limits, moving_out
from jupyter_runt.document.spill import FileText, parts_of
from jupyter_runt.errors import NotANotebook
from jupyter_runt.ids import CellId

words = st.text(max_size=30)
plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 2**60) | st.floats(allow_nan=False) | words,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(words, each, max_size=3),
    max_leaves=8,
)
pictures = st.builds(
    lambda data, encode: encode(data).decode(),
    st.binary(min_size=9, max_size=90),
    st.sampled_from([base64.b64encode, base64.encodebytes]),
)
texts = words | st.lists(words, max_size=4) | pictures
bundles = st.dictionaries(
    st.sampled_from(["text/plain", "image/png", "text/html", "application/json", "x/y"]),
    texts | json_values,
    max_size=3,
)
outputs = st.one_of(
    st.fixed_dictionaries(
        {"output_type": st.just("stream"), "text": texts, "name": st.sampled_from(["stdout", "x"])}
    ),
    st.fixed_dictionaries(
        {
            "output_type": st.sampled_from(["display_data", "execute_result", "odd"]),
            "metadata": st.dictionaries(words, json_values, max_size=2),
            "data": bundles | json_values,
        }
    ),
    st.fixed_dictionaries(
        {"output_type": st.just("error"), "traceback": st.lists(words, max_size=3)}
    ),
    json_values,
)
cells = st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "code", "markdown"]), "source": texts},
    optional={"outputs": st.lists(outputs, max_size=3), "metadata": st.just({"outputs": [[1]]})},
)
notebooks = st.fixed_dictionaries(
    {"cells": st.lists(cells, max_size=3), "nbformat": st.just(4), "nbformat_minor": st.just(5)},
    optional={"metadata": st.just({"a": {"cells": [{"outputs": [{"text": "b"}]}]}})},
)
files = st.builds(
    lambda value, indent, escaped, bom: (
        bom + json.dumps(value, indent=indent, ensure_ascii=escaped).encode("utf-8", "replace")
    ),
    notebooks,
    st.sampled_from([None, 1, 4]),
    st.booleans(),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
)

JUNK = (b'"', b"\\", b"[", b"}", b",", b"\n", b"\\n")


def in_parts(data: bytes, size: int) -> FileText:
    return lambda: (data[at : at + size] for at in range(0, len(data), size))


@pytest.fixture(autouse=True, scope="module")
def _everything_is_large() -> Iterator[None]:
    module = "jupyter_runt.document"
    with patch(f"{module}.ipynb_cutter.LARGE", 20), patch(f"{module}.whole.LARGE", 20):
        yield


def whole(content: FileText) -> bytes:
    return b"".join(parts_of(content))


@given(files, st.integers(1, 60), st.data())
def test_what_was_cut_out_comes_back_byte_for_byte_however_broken_the_file_is(data, size, draw):
    for _ in range(draw.draw(st.integers(0, 2))):
        at = draw.draw(st.integers(0, len(data)))
        junk = draw.draw(st.sampled_from([b"", b":", b"\xc3", *JUNK]))
        data = data[:at] + junk + data[at + draw.draw(st.integers(0, 3)) :]
    cuts = Cuts()
    lean = cut_out(in_parts(data, size), cuts)
    again = b""
    for number, piece in enumerate(lean.split(cuts.mark(0)[:33].encode())):
        if number == 0:
            again = piece
            continue
        digits, quote, rest = piece.partition(b'"')
        again = again.removesuffix(b'"') + b"".join(cuts.blocks(int(digits))) + rest
        assert quote
    assert again == data


@given(files, st.integers(1, 60), st.data())
def test_a_file_is_understood_as_it_is_without_cuts(data, size, draw):
    if draw.draw(st.booleans()):
        at = draw.draw(st.integers(0, len(data)))
        data = data[:at] + draw.draw(st.sampled_from(JUNK)) + data[at:]
    try:
        expected = read_notebook(data)
    except NotANotebook:
        with pytest.raises(NotANotebook):
            read_notebook(in_parts(data, size))
        return
    found = read_notebook(in_parts(data, size))
    assert without_new_ids(loaded(found.notebook)) == without_new_ids(expected.notebook)
    assert without_new_ids(loaded(found.signed)) == without_new_ids(expected.signed)
    assert whole(found.text.render()) == data


def without_new_ids(notebook: Any) -> Any:
    return {**notebook, "cells": [{**cell, "id": ""} for cell in notebook["cells"]]}


@given(files, st.data())
def test_edits_are_written_as_they_are_without_cuts(data, draw):
    try:
        expected = read_notebook(data)
    except NotANotebook:
        return
    found = read_notebook(in_parts(data, 50))
    contents: dict[str, bytes] = {}
    lean: list[Any] = []
    for step in moving_out(expected.notebook["cells"], Limits(3, 3, 2)):
        if isinstance(step, dict):
            lean.append(copy.deepcopy(step))
            if step["cell_type"] != "code":
                lean[-1].pop("outputs", None)  # documents have none there
        else:
            content = step.content
            contents[step.artifact.sha256] = (
                content if isinstance(content, bytes) else content.content().read()
            )

    def load(sha256: str) -> Iterator[bytes]:
        return iter((contents[sha256][:5], contents[sha256][5:]))

    for index, cell in enumerate(lean):
        if draw.draw(st.booleans()):
            cell["source"] += "edited"
        if cell["cell_type"] == "code" and draw.draw(st.booleans()):
            cell["outputs"] = draw.draw(st.permutations(cell["outputs"]))[:2]
        ids = [notebook.text.cell_ids[index] for notebook in (expected, found)]
        for cell_id, notebook in zip(ids, (expected, found), strict=True):
            notebook.text.update_cell(CellId(cell_id), {**cell, "id": cell_id}, load)
    one, other = (json.loads(whole(notebook.text.render())) for notebook in (expected, found))
    assert without_new_ids(one) == without_new_ids(other)


@given(
    st.lists(plain | st.sampled_from(["\r", "\n", "\r\n", "\u2028"]), min_size=1, max_size=6),
    st.integers(1, 9),
    st.sampled_from([Style(), Style(indent=None), Style("\t", "\r\n", escaped=True)]),
)
def test_values_are_written_in_parts_as_they_are_at_once(pieces, size, style):
    content = "".join(pieces).encode()
    blocks = [content[at : at + size] for at in range(0, len(content), size)]
    lines = content.decode().splitlines(keepends=True)

    def written(mime: str, *, stream: bool = False) -> str:
        return b"".join(json_parts(mime, blocks, style, stream=stream)).decode()

    if lines:
        assert written("text/plain", stream=True) == style.dump(lines, 5)
        assert written("text/html") == style.dump(lines, 6)
    assert written("application/xml") == style.dump(content.decode(), 6)
    assert json.loads(written("image/png")) == base64.b64encode(content).decode()


def test_what_went_leaves_nothing_behind():
    cuts = Cuts()
    numbers = [cuts.put((b"x" * 1000,)).number for _ in range(10)]
    cuts.tidy({numbers[3]}, slack=100)
    assert b"".join(cuts.blocks(numbers[3])) == b"x" * 1000
    assert cuts._spill is not None
    assert cuts._spill.size == 1000


def test_a_full_disk_cuts_nothing_out(monkeypatch: pytest.MonkeyPatch):
    class Full:
        def __init__(self) -> None:
            raise OSError("no space left")

    monkeypatch.setattr(cuts_module, "Spill", Full)
    output = {"output_type": "stream", "name": "stdout", "text": ["a long line\n"]}
    cell = {"cell_type": "code", "source": [], "outputs": [output]}
    data = json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 5}).encode()
    cuts = Cuts()
    assert cut_out(in_parts(data, 7), cuts) == data
    assert not cuts


def test_a_mark_that_somebody_wrote_means_nothing():
    other = Cuts().mark(0)
    cuts = Cuts()
    cut = cuts.put((b'"value"',))
    restored = cuts.restored([other, cut.mark, f" {cut.mark}"])
    assert restored[0] == other
    assert isinstance(restored[1], Cut)
    assert restored[2] == f" {cut.mark}"
