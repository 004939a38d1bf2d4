"""A cell as it stands in a file: texts as lists of lines, in the spelling that it had before."""

from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any, Final

from jupyter_runt.document.ai_cells import to_file
from jupyter_runt.document.cells import Cell, joined
from jupyter_runt.document.cuts import Cut
from jupyter_runt.document.values import to_shared

_LINED_MIME_TYPES: Final = frozenset({"application/javascript", "image/svg+xml"})
_DEFAULTS: Final[tuple[Any, ...]] = (None, "", [], {})

Keep = Callable[[str, Any, Any], Any]
"""Takes a key, what the file has there, and what it shall say."""


def is_json_mime(mime: str) -> bool:
    """Tell whether data of a MIME type is JSON, in which a list is a list and not lines."""
    return mime == "application/json" or (
        mime.startswith("application/") and mime.endswith("+json")
    )


def is_lined(mime: str) -> bool:
    """Tell whether a text of a MIME type is a list of lines in a file."""
    return mime.startswith("text/") or mime in _LINED_MIME_TYPES


def disk_cell(cell: Cell, old: dict[str, Any], *, with_id: bool) -> dict[str, Any]:
    """Return a cell of a document as the file shall have it: `old` itself if that says the same.

    What equals its counterpart in `old` keeps its spelling: the order of keys, a text as one string
    or as lines, 1.0 for 1, integers that no browser can hold.

    Args:
        cell: as nbformat has it in memory.
        old: as it stands in the file; empty for a new cell.
        with_id: whether the file's version of nbformat has cell ids.
    """
    cell = to_file(cell)
    wanted = {
        key: value
        for key, value in cell.items()
        if key != "execution_state" and (key != "id" or with_id or "id" in old)
    }
    metadata = {k: v for k, v in cell.get("metadata", {}).items() if k != "trusted"}
    wanted["metadata"] = metadata | _trusted(old.get("metadata"))
    needed = _without_defaults(wanted, old, "cell_type")
    return _keep_map(old, _left_alone(old, wanted) | needed, _keep_member)


def _left_alone(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the file has and the document does not take in, so that nobody can edit it."""
    kind = new.get("cell_type")
    odd = {"outputs"} if kind != "code" and kind == old.get("cell_type") else set()
    return {k: v for k, v in old.items() if k in odd or (k == "attachments" and v == {})}


def _trusted(metadata: Any) -> dict[str, Any]:
    """Return what a file says of trust: not for us to write, and not to remove either."""
    says = isinstance(metadata, dict) and "trusted" in metadata
    return {"trusted": metadata["trusted"]} if says else {}


def _without_defaults(wanted: Mapping[str, Any], old: Any, kind: str) -> dict[str, Any]:
    """Return what is new without what is empty: reading filled in what the file left out.

    Args:
        kind: the key that says of what type it is: another type has to have other things.
    """
    if not isinstance(old, dict) or old.get(kind) != wanted.get(kind):
        return dict(wanted)
    return {k: v for k, v in wanted.items() if k in old or v not in _DEFAULTS}


def keep(old: Any, new: Any) -> Any:
    """Return JSON that says what `new` does, spelled as `old` where that says the same."""
    if isinstance(old, Cut):
        return _keep_cut(old, new, keep)
    if isinstance(new, dict):
        return _keep_map(old, new, lambda _, was, value: keep(was, value))
    if isinstance(new, list):
        return _keep_list(old, new, keep)
    return old if _same(old, new) else new


def _keep_cut(old: Cut, new: Any, keep_item: Callable[[Any, Any], Any]) -> Any:
    """Return what was cut out of the file if that says what `new` does; takes time."""
    if isinstance(new, Cut):
        return new
    there = old.raw()
    kept = keep_item(there, new)
    return old if kept is there else kept


def _keep_map(old: Any, new: Mapping[str, Any], keep_item: Keep) -> dict[str, Any]:
    before: dict[str, Any] = old if isinstance(old, dict) else {}
    kept = {key: keep_item(key, before.get(key), value) for key, value in new.items()}
    if kept.keys() == before.keys() and all(kept[key] is before[key] for key in kept):
        return before
    order = sorted(kept)
    if list(before) != sorted(before):
        order = [*(key for key in before if key in kept), *(k for k in order if k not in before)]
    return {key: kept[key] for key in order}


def _keep_list(old: Any, new: list[Any], keep_item: Callable[[Any, Any], Any]) -> list[Any]:
    before: list[Any] = old if isinstance(old, list) else []
    kept = [keep_item(was, value) for was, value in zip_longest(before[: len(new)], new)]
    unchanged = len(kept) == len(before) and all(a is b for a, b in zip(kept, before, strict=True))
    return before if unchanged else kept


def _keep_member(key: str, old: Any, new: Any) -> Any:
    match key, new:
        case "source", str():
            return _keep_text(old, new)
        case "outputs", list():
            return _keep_list(old, new, _keep_output)
        case "attachments", dict():
            return _keep_map(old, new, lambda _, was, data: _keep_bundle(was, data))
        case _:
            return keep(old, new)


def _keep_output(old: Any, new: Any) -> Any:
    if new is old:
        return old
    if not isinstance(new, dict):
        return keep(old, new)
    kind = new.get("output_type")

    def keep_item(key: str, was: Any, value: Any) -> Any:
        if key == "data" and kind in ("display_data", "execute_result"):
            return _keep_bundle(was, value)
        if key == "text" and kind == "stream" and isinstance(value, str):
            return _keep_text(was, value)
        return keep(was, value)

    return _keep_map(old, _without_defaults(new, old, "output_type"), keep_item)


def _keep_bundle(old: Any, new: Any) -> Any:
    return _keep_map(old, new, _keep_data) if isinstance(new, dict) else keep(old, new)


def _keep_data(mime: str, old: Any, new: Any) -> Any:
    if isinstance(old, Cut):
        return _keep_cut(old, new, lambda there, value: _keep_data(mime, there, value))
    if not isinstance(new, str) or is_json_mime(mime):
        return keep(old, new)
    kept = _keep_text(old, new)
    return kept if is_lined(mime) or kept is old else new


def _keep_text(old: Any, new: str) -> Any:
    if isinstance(old, Cut):
        return _keep_cut(old, new, _keep_text)
    if isinstance(old, str) or (
        isinstance(old, list) and all(isinstance(line, str) for line in old)
    ):
        if to_shared(joined(old)) == to_shared(new):
            return old
        if isinstance(old, str):
            return new
    return new.splitlines(keepends=True)


def _same(old: Any, new: Any) -> bool:
    """Tell whether a value of the file is `new` to a browser."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    if isinstance(old, (dict, list)):
        return False
    return bool(old == new or to_shared(old) == new)
