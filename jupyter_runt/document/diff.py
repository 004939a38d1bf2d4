"""What is different between two versions of a notebook, in the diff format of nbdime. Pure.

A diff is a list of operations, in the order of their keys. On an object: `add`, `remove`, `replace`
and `patch` of a key. On a list, whose keys are the indexes that items have in the base: `addrange`
before an item, `removerange`, and `patch` of one. A text is a list of its lines, and a line that is
patched is a list of its characters (https://nbdime.readthedocs.io/en/latest/diffing.html).
"""

import json
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Any, Final

from jupyter_runt.document.lines import JUNK_LIMIT
from jupyter_runt.document.match import match_cells, out_of_order

Op = dict[str, Any]
Diff = list[Op]
Differ = Callable[[Any, Any], Diff | None]
"""Returns what makes one value the other; None if the other one must take its place as a whole."""

MATCHING_LIMIT: Final = 25_000_000
"""Pairs of items: where more would have to be compared, all were replaced."""

LINE_LIMIT: Final = 1_000
"""Characters of a line that is compared word by word."""

LINES_LIMIT: Final = 2_000
"""Changed lines of one text that are compared word by word."""

SIMILAR: Final = 0.5
"""Share of the characters of two lines in common that makes one an edit of the other."""

_WORD: Final = re.compile(r"\w+|\s+|[^\w\s]")
_STRANGE_BREAK: Final = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")
"""What ends a line in Python and not in JavaScript: nobody agrees on the numbers of the lines."""

_TEXT_TYPES: Final = ("text/", "image/svg+xml", "application/javascript", "application/json")


def diff_notebooks(base: Mapping[str, Any], remote: Mapping[str, Any]) -> Diff:
    """Return the diff that makes `base` read as `remote`: notebooks as nbformat 4 has them.

    Cells are the same by their ids, else by what they say. Cells that were moved are removed and
    added. Takes time, so call it in a thread.
    """
    return _mapping(base, remote, lambda key: _cells if key == "cells" else _value)


def _cells(old: Sequence[Any], new: Sequence[Any]) -> Diff:
    diff: Diff = []
    i = j = 0
    for old_index, new_index in _same_cells(old, new):
        diff += _swap(i, old_index - i, new[j:new_index])
        diff += _patch(old_index, _mapping(old[old_index], new[new_index], _cell_differ))
        i, j = old_index + 1, new_index + 1
    return diff + _swap(i, len(old) - i, new[j:])


def _same_cells(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the indexes of cells that one version of became the other in its place."""
    before, now = _with_ids("base", old), _with_ids("remote", new)
    anonymous = not all(cell.get("id") for cell in (*old, *new))
    matching = match_cells(before, now, anonymous=anonymous)
    places = {cell["id"]: index for index, cell in enumerate(before)}
    known = sorted({**matching.similar, **matching.same}.items())
    moved = out_of_order([cell_id for _, cell_id in known], places)
    pairs = [(places[cell_id], index) for index, cell_id in known if cell_id not in moved]
    return [(i, j) for i, j in pairs if _is_patchable(old[i], new[j])]


def _with_ids(side: str, cells: Sequence[Any]) -> list[Any]:
    return [{**cell, "id": cell.get("id") or f"{side} {index}"} for index, cell in enumerate(cells)]


def _is_patchable(old: Any, new: Any) -> bool:
    """Tell whether nbdime's views can show one cell as an edit of the other."""
    if old["cell_type"] != new["cell_type"]:
        return False
    return bool(old["source"] == new["source"] or not _STRANGE_BREAK.search(old["source"]))


def _cell_differ(key: str) -> Differ:
    match key:
        case "id":
            return _whole
        case "outputs":
            return _outputs
        case "attachments":
            return _attachments
    return _value


def _outputs(old: Any, new: Any) -> Diff | None:
    return _sequence(old, new, _output) if isinstance(old, list) else None


def _output(old: Any, new: Any) -> Diff | None:
    kinds = ("output_type", "name", "ename")
    if any(old.get(key) != new.get(key) for key in kinds) or old.keys() != new.keys():
        return None
    if isinstance(old.get("data"), dict) and old["data"].keys() != new["data"].keys():
        return None
    return _mapping(old, new, lambda key: _bundle if key == "data" else _value)


def _attachments(old: Any, new: Any) -> Diff | None:
    return _mapping(old, new, lambda _: _bundle) if isinstance(old, dict) else None


def _bundle(old: Any, new: Any) -> Diff | None:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return None
    return _mapping(old, new, lambda key: _value if key.startswith(_TEXT_TYPES) else _whole)


# values of any kind


def _whole(_old: Any, _new: Any) -> None:
    return None


def _value(old: Any, new: Any) -> Diff | None:
    if isinstance(old, dict) and isinstance(new, dict):
        return _mapping(old, new, lambda _: _value)
    if isinstance(old, list) and isinstance(new, list):
        return _sequence(old, new, _whole)
    if isinstance(old, str) and isinstance(new, str):
        return _text(old, new)
    return None


def _mapping(
    old: Mapping[str, Any], new: Mapping[str, Any], differ: Callable[[str], Differ]
) -> Diff:
    diff: Diff = []
    for key in sorted({*old, *new}):
        if key not in new:
            diff.append({"op": "remove", "key": key})
        elif key not in old:
            diff.append({"op": "add", "key": key, "value": new[key]})
        elif old[key] != new[key]:
            inner = differ(key)(old[key], new[key])
            if inner is None:
                diff.append({"op": "replace", "key": key, "value": new[key]})
            else:
                diff += _patch(key, inner)
    return diff


def _sequence(old: Sequence[Any], new: Sequence[Any], differ: Differ) -> Diff:
    diff: Diff = []
    for i1, i2, j1, j2 in _changes(_keys(old), _keys(new)):
        diff += _changed(i1, old[i1:i2], new[j1:j2], differ)
    return diff


def _keys(items: Sequence[Any]) -> list[str]:
    return [json.dumps(item, sort_keys=True) for item in items]


def _changed(start: int, old: Sequence[Any], new: Sequence[Any], differ: Differ) -> Diff:
    """Return what makes some items others: side by side, each is an edit of the one before."""
    diff: Diff = []
    done = 0
    for index, (before, now) in enumerate(zip(old, new, strict=False)):
        inner = differ(before, now)
        if inner is not None:
            diff += _swap(start + done, index - done, new[done:index])
            diff += _patch(start + index, inner)
            done = index + 1
    return diff + _swap(start + done, len(old) - done, new[done:])


def _changes(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int, int, int]]:
    """Return where items differ: from where to where in each."""
    shortest = min(len(old), len(new))
    head = 0
    while head < shortest and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shortest - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    old_end, new_end = len(old) - tail, len(new) - tail
    pairs = (old_end - head) * (new_end - head)
    if pairs == 0 or pairs > MATCHING_LIMIT:
        return [(head, old_end, head, new_end)] if (old_end, new_end) != (head, head) else []
    matcher = SequenceMatcher(
        None, old[head:old_end], new[head:new_end], autojunk=pairs > JUNK_LIMIT
    )
    return [
        (head + i1, head + i2, head + j1, head + j2)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def _swap(key: int, length: int, values: Sequence[Any]) -> Diff:
    """Return what puts `values` where `length` items are."""
    diff: Diff = []
    if values:
        diff.append({"op": "addrange", "key": key, "valuelist": values})
    if length:
        diff.append({"op": "removerange", "key": key, "length": length})
    return diff


def _patch(key: str | int, diff: Diff) -> Diff:
    return [{"op": "patch", "key": key, "diff": diff}] if diff else []


# texts


def _text(old: str, new: str) -> Diff | None:
    if _STRANGE_BREAK.search(old):
        return None
    before, now = old.splitlines(keepends=True), new.splitlines(keepends=True)
    changes = _changes(before, now)
    few = sum(min(i2 - i1, j2 - j1) for i1, i2, j1, j2 in changes) <= LINES_LIMIT
    diff: Diff = []
    for i1, i2, j1, j2 in changes:
        diff += _changed(i1, before[i1:i2], now[j1:j2], _line if few else _whole)
    return diff


def _line(old: str, new: str) -> Diff | None:
    """Return the diff of two lines, word by word, if one is an edit of the other."""
    if max(len(old), len(new)) > LINE_LIMIT or max(old + new, default="") > "\uffff":
        return None  # characters beyond are two to JavaScript
    before, now = _WORD.findall(old), _WORD.findall(new)
    starts = list(accumulate(map(len, before), initial=0))
    diff: Diff = []
    lost = gained = 0
    for i1, i2, j1, j2 in _changes(before, now):
        added = "".join(now[j1:j2])
        diff += _swap(starts[i1], starts[i2] - starts[i1], added)
        lost, gained = lost + starts[i2] - starts[i1], gained + len(added)
    same = len(old) - lost + len(new) - gained
    return diff if same >= SIMILAR * (len(old) + len(new)) else None
