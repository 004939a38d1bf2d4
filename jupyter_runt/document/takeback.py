"""Taking back what somebody did to a text, line by line, from among what others did since."""

from collections import defaultdict
from difflib import SequenceMatcher
from typing import Final

MATCHING_LIMIT: Final = 4_000_000
"""Pairs of lines; beyond it, those that occur often no longer anchor a comparison."""


def taken_back(before: str, after: str, now: str) -> str:
    """Return `now` without what led from `before` to `after`.

    Lines that came then go, and lines that went then come back in their place. Lines of others
    stay, between those that go too. Where others wrote over all that came in a place, theirs stays
    and nothing comes back.
    """
    if now == after:
        return before
    old, new, lines = _lines(before), _lines(after), _lines(now)
    here = _places(new, lines)
    gone: set[int] = set()
    back: defaultdict[int, list[str]] = defaultdict(list)
    for tag, i1, i2, j1, j2 in _matcher(old, new).get_opcodes():
        if tag == "equal":
            continue
        left = [here[j] for j in range(j1, j2) if j in here]
        gone.update(left)
        if left or j1 == j2:
            back[left[0] if left else _place(here, j1)] += old[i1:i2]
    result: list[str] = []
    for index in range(len(lines) + 1):
        result += back[index]
        result += lines[index : index + 1] if index not in gone else []
    return "\n".join(result)


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _matcher(one: list[str], other: list[str]) -> SequenceMatcher[str]:
    return SequenceMatcher(None, one, other, autojunk=len(one) * len(other) > MATCHING_LIMIT)


def _places(lines: list[str], now: list[str]) -> dict[int, int]:
    """Return where lines are now, by where they were."""
    return {
        block.a + step: block.b + step
        for block in _matcher(lines, now).get_matching_blocks()
        for step in range(block.size)
    }


def _place(here: dict[int, int], index: int) -> int:
    """Return where now is what was before the line `index`."""
    return max((place + 1 for was, place in here.items() if was < index), default=0)
