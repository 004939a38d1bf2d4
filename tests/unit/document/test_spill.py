import json

import pytest

from jupyter_runt.document import ipynb_text
from jupyter_runt.document.ipynb import read_notebook
from jupyter_runt.document.ipynb_text import LARGE, NotebookText
from jupyter_runt.document.spill import BLOCK, Spill, parts_of
from jupyter_runt.ids import CellId

TEXT = "é" * LARGE
STREAM = {"output_type": "stream", "name": "stdout", "text": [TEXT + "\n", TEXT]}


def cell(number: int, *outputs: object) -> dict[str, object]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"c{number}",
        "metadata": {},
        "outputs": list(outputs),
        "source": [],
    }


def file(*cells: object) -> bytes:
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False).encode() + b"\n"


def whole(text: NotebookText) -> bytes:
    return b"".join(parts_of(text.render()))


def in_memory(cell_id: str) -> dict[str, object]:
    return {**cell(0), "id": cell_id, "source": "edited", "outputs": []}


def test_what_was_put_is_read_as_it_was():
    spill = Spill()
    texts = ["", "short", "é" * BLOCK, "end"]
    places = [spill.put(text) for text in texts]
    assert [spill.text(place) for place in places] == texts
    assert max(map(len, spill.blocks(places[2]))) <= BLOCK
    assert sum(place.length for place in places) == spill.size


def test_large_cells_are_written_as_they_stood_however_often_others_change():
    data = file(cell(0), cell(1, STREAM), cell(2))
    text = read_notebook(data).text
    for _ in range(2):
        assert whole(text) == data
    text.update_cell(CellId("c0"), in_memory("c0"))
    expected = json.loads(data)
    expected["cells"][0]["source"] = ["edited"]
    assert json.loads(whole(text)) == expected
    assert whole(text).count(TEXT.encode()) == 2


def test_a_large_cell_that_changes_again_and_again_leaves_nothing_behind():
    text = read_notebook(file(cell(0), cell(1, STREAM))).text
    for number in range(12):
        output = {**STREAM, "text": f"{number}" + TEXT}
        text.update_cell(CellId("c1"), {**in_memory("c1"), "outputs": [output]})
        saved = json.loads(whole(text))
        assert "".join(saved["cells"][1]["outputs"][0]["text"]) == output["text"]
    assert text._spill is not None
    assert text._spill.size < 5 * len(TEXT.encode())


def test_what_no_disk_takes_stays_in_memory(monkeypatch: pytest.MonkeyPatch):
    class Full:
        def __init__(self) -> None:
            raise OSError("no space left")

    monkeypatch.setattr(ipynb_text, "Spill", Full)
    data = file(cell(0, STREAM))
    assert whole(read_notebook(data).text) == data
