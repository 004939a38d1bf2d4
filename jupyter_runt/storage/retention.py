"""How much of a log is kept. Pure."""

from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from jupyter_runt.ids import Seq
from jupyter_runt.storage.clock import spelled

STRIDE: Final = 10_000
"""One snapshot in so many events stays: to go back anywhere costs no more than to replay these."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Limits of the history that is kept as events; what is beyond any of them may be folded.

    None is no limit.
    """

    days: float | None = None
    """Of age."""
    events: int | None = None
    """Events of each log."""
    size: int | None = None
    """Bytes of each log's events."""

    @property
    def limited(self) -> bool:
        """Whether anything may be folded at all."""
        return (self.days, self.events, self.size) != (None, None, None)


class Mark(NamedTuple):
    """What a limit asks of an event."""

    seq: Seq
    recorded_at: str
    size: int
    """Bytes of its payload."""


class Foldable:
    """Finds how much of a log may be folded, from the marks of all its events in order."""

    def __init__(self, retention: Retention, now: datetime) -> None:
        self._retention = retention
        days = retention.days
        self._cutoff = None if days is None else spelled(now - timedelta(days=days))
        self._old = Seq(0)
        self._young = False
        self._seqs = array("q")
        self._sizes = array("q")

    def add(self, marks: Iterable[Mark]) -> None:
        """Take the marks that follow."""
        for mark in marks:
            self._seqs.append(mark.seq)
            self._sizes.append(mark.size)
            self._young = self._young or self._cutoff is None or mark.recorded_at >= self._cutoff
            if not self._young:
                self._old = mark.seq

    def until(self, pinned: Seq) -> Seq:
        """Return the last event that may be folded, 0 if none.

        Args:
            pinned: the document as of here must stay: what others do to its file is told from what
                it was then.
        """
        if not self._seqs:
            return Seq(0)
        beyond = max(self._old, self._beyond_events(), self._beyond_size())
        until = min(beyond, pinned)
        return Seq(until if until >= self._seqs[0] else 0)

    def _beyond_events(self) -> int:
        kept = self._retention.events
        return 0 if kept is None else self._seqs[-1] - kept

    def _beyond_size(self) -> int:
        if self._retention.size is None:
            return 0
        beyond, left = 0, sum(self._sizes)
        for seq, size in zip(self._seqs, self._sizes, strict=True):
            if left <= self._retention.size:
                break
            beyond, left = seq, left - size
        return beyond


def needed_snapshots(seqs: Collection[Seq], first_seq: Seq, checkpoint_seq: Seq) -> set[Seq]:
    """Return which of the snapshots of one kind must stay.

    The last one makes opening cheap, the last one up to the checkpoint makes merging cheap, the
    first one from which the events go on is where all history that is left starts, and the last one
    of every `STRIDE` makes going back cheap.
    """
    usable = sorted(seq for seq in seqs if seq >= first_seq - 1)
    if not usable:
        return set(seqs)
    needed = {usable[-1], *{seq // STRIDE: seq for seq in usable}.values()}
    if first_seq > 1:
        needed.add(usable[0])
    if merged_from := [seq for seq in usable if seq <= checkpoint_seq]:
        needed.add(merged_from[-1])
    return needed
