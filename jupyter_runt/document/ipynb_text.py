"""The text of a notebook file, kept so that a save changes only what was edited (FB4)."""

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Self

from jupyter_runt.document.ai_cells import from_file
from jupyter_runt.document.cells import Cell, joined
from jupyter_runt.document.cuts import Cut, Cuts
from jupyter_runt.document.ipynb_disk import disk_cell, keep
from jupyter_runt.document.ipynb_layout import Layout, Style, scan
from jupyter_runt.document.ipynb_values import json_parts
from jupyter_runt.document.notebook import IDS_SINCE
from jupyter_runt.document.spill import FileText, Spill, Spilled
from jupyter_runt.document.whole import Load, complete
from jupyter_runt.ids import CellId

BOM: Final = "\ufeff"

LARGE: Final = 1 << 16
"""Characters of a cell's text that are not kept in memory."""


class _Piece(NamedTuple):
    """A cell's text, and the white space on both sides of it."""

    lead: str
    text: str | Spilled
    trail: str
    cuts: frozenset[int] = frozenset()
    """What is cut out of the text."""


class NotebookText:
    """The JSON text of a notebook: of each cell, and of what is around the cells.

    It starts as the file's own text. An update costs one cell, and touches the text only where it
    says something else than the cell does. What is new is written in the file's style, or as
    nbformat writes it. Not thread-safe.
    """

    def __init__(
        self,
        layout: Layout,
        cell_ids: Sequence[CellId],
        *,
        bom: bool = False,
        cuts: Cuts | None = None,
    ) -> None:
        self._style = layout.style
        self._members = layout.members
        self._head = BOM if bom else ""
        self._tail = layout.tail
        self._with_ids = _version(layout.value) >= IDS_SINCE
        self._empty = layout.close if not layout.cells else ""
        self._open, self._next, self._close = _gaps(layout)
        self._spill: Spill | None = None
        self._cuts = cuts or Cuts()
        self._pieces = {
            cell_id: self._kept(*item) for cell_id, item in zip(cell_ids, layout.cells, strict=True)
        }
        self._order = list(cell_ids)
        self._invented = {
            cell_id
            for cell_id, cell in zip(cell_ids, layout.value["cells"], strict=True)
            if cell.get("id") != cell_id
        }
        self._original: bytes | None = None

    @property
    def cell_ids(self) -> Sequence[CellId]:
        """The cells that have a text, from the top."""
        return self._order

    @property
    def has_nameless(self) -> bool:
        """Whether there are cells that the file gives no id of their own."""
        return bool(self._invented)

    @classmethod
    def fresh(cls, notebook: Mapping[str, Any], *, converted: bytes | None = None) -> Self:
        """Return the text of a notebook that is in no file of this format; its cells have ids.

        Args:
            converted: the file that it was converted from, which holds until something is edited.
        """
        with_id = _version(notebook) >= IDS_SINCE
        disk = {
            **notebook,
            "cells": [disk_cell(cell, {}, with_id=with_id) for cell in notebook["cells"]],
        }
        text = Style().dump(keep({}, disk), 0) + "\n"
        fresh = cls(scan(text), [CellId(cell["id"]) for cell in notebook["cells"]])
        if converted is not None:
            fresh._original = converted
            fresh._invented = set(fresh._order)
        return fresh

    def adopt(self, cells: Iterable[tuple[CellId, str]]) -> None:
        """Pair the file's cells with those of a document that was open before.

        A file before nbformat 4.5 has no ids: its cells got new ones when it was read. They take
        those of the document's cells (id, source) with the same source, in order.
        """
        if not self._invented:
            return
        free: defaultdict[str, deque[CellId]] = defaultdict(deque)
        for cell_id in self._order:
            if cell_id in self._invented:
                piece = json.loads(self._text_of(self._pieces[cell_id]))
                source = joined(piece.get("source", ""))
                free[from_file({**piece, "source": source})["source"]].append(cell_id)
        names = {
            free[source].popleft(): cell_id
            for cell_id, source in cells
            if cell_id not in self._pieces and free[source]
        }
        self._pieces = {
            names.get(key, key): self._named(piece, key, names)
            for key, piece in self._pieces.items()
        }
        self._invented = {names.get(cell_id, cell_id) for cell_id in self._invented}
        self._order = [names.get(cell_id, cell_id) for cell_id in self._order]

    def _named(self, piece: _Piece, was: CellId, names: Mapping[CellId, CellId]) -> _Piece:
        """Return a piece under its new name, if its text has the old one: it was converted."""
        cell = json.loads(self._text_of(piece))
        if was not in names or cell.get("id") != was:
            return piece
        text = self._style.dump({**cell, "id": names[was]}, 2)
        return self._kept(piece.lead, text, piece.trail)

    def update_cell(self, cell_id: CellId, cell: Cell, load: Load | None = None) -> bool:
        """Have the text say what a cell does; return whether it changed.

        A cell that has no id of its own in the file gets one when something else changes.

        Args:
            load: yields the bytes of artifacts.
        """
        piece = self._pieces.get(cell_id, _Piece(self._next, "{}", ""))
        old = json.loads(self._text_of(piece))
        if piece.cuts and "outputs" in old:
            old = {**old, "outputs": self._cuts.restored(old["outputs"])}
        if load is not None:
            cell = complete(cell, old, load, self._cut_out)
        if cell_id in self._invented:
            unnamed = {key: value for key, value in cell.items() if key != "id"}
            unnamed.update({"id": old["id"]} if "id" in old else {})
            if disk_cell(unnamed, old, with_id=False) is old:
                return False
        new = disk_cell(cell, old, with_id=self._with_ids)
        if new is old:
            return False
        text = self._style.dump(new, 2)
        self._pieces[cell_id] = self._kept(piece.lead, text, piece.trail)
        self._original = None
        return True

    def set_order(self, cell_ids: Iterable[CellId]) -> list[CellId]:
        """Say which cells there are, from the top; return those that have no text yet.

        Cells without text stay out of the file; the text of other cells goes.
        """
        wanted = list(cell_ids)
        if wanted != self._order:
            self._original = None
        self._order = [cell_id for cell_id in wanted if cell_id in self._pieces]
        self._pieces = {cell_id: self._pieces[cell_id] for cell_id in self._order}
        return [cell_id for cell_id in wanted if cell_id not in self._pieces]

    def set_metadata(self, metadata: Mapping[str, Any]) -> bool:
        """Have the text say what the notebook's metadata does; return whether it changed."""
        head, text = self._members.get("metadata", ("", "{}"))
        old = json.loads(text)
        new = keep(old, dict(metadata))
        if new is old:
            return False
        head = (
            head or f',{self._style.line(1) or self._style.comma[1:]}"metadata"{self._style.colon}'
        )
        self._members = {**self._members, "metadata": (head, self._style.dump(new, 1))}
        self._original = None
        return True

    def render(self) -> FileText:
        """Return the content of the file, which is good until the next update of the text."""
        if self._original is not None:
            return self._original
        self._tidy()
        parts: list[str | _Piece] = [self._head]
        for key, (head, text) in self._members.items():
            parts.append(head)
            parts += self._cells() if key == "cells" else (text,)
        parts.append(self._tail)
        if self._spill is not None or self._cuts:
            return partial(self._parts, parts)
        return "".join(p if isinstance(p, str) else str(p.text) for p in parts).encode()

    def _cells(self) -> list[str | _Piece]:
        if not self._order:
            return ["[", self._empty, "]"]
        parts: list[str | _Piece] = ["[", self._open]
        for index, cell_id in enumerate(self._order):
            piece = self._pieces[cell_id]
            parts += (",", piece.lead, piece, piece.trail) if index else (piece, piece.trail)
        return [*parts, self._close, "]"]

    def _parts(self, parts: Iterable[str | _Piece]) -> Iterator[bytes]:
        for part in parts:
            if isinstance(part, str):
                yield part.encode()
            elif isinstance(part.text, Spilled) and self._spill is not None and not part.cuts:
                yield from self._spill.blocks(part.text)
            else:
                yield from self._cuts.parts(self._text_of(part))

    def _kept(self, lead: str, text: str, trail: str) -> _Piece:
        """Return a piece, whose text takes no memory if it is large."""
        cuts = frozenset(self._cuts.marked(text)) if self._cuts else frozenset[int]()
        if len(text) < LARGE:
            return _Piece(lead, text, trail, cuts)
        try:
            self._spill = self._spill or Spill()
            return _Piece(lead, self._spill.put(text), trail, cuts)
        except OSError:  # a full disk
            return _Piece(lead, text, trail, cuts)

    def _text_of(self, piece: _Piece) -> str:
        if isinstance(piece.text, str) or self._spill is None:
            return str(piece.text)
        return self._spill.text(piece.text)

    def _cut_out(self, mime: str, blocks: Iterable[bytes], stream: bool) -> Cut | None:
        try:
            return self._cuts.put(json_parts(mime, blocks, self._style, stream=stream))
        except OSError:  # a full disk
            return None

    def _tidy(self) -> None:
        """Spill anew, where most of what is in the file is of texts that went."""
        self._cuts.tidy({cut for piece in self._pieces.values() for cut in piece.cuts}, slack=LARGE)
        texts = (piece.text for piece in self._pieces.values())
        used = sum(text.length for text in texts if isinstance(text, Spilled))
        if self._spill is None or self._spill.size <= 2 * used + LARGE:
            return
        pieces, spill = self._pieces, self._spill
        self._spill, self._pieces = None, {}
        for cell_id, (lead, text, trail, _) in pieces.items():
            there = text if isinstance(text, str) else spill.text(text)
            self._pieces[cell_id] = self._kept(lead, there, trail)


def _version(notebook: Mapping[str, Any]) -> tuple[int, int]:
    return int(notebook["nbformat"]), int(notebook["nbformat_minor"])


def _gaps(layout: Layout) -> tuple[str, str, str]:
    """Return the white space before the first cell, before a new one, and after the last.

    The first cell gets a lead of its own as well: it may be moved down.
    """
    style, cells = layout.style, layout.cells
    following = style.line(2) or style.comma[1:]
    if not cells:
        return style.line(2), following, style.line(1)
    following = cells[1].lead if len(cells) > 1 else following
    first, cells[0] = cells[0].lead, cells[0]._replace(lead=following)
    return first, following, layout.close
