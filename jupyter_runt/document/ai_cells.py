"""AI cells in a file: harmless in every other program, and whole again when they come back.

In a document an AI cell is a code cell with the plain prompt. In a file the prompt is comment
lines and the cell is tagged as one to skip, so that running the notebook elsewhere neither fails
nor sends a prompt to a kernel. The answer is kept twice: as outputs, and in the metadata, where no
other program removes it.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

from jupyter_runt.document.cells import Cell, runt_type
from jupyter_runt.ids import CellId

ANSWER_MIME: Final = "application/vnd.runt.ai.v1+json"
"""Of a turn in an output: its items, with what the tools answered."""

SKIP_TAG: Final = "skip-execution"
"""nbclient's, and so nbconvert's."""

_MARK: Final = "# "

_REASONS: Final = {
    "cancelled": "Stopped",
    "error": "The answer ended here",
    "limit": "The answer ended here",
    "lost": "The answer was lost here",
}


def prompt_hash(prompt: str) -> str:
    """Return the SHA-256 (hex) by which a prompt is known to be as it was written down."""
    return sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()


def answer_output(turn: Mapping[str, Any]) -> dict[str, Any]:
    """Return the output that shows a turn, in Markdown where nobody knows turns.

    Args:
        turn: `{turn_id, model, status, items, error?, …}`; an item of the type `text` has a `text`,
            one of the type `tool` has `tool` and `status`.
    """
    items = turn.get("items")  # anybody may have written it into the file
    known = items if isinstance(items, list) else []
    parts = [_markdown(item) for item in known if isinstance(item, Mapping)]
    if (reason := _REASONS.get(str(turn.get("status")))) is not None:
        parts.append(f"> **{reason}.** {turn.get('error') or ''}".rstrip())
    markdown = "\n\n".join(part for part in parts if part.strip())
    data = {ANSWER_MIME: dict(turn), "text/markdown": markdown, "text/plain": markdown}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _markdown(item: Mapping[str, Any]) -> str:
    if item.get("type") == "tool":
        return f"*`{item.get('tool')}`: {item.get('status')}*"
    return str(item.get("text") or "").strip("\n")


def to_file(cell: Cell) -> Cell:
    """Return a cell as a file has it; all but AI cells are the same there."""
    if not _is_ai(cell):
        return cell
    metadata, prompt = cell["metadata"], cell["source"]
    runt = {**metadata["runt"], "source_sha256": prompt_hash(prompt)}
    if _turns(runt) and not cell.get("outputs"):
        runt["cleared"] = True  # by somebody here: no other program dropped them
    tags = _tags(metadata)
    tags = tags if SKIP_TAG in tags else [*tags, SKIP_TAG]
    return {
        **cell,
        "source": commented(prompt),
        "metadata": {**metadata, "runt": runt, "tags": tags},
    }


def from_file(cell: Cell) -> Cell:
    """Return a cell of a file, its texts single strings, as a document has it.

    A prompt that somebody edited elsewhere stays as they wrote it. An answer whose outputs another
    program dropped is made again, if it answers this prompt.
    """
    if not _is_ai(cell):
        return cell
    runt = dict(cell["metadata"]["runt"])
    known, cleared = runt.pop("source_sha256", None), runt.pop("cleared", False)
    prompt = uncommented(cell["source"])
    tags = [tag for tag in _tags(cell["metadata"]) if tag != SKIP_TAG]
    metadata = {**cell["metadata"], "runt": runt, "tags": tags}
    if not tags:
        del metadata["tags"]
    outputs = cell.get("outputs") or []
    if not outputs and not cleared and known == prompt_hash(prompt):
        outputs = [answer_output(turn) for turn in _turns(runt)[-1:]]
    return {
        **cell,
        "source": prompt,
        "metadata": metadata,
        "outputs": outputs,
        "execution_count": None,
    }


def without_answers(notebook: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a notebook without what models said in it: the notebook itself if they said nothing.

    For what a person's runs put out there is somebody to vouch; for that there is nobody.
    """
    cells = notebook["cells"]
    rest = [{**cell, "outputs": []} if _answered(cell) else cell for cell in cells]
    return notebook if not any(map(_answered, cells)) else {**notebook, "cells": rest}


def answers(notebook: Mapping[str, Any]) -> Iterator[tuple[CellId, list[Any]]]:
    """Yield the cells of a notebook in which models said something, and their outputs."""
    return ((cell["id"], cell["outputs"]) for cell in notebook["cells"] if _answered(cell))


def _answered(cell: Cell) -> bool:
    return _is_ai(cell) and bool(cell.get("outputs"))


def _turns(runt: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    turns = runt.get("turns")
    known = turns if isinstance(turns, list) else []
    return [turn for turn in known if isinstance(turn, Mapping)]


def commented(prompt: str) -> str:
    """Return a prompt as comment lines.

    Whatever any program takes for the end of a line begins a comment again: IPython looks for
    magic commands behind more characters than Python ends a line at.
    """
    return "".join(_MARK + line for line in prompt.splitlines(keepends=True))


def uncommented(source: str) -> str:
    """Return the prompt in a cell's source; what is no comment was written elsewhere, and stays."""
    lines = source.splitlines(keepends=True)
    if not all(line.startswith(_MARK) or line.strip() in ("", "#") for line in lines):
        return source
    return "".join(_bare(line) for line in lines)


def _bare(line: str) -> str:
    if line.startswith(_MARK):
        return line.removeprefix(_MARK)
    return line.removeprefix("#")  # an editor elsewhere took the space at its end


def _tags(metadata: Mapping[str, Any]) -> list[Any]:
    tags = metadata.get("tags")
    return list(tags) if isinstance(tags, list) else []


def _is_ai(cell: Cell) -> bool:
    return cell.get("cell_type") == "code" and runt_type(cell.get("metadata")) == "ai"
