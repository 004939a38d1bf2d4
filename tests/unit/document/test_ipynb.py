"""Reading notebook files."""

import json

import nbformat
import pytest

from jupyter_runt.document.ipynb import NotebookText, import_update, read_notebook
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.errors import NotANotebook


def file(notebook):
    return json.dumps(notebook).encode()


def with_cells(*cells, minor=5, **fields):
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": minor, **fields}


CELL = {"cell_type": "raw", "id": "a", "metadata": {}, "source": "x"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xff\xfe{\x00}\x00", "UTF-8"),
        (b"\x00\x01binary", "not the JSON"),
        (b"print('hello')\n", "not the JSON"),
        (b'{"cells": [', "not the JSON"),
        (b'{"cells": []', "not the JSON"),
        (b'{"cells": [],}', "double quotes"),
        (b'{"cells": [{},], "nbformat": 4}', "not the JSON"),
        (b'{"cells": [] "nbformat": 4}', "Expecting ','"),
        (b'{"a" 1}', "Expecting ':'"),
        (b"{} trailing", "Extra data"),
        (b"[1, 2]", "Expecting '{'"),
        (b"null", "Expecting '{'"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too deeply"),
        (b'{"nbformat": ' + b"9" * 5000 + b"}", "not the JSON"),
        (file({}), "version of nbformat"),
        (file({"cells": []}), "version of nbformat"),
        (file({"nbformat": True, "cells": []}), "version of nbformat"),
        (file({"nbformat": 5, "cells": []}), "nbformat 5"),
        (file({"nbformat": 4, "metadata": {}}), "no list of cells"),
        (file({"nbformat": 4, "cells": {}}), "no list of cells"),
        (file({"nbformat": 4, "cells": [], "metadata": []}), "metadata"),
        (file({"nbformat": 4, "nbformat_minor": "5", "cells": []}), "nbformat_minor"),
        (file(with_cells(1)), "Cell 1 is not a JSON object"),
        (file(with_cells(CELL, {**CELL, "cell_type": "chart"})), 'Cell 2 .* type "chart"'),
        (file(with_cells({"source": ""})), "Cell 1 .* type null"),
        (file(with_cells({**CELL, "source": 1})), "source of cell 1"),
        (file(with_cells({**CELL, "source": ["a", 1]})), "source of cell 1"),
        (file(with_cells({**CELL, "metadata": None})), "metadata of cell 1"),
        (file(with_cells({**CELL, "cell_type": "code", "outputs": 1})), "outputs of cell 1"),
        (file(with_cells({**CELL, "cell_type": "code", "outputs": [{}]})), "output of cell 1"),
        (file({"nbformat": 3, "worksheets": 1}), "old nbformat 3"),
        (file(with_cells({**CELL, "cell_type": ["code"]})), 'type ."code".'),
        (file({"nbformat": 3}), "old nbformat 3"),
    ],
)
@pytest.mark.rule("FB5")
def test_what_is_no_notebook_is_refused_with_a_sentence_that_says_why(data, message):
    with pytest.raises(NotANotebook, match=message) as error:
        read_notebook(data)
    assert error.value.message.endswith((".", ")")) or "converted" in error.value.message


def test_texts_are_joined_as_nbformat_does():
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]},
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {
                "text/html": ["<p>\n", "</p>"],
                "application/json": ["a", "b"],
                "application/vnd.x+json": ["c"],
                "image/png": "aGk=",
            },
        },
        {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["t", "u"]},
    ]
    code = {
        "cell_type": "code",
        "id": "c",
        "execution_count": None,
        "metadata": {},
        "source": ["x\n", "y"],
        "outputs": outputs,
    }
    text = {**CELL, "cell_type": "markdown", "attachments": {"f": {"text/plain": ["p\n", "q"]}}}
    data = file(with_cells(code, text))
    assert read_notebook(data).notebook == nbformat.reads(data.decode(), as_version=4)


def test_trust_and_what_passes_does_not_come_in():
    cell = {**CELL, "metadata": {"trusted": True, "tags": []}}
    notebook = with_cells(cell, metadata={"signature": "s", "orig_nbformat": 3, "kept": 1})
    read = read_notebook(file(notebook)).notebook
    assert read["cells"][0]["metadata"] == {"tags": []}
    assert read["metadata"] == {"kept": 1}


def test_what_a_lenient_writer_left_out_is_filled_in_without_inventing_metadata():
    notebook = {"nbformat": 4, "cells": [{"cell_type": "code"}]}
    read = read_notebook(file(notebook)).notebook
    (cell,) = read["cells"]
    assert {**cell, "id": ""} == {
        "id": "",
        "cell_type": "code",
        "source": "",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
    }
    assert (read["metadata"], read["nbformat"], read["nbformat_minor"]) == ({}, 4, 0)


def test_every_cell_gets_an_id_of_its_own():
    notebook = with_cells(
        CELL,
        {**CELL, "source": "again"},
        {**CELL, "id": 1},
        {**CELL, "id": ""},
        {**CELL, "id": "b"},
    )
    ids = [cell["id"] for cell in read_notebook(file(notebook)).notebook["cells"]]
    assert (ids[0], ids[4]) == ("a", "b")
    assert len(set(ids)) == 5


def test_older_formats_are_converted():
    code = {
        "cell_type": "code",
        "input": ["1 + 1"],
        "prompt_number": 2,
        "collapsed": False,
        "language": "python",
        "metadata": {},
        "outputs": [
            {"output_type": "pyout", "prompt_number": 2, "metadata": {}, "text": ["2"]},
            {"output_type": "stream", "stream": "stderr", "text": ["w\n"]},
        ],
    }
    heading = {"cell_type": "heading", "level": 2, "metadata": {}, "source": ["Title"]}
    old = {
        "metadata": {"name": "old"},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [{"cells": [heading, code], "metadata": {}}],
    }
    read = read_notebook(file(old))
    title, cell = read.notebook["cells"]
    assert (title["cell_type"], title["source"]) == ("markdown", "## Title")
    assert [output["output_type"] for output in cell["outputs"]] == ["execute_result", "stream"]
    assert read.text.render() == file(old), "until something is edited"
    text = NotebookText.fresh(read.notebook)
    assert nbformat.reads(text.render().decode(), as_version=4) == read.notebook
    document = NotebookDoc()
    document.apply([import_update(read.notebook, 1)])
    assert document.notebook() == read.notebook


def test_values_nested_too_deeply_for_the_document_are_refused():
    deep = []
    for _ in range(5000):
        deep = [deep]
    notebook = {**read_notebook(file(with_cells(CELL))).notebook, "metadata": {"deep": deep}}
    with pytest.raises(NotANotebook, match="deep"):
        import_update(notebook, 1)
