"""What another program changed in a file, brought into the open document (FB2).

Three versions meet: the base, which is the file as we last knew it; theirs, which is the file as
it is now; and ours, which is the document. Where both changed the same thing, ours stays.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jupyter_runt.document.cells import Cell, Output, joined, sound_cell
from jupyter_runt.document.lines import TextMerge
from jupyter_runt.document.match import Key, cell_key, match_cells, match_equal, out_of_order
from jupyter_runt.document.notebook import IDS_SINCE, NotebookDoc
from jupyter_runt.document.rewrite import rewrite_cell, rewrite_metadata, rewrite_minor
from jupyter_runt.document.text import TextDoc
from jupyter_runt.document.values import to_shared
from jupyter_runt.ids import CellId, new_id

_MISSING: Final = object()
_NOT_IN_BASE: Final[Cell] = {"source": "", "metadata": {}, "outputs": [], "execution_count": None}
"""What a cell was before it was made on both sides."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What both sides changed in a cell: ours is in the document, theirs only here."""

    cell_id: CellId | None
    """None in a text file."""
    source: str
    """The whole text of the cell, or of the file, as theirs has it."""


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What a merge did not bring into the document."""

    overlaps: tuple[Overlap, ...] = ()


def merge_text(base: str, theirs: str) -> Callable[[TextDoc], MergeReport]:
    """Return the edit that brings into a text file what changed from `base` to `theirs`.

    Takes time, so call it in a thread; the edit is one for `transact`.
    """
    merge = TextMerge(base, to_shared(theirs))

    def edit(doc: TextDoc) -> MergeReport:
        text, overlaps = merge.into(doc.content())
        doc.replace(text)
        return MergeReport((Overlap(None, theirs),) if overlaps else ())

    return edit


def merge_notebook(
    base: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Callable[[NotebookDoc], MergeReport]:
    """Return the edit that brings into a notebook what changed from `base` to `theirs`.

    Cells match by id, else by type and source; where a version has no ids, then by similarity. A
    matched cell keeps the id that it has in the document. Text decides what becomes of a cell that
    one side deleted: if the other one edited it, it stays or comes back. Outputs and execution
    count are one thing: theirs come in unless the cell ran here since.

    Takes time, so call it in a thread; the edit is one for `transact`.

    Args:
        base: the notebook in memory, as nbformat 4 has it; every cell has an id.
        theirs: the same, but cells may lack ids.
    """
    return _NotebookMerge(base, theirs).apply


class _NotebookMerge:
    def __init__(self, base: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
        self._meta = (_meta(base), _meta(theirs))
        self._base = {cell["id"]: cell for cell in _normal_cells(base["cells"])}
        # A notebook without cells is shown with an empty one.
        self._theirs = _normal_cells(theirs["cells"] or [_blank_cell()])
        self._matching = match_cells(
            list(self._base.values()),
            self._theirs,
            anonymous=min(_version(base), _version(theirs)) < IDS_SINCE,
        )
        self._changed = {
            index
            for index, cell_id in self._matching.same.items()
            if _content(self._base[cell_id]) != _content(self._theirs[index])
        }
        self._texts = {
            (index, cell_id): self._text_merge(index, cell_id)
            for index, cell_id in [
                *((index, self._matching.same[index]) for index in self._changed),
                *self._matching.similar.items(),
            ]
        }

    def apply(self, doc: NotebookDoc) -> MergeReport:
        """Bring their changes into the document."""
        names = self._names(doc)
        self._delete(doc, names)
        inserted = self._place(doc, names)
        overlaps = self._rewrite(doc, names, inserted)
        self._merge_meta(doc)
        if not doc.cell_ids:
            doc.insert_cell(_blank_cell(), None)
        return MergeReport(tuple(overlaps))

    # which cells

    def _names(self, doc: NotebookDoc) -> list[CellId]:
        """Return the id, for each of their cells, that it has here or had or will have."""
        names = dict(self._matching.same)
        new = [index for index in range(len(self._theirs)) if index not in names]
        if new:
            here = set(doc.cell_ids)
            names |= {i: self._theirs[i]["id"] for i in new if self._theirs[i]["id"] in here}
            self._name_equal(doc, names, [i for i in new if i not in names])
            taken = set(names.values())
            for index, cell_id in self._matching.similar.items():
                if index not in names and cell_id not in taken:
                    names[index] = cell_id
        return [names.get(i, self._theirs[i]["id"]) for i in range(len(self._theirs))]

    def _name_equal(self, doc: NotebookDoc, names: dict[int, CellId], new: Sequence[int]) -> None:
        """Find, for their new cells, those that were made or edited here to say the same."""
        taken = set(names.values())
        free = [cell_id for cell_id in doc.cell_ids if cell_id not in taken] if new else []
        ours: list[Key] = [(doc.cell_type(cell_id), doc.source(cell_id)) for cell_id in free]
        theirs = [cell_key(self._theirs[index]) for index in new]
        for i, j in match_equal(ours, theirs):
            names[new[j]] = free[i]

    def _delete(self, doc: NotebookDoc, names: Sequence[CellId]) -> None:
        """Delete what they deleted, unless it was edited here."""
        named = set(names)
        gone = [cell_id for cell_id in self._base if cell_id not in named]
        doc.delete_cells(
            [
                cell_id
                for cell_id in gone
                if doc.has_cell(cell_id)
                and _text(_our_cell(doc, cell_id)) == _text(self._base[cell_id])
            ]
        )

    # where

    def _place(self, doc: NotebookDoc, names: Sequence[CellId]) -> set[CellId]:
        """Insert and move cells so that each is after the one it is after there.

        Returns:
            The cells that were inserted.
        """
        moved = self._moved(doc, names)
        here = set(doc.cell_ids)
        inserted: set[CellId] = set()
        after: CellId | None = None
        for cell_id, cell in zip(names, self._theirs, strict=True):
            if cell_id not in here:
                base = self._base.get(cell_id)
                if base is not None and _text(base) == _text(cell):
                    continue  # deleted here
                doc.insert_cell({**cell, "id": cell_id}, after)
                inserted.add(cell_id)
            elif cell_id in moved:
                doc.move_cell(cell_id, after)
            after = cell_id
        return inserted

    def _moved(self, doc: NotebookDoc, names: Iterable[CellId]) -> set[CellId]:
        """Return the cells that were moved there and not here."""
        order = {cell_id: index for index, cell_id in enumerate(self._base)}
        there = out_of_order(names, order)
        return there and there - out_of_order(doc.cell_ids, order)

    # what

    def _rewrite(
        self, doc: NotebookDoc, names: Sequence[CellId], inserted: set[CellId]
    ) -> list[Overlap]:
        overlaps: list[Overlap] = []
        for index, cell_id in enumerate(names):
            unchanged = self._matching.same.get(index) == cell_id and index not in self._changed
            if unchanged or cell_id in inserted or not doc.has_cell(cell_id):
                continue
            ours, theirs = _our_cell(doc, cell_id), self._theirs[index]
            text = self._texts.get((index, cell_id)) or self._text_merge(index, cell_id)
            source, overlap = text.into(ours["source"])
            base = self._base.get(cell_id, _NOT_IN_BASE)
            merged = _merge_cell(base, ours, theirs)
            rewrite_cell(doc, cell_id, ours, {**merged, "source": source})
            if overlap or _loses(base, theirs, merged):
                overlaps.append(Overlap(cell_id, theirs["source"]))
        return overlaps

    def _text_merge(self, index: int, cell_id: CellId) -> TextMerge:
        base = self._base.get(cell_id, _NOT_IN_BASE)
        return TextMerge(base["source"], self._theirs[index]["source"])

    def _merge_meta(self, doc: NotebookDoc) -> None:
        (base, base_minor), (theirs, minor) = self._meta
        if base != theirs:
            rewrite_metadata(doc, _pick_keys(base, doc.notebook_metadata(), theirs))
        rewrite_minor(doc, _pick(base_minor, doc.nbformat()[1], minor))


def _merge_cell(base: Cell, ours: Cell, theirs: Cell) -> dict[str, Any]:
    """Merge all of a cell but its source."""
    merged = _pick_keys(_rest(base), _rest(ours), _rest(theirs))
    merged["metadata"] = _pick_keys(base["metadata"], ours["metadata"], theirs["metadata"])
    attachments = [cell.get("attachments", {}) for cell in (base, ours, theirs)]
    if "attachments" in merged and all(isinstance(files, dict) for files in attachments):
        merged["attachments"] = _pick_keys(*attachments)
    if merged["cell_type"] == "code":
        outputs, count = _pick(_run(base), _run(ours), _run(theirs))
        merged |= {"outputs": outputs or [], "execution_count": count}
    return merged


def _loses(base: Cell, theirs: Cell, merged: Cell) -> bool:
    """Tell whether their type of the cell, or an attachment of theirs, is not in the document."""
    if base.get("cell_type") != theirs["cell_type"] != merged["cell_type"]:
        return True
    files, old, new = (cell.get("attachments") or {} for cell in (merged, base, theirs))
    return any(old.get(name) != new[name] != files.get(name) for name in new)


def _our_cell(doc: NotebookDoc, cell_id: CellId) -> dict[str, Any]:
    """Return a cell as nbformat has it, whatever a peer has done to its source and metadata."""
    cell = doc.cell(cell_id)
    return {**cell, "source": str(cell.get("source", "")), "metadata": cell.get("metadata") or {}}


def _rest(cell: Cell) -> dict[str, Any]:
    apart = ("id", "source", "metadata", "outputs", "execution_count")
    return {key: value for key, value in cell.items() if key not in apart}


def _run(cell: Cell) -> tuple[Any, Any]:
    return cell.get("outputs"), cell.get("execution_count")


def _pick(base: Any, ours: Any, theirs: Any) -> Any:
    return theirs if ours == base else ours


def _pick_keys(
    base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> dict[str, Any]:
    picked = {
        key: _pick(base.get(key, _MISSING), ours.get(key, _MISSING), theirs.get(key, _MISSING))
        for key in {**ours, **theirs}
    }
    return {key: value for key, value in picked.items() if value is not _MISSING}


def _text(cell: Cell) -> tuple[Any, ...]:
    """Return what somebody wrote into a cell, and not what came of running or of showing it."""
    return cell["cell_type"], cell["source"], cell.get("attachments")


def _content(cell: Cell) -> dict[str, Any]:
    return {key: value for key, value in cell.items() if key != "id"}


# versions of notebooks, made comparable


def _version(notebook: Mapping[str, Any]) -> tuple[int, int]:
    return int(notebook["nbformat"]), int(notebook["nbformat_minor"])


def _meta(notebook: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    return to_shared(dict(notebook["metadata"])), _version(notebook)[1]


def _blank_cell() -> dict[str, Any]:
    return {"id": new_id(), "cell_type": "code", "source": "", "metadata": {}}


def _normal_cells(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """Return cells as a document has them, each with an id of its own."""
    normal = []
    seen: set[str] = set()
    for cell in cells:
        cell_id = cell.get("id")
        if not cell_id or cell_id in seen:
            cell_id = new_id()
        seen.add(cell_id)
        normal.append({**_normal_cell(cell), "id": cell_id})
    return normal


def _normal_cell(cell: Cell) -> dict[str, Any]:
    """Return a cell as a document gives it back, without what no file may say."""
    normal: dict[str, Any] = to_shared(dict(cell))
    if isinstance(normal.get("source"), list):
        normal["source"] = joined(normal["source"])
    normal = sound_cell(normal)
    normal["metadata"] = {k: v for k, v in normal["metadata"].items() if k != "trusted"}
    normal.pop("execution_state", None)
    if not normal.get("attachments", True):
        del normal["attachments"]
    if normal["cell_type"] == "code":
        normal["outputs"] = [_normal_output(output) for output in normal["outputs"]]
    else:
        normal.pop("outputs", None)
    return normal


def _normal_output(output: Output) -> Output:
    if output.get("output_type") != "stream":
        return output
    return {**output, "text": joined(output.get("text", ""))}
