"""From the deep events of a transaction to the list of what it changed.

Indexes of `cell_deleted` and of `cell_moved.from_index` are those before the transaction, indexes
of `cell_created` and `cell_moved` those after it: taking the first away and then inserting the
second in ascending order turns the old list of ids into the new one. A cell that was deleted and
inserted again counts as moved, even in place (its content may then be another one), or as one whose
type changed.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pycrdt import Map

from jupyter_runt.document.cells import RUNT_TYPES, SHARED_TYPES, cell_type, item, runt_type
from jupyter_runt.events.document import (
    AttachmentsChanged,
    CellCreated,
    CellDeleted,
    CellMoved,
    CellTypeChanged,
    Change,
    ExecutionStateChanged,
    MetadataChanged,
    OutputsChanged,
    SourceChanged,
    StateChanged,
)
from jupyter_runt.ids import CellId

SharedEvent = Any
"""An ArrayEvent, MapEvent or TextEvent of pycrdt, whose fields its types do not tell."""

NO_ID = CellId("")
"""Stands for an item of `cells` that has no id."""


class _Placed(NamedTuple):
    at: int
    cell_id: CellId
    cell_type: str


@dataclass(slots=True)
class _CellEdits:
    """What happened inside one cell that stayed."""

    inserted: int = 0
    removed: int = 0
    source: bool = False
    outputs: bool = False
    execution: bool = False
    attachments: bool = False
    new_type: str | None = None
    keys: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Suspects:
    """What a transaction may have left as no peer may write it."""

    trusted: set[int] = field(default_factory=set)
    """Indexes of cells whose metadata says that their outputs may run scripts (EX9)."""
    created: list[int] = field(default_factory=list)
    """Indexes, ascending, of cells whose id may be that of another one."""
    malformed: bool = False
    """Whether an item of `cells` is not a cell that the front end can show."""

    def __bool__(self) -> bool:
        """Tell whether there is anything to look at."""
        return bool(self.trusted or self.created or self.malformed)


class ChangeDecoder:
    """Keeps the list of cells beside the document, and decodes what happens to it.

    `cells`, `meta` and `state` are called with the events of those roots while a transaction
    commits, `take` after it.
    """

    def __init__(self) -> None:
        self.cell_ids: list[CellId] = []
        self.suspects = Suspects()
        self._types: list[str] = []
        self._count: Counter[CellId] = Counter()
        self._reset()

    def _reset(self) -> None:
        self._deleted: list[_Placed] = []
        self._inserted: list[_Placed] = []
        self._renamed: list[tuple[int, CellId]] = []
        self._edits: defaultdict[int, _CellEdits] = defaultdict(_CellEdits)
        self._meta_keys: set[str] = set()
        self._state_keys: set[str] = set()
        self._found = Suspects()

    def count(self, cell_id: CellId) -> int:
        """Return how many cells have the id: more than one only until they are scrubbed."""
        return self._count[cell_id]

    def cells(self, events: Sequence[SharedEvent]) -> None:
        """Note the events of the root `cells`."""
        for event in events:
            if not event.path:
                self._list_changed(event.delta)
        # Paths are those after the transaction, so the list has to be up to date first.
        for event in events:
            if event.path:
                self._cell_changed(event)

    def meta(self, events: Sequence[SharedEvent]) -> None:
        """Note the events of the root `meta`."""
        for event in events:
            if event.path:
                self._meta_keys |= _touched(event, 1)
            else:
                for key, change in event.keys.items():
                    self._meta_keys |= _map_keys(change) if key == "metadata" else {key}

    def state(self, event: SharedEvent) -> None:
        """Note the event of the root `state`."""
        self._state_keys.update(event.keys)

    def take(self) -> tuple[Change, ...]:
        """Return the changes since the last call, and remember what to scrub."""
        changes: list[Change] = []
        if self._inserted or self._deleted or self._renamed:
            changes += self._structure()
        changes += self._contents()
        if self._meta_keys:
            changes.append(MetadataChanged(cell_id=None, keys=tuple(sorted(self._meta_keys))))
        if self._state_keys:
            changes.append(StateChanged(keys=tuple(sorted(self._state_keys))))
        self.suspects = self._found
        self._reset()
        return tuple(changes)

    def forget(self) -> None:
        """Drop the changes since the last call, and what there was to scrub."""
        self.suspects = Suspects()
        self._reset()

    # the list

    def _list_changed(self, delta: Iterable[dict[str, Any]]) -> None:
        before = after = 0
        for step in delta:
            if "retain" in step:
                before += step["retain"]
                after += step["retain"]
            elif "delete" in step:
                self._delete(before, after, step["delete"])
                before += step["delete"]
            else:
                self._insert(after, step["insert"])
                after += len(step["insert"])

    def _delete(self, before: int, after: int, length: int) -> None:
        until = after + length
        for offset, cell_id in enumerate(self.cell_ids[after:until]):
            self._deleted.append(_Placed(before + offset, cell_id, self._types[after + offset]))
            self._counted(cell_id, -1)
        del self.cell_ids[after:until]
        del self._types[after:until]

    def _insert(self, after: int, items: Sequence[Any]) -> None:
        placed = [self._examine(after + offset, item) for offset, item in enumerate(items)]
        self._inserted += placed
        self.cell_ids[after:after] = [cell.cell_id for cell in placed]
        self._types[after:after] = [cell.cell_type for cell in placed]
        for cell in placed:
            self._counted(cell.cell_id, 1)

    def _examine(self, index: int, cell: Any) -> _Placed:
        """Return a new item of `cells` as a cell, and note what is wrong with it."""
        if not isinstance(cell, Map):
            self._found.malformed = True
            return _Placed(index, NO_ID, "")
        cell_id, kind = _cell_id(item(cell, "id")), item(cell, "cell_type")
        if cell_id == NO_ID or kind not in SHARED_TYPES:
            self._found.malformed = True
            return _Placed(index, cell_id, "")
        metadata = item(cell, "metadata")
        keys = metadata.keys() if isinstance(metadata, Map) else ()
        for key in keys:
            if key == "trusted":
                self._found.trusted.add(index)
            elif key == "runt" and kind == "code":
                kind = runt_type(metadata) or kind
        return _Placed(index, cell_id, str(kind))

    def _counted(self, cell_id: CellId, change: int) -> None:
        self._count[cell_id] += change
        if not self._count[cell_id]:
            del self._count[cell_id]

    def _structure(self) -> Iterator[Change]:
        deleted = sorted([*self._deleted, *self._renamed_from()])
        gone: defaultdict[CellId, deque[_Placed]] = defaultdict(deque)
        for cell in deleted:
            gone[cell.cell_id].append(cell)
        placed: list[Change] = []
        inserted = sorted(self._inserted)
        # Only then is the same index the same place.
        in_place = [cell.at for cell in inserted] == [cell.at for cell in deleted]
        for cell in inserted:
            if before := gone.get(cell.cell_id):
                placed += _replaced(before.popleft(), cell, in_place=in_place)
            else:
                self._found.created.append(cell.at)
                placed.append(
                    CellCreated(cell_id=cell.cell_id, cell_type=cell.cell_type, index=cell.at)
                )
        for cell in deleted:
            if cell in gone[cell.cell_id]:
                yield CellDeleted(cell_id=cell.cell_id, index=cell.at)
        yield from placed

    def _renamed_from(self) -> list[_Placed]:
        """Return the cells that got another id in place, as they were."""
        inserted = sorted(cell.at for cell in self._inserted)
        deleted = sorted(cell.at for cell in self._deleted)
        renamed = []
        for index, old_id in self._renamed:
            before = index - sum(other < index for other in inserted)
            for other in deleted:
                before += other <= before
            renamed.append(_Placed(before, old_id, self._types[index]))
            self._inserted.append(_Placed(index, self.cell_ids[index], self._types[index]))
        return renamed

    # the cells

    def _cell_changed(self, event: SharedEvent) -> None:
        index, *path = event.path
        edits = self._edits[index]
        if not path:
            for key, change in event.keys.items():
                self._key_changed(index, key, change)
            if not event.keys.keys().isdisjoint(("cell_type", "metadata")):
                self._retype(index, cell_type(event.target))
        elif path[0] == "source":
            inserted, removed = text_delta(event)
            edits.source = True
            edits.inserted += inserted
            edits.removed += removed
        elif path[0] == "outputs":
            edits.outputs = True
        elif path[0] == "attachments":
            edits.attachments = True
        else:
            edits.keys |= _touched(event, 2)
            if path == ["metadata"]:
                self._metadata_changed(index, event)
            elif path == ["metadata", "runt"]:  # other clients may nest it
                self._retype_code(index, {"runt": event.target})

    def _key_changed(self, index: int, key: str, change: dict[str, Any]) -> None:
        edits = self._edits[index]
        match key:
            case "id":
                self._rename(index, _cell_id(change.get("newValue")))
            case "source":
                edits.source = True
                edits.inserted += len(str(change.get("newValue", "")).encode())
            case "outputs":
                edits.outputs = True
            case "execution_count" | "execution_state":
                edits.execution = True
            case "attachments":
                edits.attachments = True
            case "metadata":
                edits.keys |= _map_keys(change)
                if "trusted" in _map_keys(change):
                    self._found.trusted.add(index)
            case "cell_type":
                self._found.malformed |= change.get("newValue") not in SHARED_TYPES
            case _:
                edits.keys.add(key)  # nbformat knows no such key: a tool's own, as metadata is

    def _metadata_changed(self, index: int, event: SharedEvent) -> None:
        change = event.keys.get("trusted")
        if change is not None and change["action"] != "delete":
            self._found.trusted.add(index)
        if "runt" in event.keys:
            self._retype_code(index, event.target)

    def _retype_code(self, index: int, metadata: Any) -> None:
        if self._types[index] in RUNT_TYPES | {"code"}:
            self._retype(index, runt_type(metadata) or "code")

    def _retype(self, index: int, kind: str) -> None:
        if kind != self._types[index]:
            self._types[index] = kind
            self._edits[index].new_type = kind

    def _rename(self, index: int, cell_id: CellId) -> None:
        old_id = self.cell_ids[index]
        self._renamed.append((index, old_id))
        self._counted(old_id, -1)
        self._counted(cell_id, 1)
        self.cell_ids[index] = cell_id
        self._found.malformed |= cell_id == NO_ID

    def _contents(self) -> Iterator[Change]:
        for index in sorted(self._edits):
            cell_id, edits = self.cell_ids[index], self._edits[index]
            if edits.new_type is not None:
                yield CellTypeChanged(cell_id=cell_id, cell_type=edits.new_type)
            if edits.source:
                yield SourceChanged(cell_id=cell_id, inserted=edits.inserted, removed=edits.removed)
            if edits.outputs:
                yield OutputsChanged(cell_id=cell_id)
            if edits.execution:
                yield ExecutionStateChanged(cell_id=cell_id)
            if edits.attachments:
                yield AttachmentsChanged(cell_id=cell_id)
            if edits.keys:
                yield MetadataChanged(cell_id=cell_id, keys=tuple(sorted(edits.keys)))


def text_delta(event: SharedEvent) -> tuple[int, int]:
    """Return how many UTF-8 bytes a text event inserted and removed."""
    inserted = removed = 0
    for step in event.delta:
        if "delete" in step:
            removed += step["delete"]
        elif isinstance(text := step.get("insert"), str):
            inserted += len(text.encode())
    return inserted, removed


def _replaced(old: _Placed, new: _Placed, *, in_place: bool) -> Iterator[Change]:
    retyped = old.cell_type != new.cell_type
    if old.at != new.at or not retyped or not in_place:
        yield CellMoved(cell_id=new.cell_id, from_index=old.at, index=new.at)
    if retyped:
        yield CellTypeChanged(cell_id=new.cell_id, cell_type=new.cell_type)


def _cell_id(value: Any) -> CellId:
    return CellId(value) if isinstance(value, str) else NO_ID


def _touched(event: SharedEvent, depth: int) -> set[str]:
    """Return which keys of the map `depth` below the root the event is about."""
    if len(event.path) > depth:
        return {str(event.path[depth])}
    return set(getattr(event, "keys", ()))


def _map_keys(change: dict[str, Any]) -> set[str]:
    """Return the keys of the map that a change put into place."""
    value = change.get("newValue")
    return set(value.keys()) if isinstance(value, (Map, dict)) else set()
