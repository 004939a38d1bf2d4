"""What a cell put out, as short as it may be. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jupyter_runt.ai.output_text import output_text
from jupyter_runt.ai.tokens import middle_out

PER_OUTPUT: Final = 700
"""Tokens of one output; of a cell, three times as many."""

_FIRST_LINES: Final = 7
_LAST_LINES: Final = 18
"""Of a traceback: what was called first, and where it failed, say most."""


def outputs_preview(outputs: Sequence[Mapping[str, Any]], limit: int = PER_OUTPUT) -> str:
    """Return what a cell put out, each output with at most `limit` tokens."""
    parts = [middle_out(_preview(output), limit) for output in outputs]
    return middle_out("\n".join(part for part in parts if part.strip()), 3 * limit)


def _preview(output: Mapping[str, Any]) -> str:
    text = output_text(output)
    if output.get("output_type") != "error":
        return text
    lines = text.split("\n")
    gone = len(lines) - _FIRST_LINES - _LAST_LINES
    if gone > 0:
        lines = [*lines[:_FIRST_LINES], f"[… {gone} lines …]", *lines[-_LAST_LINES:]]
    said = f"{output.get('ename', 'Error')}: {output.get('evalue', '')}"
    shown = "\n".join(lines)
    return shown if said in shown else f"{shown}\n{said}"
