"""Long texts for a model: their ends, and how to read on. Pure."""

import difflib
from typing import Final

PAGE: Final = 8_000
"""Characters of a tool's answer."""

PREVIEW: Final = 2_000
"""Characters of one output among others."""

MAX_DIFF: Final = 2_000


def head_and_tail(text: str, limit: int, how_to_read_on: str) -> str:
    """Return a text, or its beginning and its end with what there is between and how to get it."""
    if len(text) <= limit:
        return text
    head = limit * 2 // 3
    tail = limit - head
    left_out = len(text) - limit
    note = f"[… {left_out} of {len(text)} characters left out; {how_to_read_on} …]"
    return f"{text[:head]}\n{note}\n{text[-tail:]}"


def page(text: str, offset: int, limit: int, how_to_read_on: str) -> str:
    """Return a part of a text, with where it is and how to get what comes after.

    `how_to_read_on` has a place `{offset}` for where the next part begins.
    """
    part = text[offset : offset + limit]
    end = offset + len(part)
    if offset == 0 and end == len(text):
        return text
    rest = "that is the end" if end >= len(text) else how_to_read_on.format(offset=end)
    return f"{part}\n[characters {offset} to {end} of {len(text)}; {rest}]"


def diff(old: str, new: str, *, whole: bool = False) -> str:
    """Return which lines an edit replaces by which.

    Args:
        whole: with all lines around, and however long that is: for a person who decides.
    """
    before, after = old.splitlines(), new.splitlines()
    context = max(len(before), len(after)) if whole else 0
    lines = list(difflib.unified_diff(before, after, n=context, lineterm=""))[2:]
    if whole:
        return "\n".join(lines)
    changed = [line for line in lines if not line.startswith("@@")]
    return head_and_tail("\n".join(changed), MAX_DIFF, "the cell has all of it")
