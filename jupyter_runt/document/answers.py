"""The answer of a turn as a cell keeps it: outputs, and a transcript in its metadata. Pure."""

import json
from collections.abc import Iterator
from typing import Any, Final

from jupyter_runt.document.ai_cells import answer_output, prompt_hash
from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.turns import ToolUse, Turn, shortened

KEPT: Final = 20
"""Turns of a cell that its metadata keeps at most."""

KEPT_CHARS: Final = 64_000
"""About as much as these take at most, but for the last one: each turn writes all of them anew."""

_ARGUMENTS: Final = 4_000


def transcript(turn: Turn) -> dict[str, Any]:
    """Return a turn as JSON that a notebook keeps."""
    kept: dict[str, Any] = {
        "version": 1,
        "turn_id": turn.turn_id,
        "model": turn.model,
        "status": turn.status,
        "prompt": turn.prompt,
        "prompt_sha256": prompt_hash(turn.prompt),
        "items": list(_items(turn)),
    }
    if turn.usage is not None:
        kept["usage"] = turn.usage.model_dump(mode="json", exclude_none=True)
    if turn.error is not None:
        kept["error"] = turn.error
    return kept


def _items(turn: Turn) -> Iterator[dict[str, Any]]:
    for item in _in_order(turn):
        if isinstance(item, str):
            yield {"type": "text", "text": item}
        else:
            yield {
                "type": "tool",
                "call_id": item.call_id,
                "tool": item.tool,
                "effect": item.effect,
                "arguments": shortened(item.arguments, _ARGUMENTS),
                "status": item.status,
                "result": item.result or "",
            }


def _in_order(turn: Turn) -> Iterator[str | ToolUse]:
    """Yield the text of a turn, with the calls where they were made."""
    text = turn.text.encode("utf-16-le", "surrogatepass")
    begun = 0
    for item in turn.items:
        if item.at * 2 > begun:
            yield text[begun : item.at * 2].decode("utf-16-le", "replace")
            begun = item.at * 2
        yield item
    if begun < len(text):
        yield text[begun:].decode("utf-16-le", "replace")


def write_answer(doc: NotebookDoc, turn: Turn) -> None:
    """Put the answer of a turn into its cell, if that is there and is still an AI cell."""
    if not doc.has_cell(turn.cell_id) or doc.cell_type(turn.cell_id) != "ai":
        return
    kept = transcript(turn)
    doc.replace_outputs_from(turn.cell_id, 0, [answer_output(kept)])
    runt = dict(doc.metadata(turn.cell_id).get("runt", {}))
    recorded = runt.get("turns")
    before = recorded if isinstance(recorded, list) else []
    runt["turns"] = [*_recent(before, KEPT_CHARS - len(json.dumps(kept))), kept]
    doc.update_cell_metadata(turn.cell_id, {"runt": runt})


def _recent(turns: list[Any], room: int) -> list[Any]:
    """Return the newest turns, of which there is room beside another one."""
    recent: list[Any] = []
    for turn in reversed(turns[1 - KEPT :]):
        room -= len(json.dumps(turn))
        if room < 0:
            break
        recent.insert(0, turn)
    return recent


def clear_answer(doc: NotebookDoc, turn: Turn) -> None:
    """Take the last answer away: another one begins."""
    if doc.has_cell(turn.cell_id) and doc.cell_type(turn.cell_id) == "ai":
        doc.clear_outputs([turn.cell_id])
