"""Which cells of two versions of a notebook are the same one."""

import re
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

from jupyter_runt.document.cells import Cell, runt_type
from jupyter_runt.document.lines import JUNK_LIMIT
from jupyter_runt.ids import CellId

SIMILAR: Final = 0.6
"""Share of words in common that makes a cell an edit of another one."""

COMPARED_LIMIT: Final = 4_000
"""Pairs of cells; where more would have to be compared, the cells were replaced, not edited."""

_WORD: Final = re.compile(r"\w+|[^\w\s]")

Key = tuple[str, str]
"""What two cells without a common id have in common: type and source."""


@dataclass(frozen=True, slots=True)
class Matching:
    """For each of their cells, by index, the cell of the base that it is."""

    same: Mapping[int, CellId]
    """Cells with the same id, or else with the same type and source."""
    similar: Mapping[int, CellId]
    """Of the others, those whose text is likely to be an edit of the base's."""


def cell_key(cell: Cell) -> Key:
    """Return the type of a cell (ai and sql too) and its source."""
    kind = cell["cell_type"]
    return (kind == "code" and runt_type(cell["metadata"])) or kind, cell["source"]


def match_cells(base: Sequence[Cell], theirs: Sequence[Cell], *, anonymous: bool) -> Matching:
    """Match cells that have ids, by what is the same, or by what is likely to be.

    Args:
        base: the cells as they were.
        theirs: the cells as they are now.
        anonymous: whether one of the versions has no ids of its own, so that an edited cell can
            only be known by its text.
    """
    left = {CellId(cell["id"]): cell for cell in base}
    same: dict[int, CellId] = {}
    for index, cell in enumerate(theirs):
        if left.pop(cell["id"], None) is not None:
            same[index] = CellId(cell["id"])
    right = {index: cell for index, cell in enumerate(theirs) if index not in same}
    ids, indexes = list(left), list(right)
    old, new = [cell_key(left[i]) for i in ids], [cell_key(right[i]) for i in indexes]
    equal = dict(match_equal(old, new))
    same |= {indexes[j]: ids[i] for i, j in equal.items()}
    if not anonymous:
        return Matching(same, {})
    matched = set(equal.values())
    old_left = [i for i in range(len(old)) if i not in equal]
    new_left = [j for j in range(len(new)) if j not in matched]
    similar = _match_similar([old[i] for i in old_left], [new[j] for j in new_left])
    return Matching(same, {indexes[new_left[j]]: ids[old_left[i]] for i, j in similar})


def match_equal(one: Sequence[Hashable], other: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """Yield pairs of indexes of equal items: in order as far as it goes, then the moved ones."""
    paired: set[int] = set()
    left = set(range(len(one)))
    matcher = SequenceMatcher(None, one, other, autojunk=len(one) * len(other) > JUNK_LIMIT)
    for i, j, length in matcher.get_matching_blocks():
        for offset in range(length):
            yield i + offset, j + offset
            left.discard(i + offset)
            paired.add(j + offset)
    free: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for j, item in enumerate(other):
        if j not in paired:
            free[item].append(j)
    for i in sorted(left):
        if candidates := free.get(one[i]):
            yield i, candidates.popleft()


def out_of_order(cell_ids: Iterable[CellId], order: Mapping[CellId, int]) -> set[CellId]:
    """Return the fewest cells that must have been moved: all but a longest ascending sequence."""
    known = [cell_id for cell_id in cell_ids if cell_id in order]
    places = [order[cell_id] for cell_id in known]
    if all(place < following for place, following in pairwise(places)):
        return set()
    ends: list[int] = []
    """By length less one, the lowest place that an ascending sequence can end with."""
    lengths: list[int] = []
    for place in places:
        length = bisect_left(ends, place)
        ends[length : length + 1] = [place]
        lengths.append(length)
    wanted = len(ends) - 1
    moved: set[CellId] = set()
    for cell_id, length in zip(reversed(known), reversed(lengths), strict=True):
        if length == wanted:
            wanted -= 1
        else:
            moved.add(cell_id)
    return moved


def _match_similar(old: Sequence[Key], new: Sequence[Key]) -> list[tuple[int, int]]:
    """Return pairs of indexes, none crossing another, the most similar ones first."""
    if len(old) * len(new) > COMPARED_LIMIT:
        return []
    scored: list[tuple[float, int, int]] = []
    words = [_WORD.findall(source) for _, source in old]
    for j, (kind, source) in enumerate(new):
        # The matcher keeps what it finds out about its second sequence.
        matcher = SequenceMatcher(None, b=_WORD.findall(source), autojunk=False)
        for i, (old_kind, _) in enumerate(old):
            matcher.set_seq1(words[i])
            if kind == old_kind and matcher.quick_ratio() >= SIMILAR:
                scored.append((-matcher.ratio(), i, j))
    pairs: list[tuple[int, int]] = []
    for score, i, j in sorted(scored):
        if -score >= SIMILAR and all((i - a) * (j - b) > 0 for a, b in pairs):
            pairs.append((i, j))
    return pairs
