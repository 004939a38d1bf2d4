"""A log's events as people think of them: bursts of edits, runs, changes of the file. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Literal

from jupyter_runt.events.base import Event
from jupyter_runt.events.document import (
    CellCreated,
    CellDeleted,
    CellMoved,
    Change,
    DocumentUpdated,
    ExecutionStateChanged,
    KeptReason,
    MetadataChanged,
    OutputsChanged,
    StateChanged,
    TextChanged,
    VersionKept,
)
from jupyter_runt.events.execution import ExecutionCompleted, ExecutionRequested, ExecutionStarted
from jupyter_runt.ids import FILE_ACTOR, ActorId, CellId, ExecutionId, Seq

GAP: Final = 60.0
"""Seconds without an edit that end a burst of edits."""

SLICE: Final = 600.0
"""Seconds: the clock cuts a burst that goes on and on, at the same moments whoever asks."""

Kind = Literal["edits", "run", "file", "command", "turn", "restore", "fork", "kept"]

_CAUSES: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "execution": "run",
        "command": "command",
        "undo": "command",
        "turn": "turn",
        "restore": "restore",
        "fork": "fork",
    }
)
_PREFIXES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "file": "changed in the file: ",
        "turn": "changed by AI: ",
        "fork": "merged: ",
    }
)
_KEPT: Final[Mapping[KeptReason, str]] = MappingProxyType(
    {
        "foreign_history": "Kept what a tab held",
        "merge_overlap": "Kept the file's version",
        "unsent_edits": "Kept edits that did not fit",
    }
)
_INVISIBLE: Final = (StateChanged, ExecutionStateChanged)
_VERBS: Final[Mapping[type, str]] = MappingProxyType(
    {
        CellCreated: "added",
        CellDeleted: "deleted",
        CellMoved: "moved",
        OutputsChanged: "changed outputs of",
    }
)


@dataclass(frozen=True, slots=True)
class Version:
    """A moment worth going back to, and what was done since the one before it."""

    seq: Seq
    """The notebook at this moment is the version."""
    first_seq: Seq
    """Of the first event that belongs to it. Between may lie others: people type while it runs."""
    recorded_at: str
    authors: tuple[ActorId, ...]
    kind: Kind
    cells: tuple[CellId, ...]
    """Those that it touched."""
    cell_authors: Mapping[CellId, tuple[ActorId, ...]]
    """Who touched each of them."""
    summary: str
    """A phrase for people."""
    kept: VersionKept | None = None
    """What was kept there, where that is the version and not the document at that moment."""

    def to_json(self) -> dict[str, Any]:
        """Return CONTRACT's JSON."""
        kept = self.kept and {"reason": self.kept.reason, "message": self.kept.message}
        return {
            "seq": self.seq,
            "first_seq": self.first_seq,
            "recorded_at": self.recorded_at,
            "authors": list(self.authors),
            "kind": self.kind,
            "cells": list(self.cells),
            "cell_authors": {cell: list(them) for cell, them in self.cell_authors.items()},
            "summary": self.summary,
            **(kept or {}),
        }

    @property
    def timestamp(self) -> float:
        """Seconds since 1970."""
        return datetime.fromisoformat(self.recorded_at).timestamp()


@dataclass(slots=True)
class _Stretch:
    """Events of one author in a row, newest first."""

    kind: Kind
    author: ActorId
    seq: Seq
    first_seq: Seq
    recorded_at: str
    newest: float
    oldest: float
    changes: list[Change] = field(default_factory=list)


@dataclass(slots=True)
class _Run:
    """An execution; what it did may lie between edits that are not its own."""

    execution_id: ExecutionId
    seq: Seq
    first_seq: Seq
    recorded_at: str
    authors: tuple[ActorId, ...]
    status: str = "running"
    cell_id: CellId | None = None
    started: bool = False
    touched: dict[CellId, None] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether who asked for it, and since when it goes, is known."""
        return self.cell_id is not None and self.started


class Grouper:
    """Takes a log's events, newest first, and tells the versions that they make.

    A run is one version, at the moment of its end; what it did before that is no version of its
    own. So a log can be cut before any version and each part be grouped by itself.

    Args:
        running: events of a run whose end was not seen are of one that goes on: it is shown at its
            last effect. False where newer events exist, as the end is then among them.
    """

    def __init__(self, *, running: bool) -> None:
        self._running = running
        self._done: list[_Run | list[_Stretch] | Version] = []
        self._burst: list[_Stretch] = []
        self._key: tuple[str, object] | None = None
        self._runs: dict[ExecutionId, _Run] = {}

    @property
    def settled(self) -> int:
        """How many versions older events can not become part of; runs may still learn more."""
        return len(self._done)

    @property
    def open_seq(self) -> Seq | None:
        """Where the version begins, seen from now, that older events may still belong to."""
        return self._burst[0].seq if self._burst else None

    def add(self, event: Event) -> None:
        """Take the next older event."""
        payload = event.payload
        if isinstance(payload, DocumentUpdated):
            self._document_updated(event, payload)
        elif isinstance(payload, ExecutionCompleted):
            self._run_of(payload.execution_id, event).status = payload.status
        elif isinstance(payload, VersionKept):
            self.close()
            self._done.append(_kept(event, payload))
        else:
            self.learn(event)

    def learn(self, event: Event) -> None:
        """Take from an older event only what it tells of runs that are known already."""
        payload = event.payload
        if not isinstance(payload, ExecutionRequested | ExecutionStarted):
            return
        run = self._runs.get(payload.execution_id)
        if run is None:
            return
        if isinstance(payload, ExecutionRequested):
            run.authors, run.cell_id = (payload.requested_by,), payload.cell_id
        else:
            run.started, run.first_seq = True, min(run.first_seq, event.seq)

    def unknown_runs(self) -> bool:
        """Tell whether older events could say more of a run."""
        return not all(run.known for run in self._runs.values())

    def close(self) -> None:
        """Count what is open as settled: no older event belongs to it."""
        for stretches in _apart(self._burst):
            self._done.append(stretches)
        self._burst, self._key = [], None

    def versions(self) -> list[Version]:
        """Return the settled versions, newest first."""
        return [_version(done) for done in self._done]

    def _document_updated(self, event: Event, payload: DocumentUpdated) -> None:
        changes: list[Change] = [
            each for each in payload.changes if not isinstance(each, _INVISIBLE)
        ]
        prefix, _, name = (event.caused_by or "").partition(":")
        kind = _CAUSES.get(prefix, "file" if event.actor == FILE_ACTOR else "edits")
        if kind == "run":
            self._run_changed(ExecutionId(name), event, changes)
        elif changes:
            key = event.seq if kind == "file" else None if kind == "edits" else event.caused_by
            self._edited((kind, key), kind, event, changes)

    def _run_changed(self, execution_id: ExecutionId, event: Event, changes: list[Change]) -> None:
        if execution_id in self._runs or (self._running and changes):
            run = self._run_of(execution_id, event)
            run.touched |= dict.fromkeys(_cells(changes))
            run.first_seq = event.seq

    def _run_of(self, execution_id: ExecutionId, event: Event) -> _Run:
        run = self._runs.get(execution_id)
        if run is None:
            self.close()
            run = _Run(execution_id, event.seq, event.seq, event.recorded_at, (event.actor,))
            self._runs[execution_id] = run
            self._done.append(run)
        return run

    def _edited(
        self, key: tuple[str, object], kind: Kind, event: Event, changes: list[Change]
    ) -> None:
        at = datetime.fromisoformat(event.recorded_at).timestamp()
        if self._burst and (key != self._key or _parted(at, self._burst[-1].oldest)):
            self.close()
        self._key = key
        if not self._burst or self._burst[-1].author != event.actor:
            self._burst.append(
                _Stretch(kind, event.actor, event.seq, event.seq, event.recorded_at, at, at)
            )
        stretch = self._burst[-1]
        stretch.first_seq, stretch.oldest = event.seq, at
        stretch.changes += reversed(changes)


def _parted(older: float, newer: float) -> bool:
    return newer - older > GAP or older // SLICE != newer // SLICE


def _apart(burst: list[_Stretch]) -> Iterator[list[_Stretch]]:
    """Cut a burst where one author ends and another goes on; not where they write together."""
    goes_on: dict[int, int] = {}
    """By stretch, the next older one of an author who had not paused between."""
    latest: dict[ActorId, int] = {}
    for index, stretch in enumerate(burst):
        later = latest.get(stretch.author)
        if later is not None and burst[later].oldest - stretch.newest <= GAP:
            goes_on[later] = index
        latest[stretch.author] = index
    together: list[_Stretch] = []
    until = 0
    for index, stretch in enumerate(burst):
        if index > until:
            yield together
            together = []
        together.append(stretch)
        until = max(until, goes_on.get(index, index))
    if together:
        yield together


def _version(done: _Run | list[_Stretch] | Version) -> Version:
    if isinstance(done, _Run):
        return _told(done)
    return done if isinstance(done, Version) else _merged(done)


def _kept(event: Event, payload: VersionKept) -> Version:
    return Version(
        seq=event.seq,
        first_seq=event.seq,
        recorded_at=event.recorded_at,
        authors=(event.actor,),
        kind="kept",
        cells=(),
        cell_authors={},
        summary=_KEPT[payload.reason],
        kept=payload,
    )


def _merged(stretches: list[_Stretch]) -> Version:
    newest, changes = stretches[0], [each for one in stretches for each in one.changes]
    summary = _PREFIXES.get(newest.kind, "") + _phrase(changes)
    if newest.kind == "restore":
        summary = "restored an earlier version"  # what led there and back again is in its changes
    elif newest.kind == "file" and stretches[-1].first_seq == 1:
        summary = "opened from the file"
    return Version(
        seq=newest.seq,
        first_seq=stretches[-1].first_seq,
        recorded_at=newest.recorded_at,
        authors=tuple(dict.fromkeys(stretch.author for stretch in reversed(stretches))),
        kind=newest.kind,
        cells=_cells(changes),
        cell_authors=_cell_authors(stretches),
        summary=_sentence(summary),
    )


def _told(run: _Run) -> Version:
    cells = tuple(run.touched)
    if run.cell_id is not None:
        cells = (run.cell_id, *(cell for cell in cells if cell != run.cell_id))
    return Version(
        seq=run.seq,
        first_seq=run.first_seq,
        recorded_at=run.recorded_at,
        authors=run.authors,
        kind="run",
        cells=cells,
        cell_authors=dict.fromkeys(cells, run.authors),
        summary="Ran a cell" if run.status == "ok" else f"Ran a cell: {run.status}",
    )


def _cells(changes: Iterable[Change]) -> tuple[CellId, ...]:
    touched = (getattr(change, "cell_id", None) for change in reversed(list(changes)))
    return tuple(dict.fromkeys(cell_id for cell_id in touched if cell_id))


def _cell_authors(stretches: list[_Stretch]) -> dict[CellId, tuple[ActorId, ...]]:
    """Return who touched each cell, in the order in which they came to it."""
    found: dict[CellId, dict[ActorId, None]] = {}
    for stretch in reversed(stretches):
        for cell_id in _cells(stretch.changes):
            found.setdefault(cell_id, {})[stretch.author] = None
    return {cell_id: tuple(authors) for cell_id, authors in found.items()}


def _phrase(changes: list[Change]) -> str:
    """Return what was done, as in `added 1 cell, edited 2 cells`."""
    cells: dict[str, set[CellId]] = {"added": set(), "deleted": set(), "moved": set()}
    parts: dict[str, None] = {}
    for change in changes:
        cell_id: CellId | None = getattr(change, "cell_id", None)
        if isinstance(change, TextChanged):
            parts["edited the text"] = None
        elif cell_id is not None:
            cells.setdefault(_VERBS.get(type(change), "edited"), set()).add(cell_id)
        elif isinstance(change, MetadataChanged):
            parts["changed the notebook's metadata"] = None
    for verb in ("edited", "changed outputs of"):
        cells.get(verb, set()).difference_update(cells["added"], cells["deleted"])
    counts = [f"{verb} {_count(len(ids))}" for verb, ids in cells.items() if ids]
    return ", ".join([*counts, *parts])


def _count(cells: int) -> str:
    return "1 cell" if cells == 1 else f"{cells} cells"


def _sentence(phrase: str) -> str:
    return phrase[:1].upper() + phrase[1:]
