"""Replacing a text by another one with few, small edits, so that concurrent ones merge well."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final, NamedTuple

from pycrdt import Text

MATCHING_LIMIT: Final = 1_000_000
"""Pairs of lines; matching more than this takes longer than a small edit is worth."""


class Splice(NamedTuple):
    """One edit. Offsets are UTF-8 bytes of the text before any of the edits."""

    offset: int
    removed: int
    inserted: str


def replace_text(text: Text, new: str) -> None:
    """Make `text` read `new`; call it inside a transaction."""
    shift = 0
    for splice in splices(str(text), new):
        start = splice.offset + shift
        if splice.removed:
            del text[start : start + splice.removed]
        if splice.inserted:
            text.insert(start, splice.inserted)
        shift += len(splice.inserted.encode()) - splice.removed


def splices(old: str, new: str) -> list[Splice]:
    """Return the edits that turn `old` into `new`, from the start on."""
    start, old_end, new_end = _differing(old, new)
    prefix = len(old[:start].encode())
    old_lines = old[start:old_end].splitlines(keepends=True)
    new_lines = new[start:new_end].splitlines(keepends=True)
    if len(old_lines) * len(new_lines) > MATCHING_LIMIT:
        return list(_splice(prefix, old[start:old_end], new[start:new_end]))
    edits: list[Splice] = []
    matcher = SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    offset, done = prefix, 0
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        offset += len("".join(old_lines[done:i1]).encode())
        done = i1
        if tag != "equal":
            edits += _splice(offset, "".join(old_lines[i1:i2]), "".join(new_lines[j1:j2]))
    return edits


def _splice(offset: int, old: str, new: str) -> Iterator[Splice]:
    start, old_end, new_end = _differing(old, new)
    if old_end > start or new_end > start:
        yield Splice(
            offset + len(old[:start].encode()), len(old[start:old_end].encode()), new[start:new_end]
        )


def _differing(old: str, new: str) -> tuple[int, int, int]:
    """Return where the texts begin to differ, and where in each they are the same again."""
    start = _common(old, new)
    tail = _common(old[start:][::-1], new[start:][::-1])
    return start, len(old) - tail, len(new) - tail


def _common(one: str, other: str) -> int:
    """Return the length of the common beginning, in a number of comparisons that is its log."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def boundary(text: str, keep_bytes: int) -> int:
    """Return the start of the character that `keep_bytes` is in: cutting it would be a panic."""
    data = text.encode()
    while 0 < keep_bytes < len(data) and data[keep_bytes] & 0xC0 == 0x80:
        keep_bytes -= 1
    return keep_bytes
