"""Merging two changes of one text, line by line."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Final, NamedTuple

JUNK_LIMIT: Final = 1_000_000
"""Pairs of items; beyond it, those that occur often no longer anchor a comparison."""


class Hunk(NamedTuple):
    """Lines `start` to `end` of the base became `lines`."""

    start: int
    end: int
    lines: Sequence[str]


class MergedText(NamedTuple):
    """The outcome of a merge."""

    text: str
    overlaps: bool
    """Whether lines that only theirs has are not in it."""


class TextMerge:
    """What theirs changed since the base, to be brought into ours.

    Where both changed the same lines ours win; lines that both inserted at one place are all kept,
    ours first, and those that are equal once.
    """

    def __init__(self, base: str, theirs: str) -> None:
        self._base = base
        self._theirs = theirs
        self._lines = _lines(base)
        self._hunks = _hunks(self._lines, _lines(theirs))

    def into(self, ours: str) -> MergedText:
        """Return `ours` with their changes."""
        if ours == self._base:
            return MergedText(self._theirs, False)
        if not self._hunks or ours == self._theirs:
            return MergedText(ours, False)
        lines, overlaps = _merge(self._lines, _hunks(self._lines, _lines(ours)), self._hunks)
        return MergedText("\n".join(lines), overlaps)


def _lines(text: str) -> list[str]:
    """Return lines that a line break goes between: appending one changes none of them."""
    return text.split("\n") if text else []


def _hunks(base: Sequence[str], side: Sequence[str]) -> list[Hunk]:
    """Return how a side differs from the base; between two hunks there is an unchanged line."""
    shortest = min(len(base), len(side))
    head = 0
    while head < shortest and base[head] == side[head]:
        head += 1
    tail = 0
    while tail < shortest - head and base[-1 - tail] == side[-1 - tail]:
        tail += 1
    old, new = base[head : len(base) - tail], side[head : len(side) - tail]
    matcher = SequenceMatcher(None, old, new, autojunk=len(old) * len(new) > JUNK_LIMIT)
    return [
        Hunk(head + i1, head + i2, new[j1:j2])
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def _merge(
    base: Sequence[str], ours: Sequence[Hunk], theirs: Sequence[Hunk]
) -> tuple[list[str], bool]:
    regions = _regions(ours, theirs)
    texts = [region.merged(base) for region in regions]
    merged: list[str] = []
    at = 0
    for index, (region, text) in enumerate(zip(regions, texts, strict=True)):
        merged += base[at : region.start]
        if not _is_told_beside(index, regions, texts):
            merged += text
        at = region.end
    return [*merged, *base[at:]], any(region.loses(base) for region in regions)


@dataclass(slots=True)
class _Region:
    """A stretch of the base that one side changed, or both."""

    start: int
    end: int
    ours: list[Hunk] = field(default_factory=list)
    theirs: list[Hunk] = field(default_factory=list)

    def meets(self, hunk: Hunk) -> bool:
        """Tell whether a later hunk belongs to it: one that only touches does not.

        Two insertions at one place belong together.
        """
        return hunk.start < self.end or hunk[:2] == (self.start, self.end)

    def merged(self, base: Sequence[str]) -> list[str]:
        """Return what its lines become."""
        if not self.ours:
            return self._side(base, self.theirs)
        ours = self._side(base, self.ours)
        if self.theirs and self.start == self.end:
            return _both(ours, self._side(base, self.theirs))
        return ours

    def loses(self, base: Sequence[str]) -> bool:
        """Tell whether lines that only theirs has go."""
        kept = {*self.merged(base), *base[self.start : self.end]}
        return not kept.issuperset(self._side(base, self.theirs))

    def _side(self, base: Sequence[str], hunks: Sequence[Hunk]) -> list[str]:
        lines: list[str] = []
        at = self.start
        for hunk in hunks:
            lines += [*base[at : hunk.start], *hunk.lines]
            at = hunk.end
        return [*lines, *base[at : self.end]]


def _is_told_beside(index: int, regions: Sequence[_Region], texts: Sequence[Sequence[str]]) -> bool:
    """Tell whether one side inserted what the other one has in its change of the next lines."""
    region, text = regions[index], texts[index]
    if region.start < region.end:
        return False
    before, after = index - 1, index + 1
    return (
        index > 0 and regions[before].end == region.start and texts[before][-len(text) :] == text
    ) or (
        after < len(regions)
        and regions[after].start == region.end
        and texts[after][: len(text)] == text
    )


def _regions(ours: Sequence[Hunk], theirs: Sequence[Hunk]) -> list[_Region]:
    regions: list[_Region] = []
    sides = [(hunk, True) for hunk in ours] + [(hunk, False) for hunk in theirs]
    for hunk, is_ours in sorted(sides, key=lambda side: side[0][:2]):
        if not regions or not regions[-1].meets(hunk):
            regions.append(_Region(hunk.start, hunk.end))
        region = regions[-1]
        region.end = max(region.end, hunk.end)
        (region.ours if is_ours else region.theirs).append(hunk)
    return regions


def _both(mine: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return the lines of both, those that are the same once."""
    lines: list[str] = []
    matcher = SequenceMatcher(None, mine, other, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        lines += mine[i1:i2]
        if tag != "equal":
            lines += other[j1:j2]
    return lines
