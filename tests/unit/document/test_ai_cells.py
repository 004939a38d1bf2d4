"""AI cells on disk: harmless elsewhere, whole when they come back."""

import ast
import json
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.document.ai_cells import (
    ANSWER_MIME,
    SKIP_TAG,
    answer_output,
    commented,
    from_file,
    to_file,
    uncommented,
)
from jupyter_runt.document.ipynb import NotebookText, import_update, read_notebook
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.ids import CellId

PROMPTS = [
    "",
    "\n",
    "# Title\n\n- one\n",
    "a\r!rm -rf /\r\nb",
    "x\u2028%run y\x0b!z",
    "  \n\t",
    "%%bash\nls",
]
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
PROMPT = st.text(CHARACTERS) | st.sampled_from(PROMPTS)
TURN = {
    "version": 1,
    "turn_id": "t1",
    "model": "openai/gpt",
    "status": "ok",
    "items": [
        {"type": "text", "text": "It has **two** rows."},
        {"type": "tool", "tool": "read_cells", "status": "ok", "arguments": "{}", "result": "…"},
    ],
}


def ai_cell(prompt: str, *turns: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    runt = {"type": "ai", "model": "openai/gpt"} | ({"turns": list(turns)} if turns else {})
    return {
        "cell_type": "code",
        "id": "ai",
        "source": prompt,
        "metadata": {"runt": runt, **metadata},
        "outputs": [answer_output(turn) for turn in turns[-1:]],
        "execution_count": None,
    }


def notebook_of(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def saved(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a cell as it stands in the file of a notebook that was saved with it."""
    text = NotebookText.fresh(notebook_of(cell))
    stored: dict[str, Any] = json.loads(text.render())
    return stored


def opened(stored: dict[str, Any]) -> dict[str, Any]:
    """Return the only cell of a file as a document has it."""
    doc = NotebookDoc()
    doc.load([import_update(read_notebook(json.dumps(stored).encode()).notebook, 7)])
    cell: dict[str, Any] = doc.cell(CellId("ai"))
    return cell


@given(PROMPT)
def test_a_prompt_comes_back_from_its_comments(prompt: str) -> None:
    assert uncommented(commented(prompt)) == prompt


@given(PROMPT)
def test_a_prompt_on_disk_does_nothing_wherever_it_is_run(prompt: str) -> None:
    source = commented(prompt)
    assert all(line.startswith("# ") for line in source.splitlines())
    assert ast.parse(source).body == []


@given(PROMPT, st.lists(st.sampled_from(["a", "b"]), max_size=2))
def test_an_ai_cell_comes_back_as_it_was(prompt: str, tags: list[str]) -> None:
    cell = ai_cell(prompt, TURN, **({"tags": tags} if tags else {}))
    assert from_file(to_file(cell)) == cell
    assert opened(saved(cell)) == cell


def test_an_ai_cell_in_a_file_is_a_cell_of_nbformat_that_others_skip() -> None:
    stored = saved(ai_cell("What is in it?\nBe short.", TURN))
    nbformat.validate(stored)
    (cell,) = stored["cells"]
    assert cell["source"] == ["# What is in it?\n", "# Be short."]
    assert cell["metadata"]["tags"] == [SKIP_TAG]
    assert cell["metadata"]["runt"]["turns"] == [TURN]
    (output,) = cell["outputs"]
    assert "".join(output["data"]["text/markdown"]).startswith("It has **two** rows.")
    assert output["data"][ANSWER_MIME] == TURN


def test_an_answer_that_another_program_dropped_is_there_again() -> None:
    stored = saved(ai_cell("Why?", TURN))
    stored["cells"][0] |= {"outputs": [], "execution_count": 3}
    assert opened(stored) == ai_cell("Why?", TURN)


@pytest.mark.rule("FB5")
@pytest.mark.parametrize(
    "items", [None, 5, True, "text", {"type": "text"}, [5, {"type": ["tool"]}]]
)
def test_whatever_somebody_wrote_in_place_of_an_answer_is_opened(items: Any) -> None:
    stored = saved(ai_cell("Why?", TURN))
    stored["cells"][0]["metadata"]["runt"]["turns"] = [{"items": items, "status": ["x"]}]
    stored["cells"][0]["outputs"] = []
    assert opened(stored)["source"] == "Why?"


def test_an_answer_that_somebody_cleared_stays_away() -> None:
    cleared = ai_cell("Why?", TURN) | {"outputs": []}
    assert opened(saved(cleared)) == cleared


@pytest.mark.parametrize(
    ("written", "prompt"),
    [
        (["# Why not?\n", "#\n", "# Tell me."], "Why not?\n\nTell me."),
        (["# Why?\n", "x = 1"], "# Why?\nx = 1"),
    ],
)
def test_a_prompt_that_was_edited_elsewhere_wins(written: list[str], prompt: str) -> None:
    stored = saved(ai_cell("Why?", TURN))
    stored["cells"][0] |= {"source": written, "outputs": []}
    cell = opened(stored)
    assert cell["source"] == prompt
    assert cell["outputs"] == []
    assert cell["metadata"]["runt"]["turns"] == [TURN]


def test_opening_and_saving_an_ai_cell_changes_nothing() -> None:
    data = json.dumps(saved(ai_cell("Why?", TURN)), indent=1).encode()
    file = read_notebook(data)
    assert not file.text.update_cell(CellId("ai"), file.notebook["cells"][0])
    assert file.text.render() == data


def test_what_was_signed_is_what_the_file_has() -> None:
    stored = saved(ai_cell("Why?", TURN))
    file = read_notebook(json.dumps(stored).encode())
    assert file.signed["cells"][0]["source"] == "# Why?"
    assert file.notebook["cells"][0]["source"] == "Why?"


def test_a_file_without_cell_ids_finds_its_ai_cells_again() -> None:
    stored = saved(ai_cell("Why?", TURN)) | {"nbformat_minor": 4}
    del stored["cells"][0]["id"]
    text = read_notebook(json.dumps(stored).encode()).text
    text.adopt([(CellId("ai"), "Why?")])
    assert text.cell_ids == ["ai"]
