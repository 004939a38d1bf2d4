"""Outputs among many, one a line, that are shown anew after they were written."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, Final
from weakref import finalize

from jupyter_runt.document.references import OUTPUTS, line_of
from jupyter_runt.document.spool import MUCH, Spool, lines_of

ENTRY: Final = 200
"""About how many bytes of memory something takes beside its text."""

_PLACES: Final = 1 << 20

_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS displays (line INTEGER PRIMARY KEY, display BLOB);
    CREATE TABLE IF NOT EXISTS updates (display BLOB PRIMARY KEY, before INTEGER, shown BLOB);
"""


class Patches:
    """Which lines are displays, and how those look by now.

    In memory at first, then in a database without a name, where an update takes the place of the
    one before it. Not thread-safe.
    """

    def __init__(self) -> None:
        self._displays: list[tuple[int, bytes]] = []
        """In memory: those in the database are of earlier lines."""
        self._known: set[bytes] = set()
        self._updates: dict[bytes, tuple[int, bytes]] = {}
        """In memory: before which line, and what is shown there; later than in the database."""
        self._db: sqlite3.Connection | None = None
        self._filter = b""
        """Which display ids may be in the database: bits, by their hashes."""
        self.pending = 0
        """About how many bytes are in memory."""
        self.any = False
        """Whether there was an update since all were written."""

    def display(self, display_id: str, line: int) -> None:
        """Note that a line, which follows all that were noted, is a display."""
        display = _key(display_id)
        self._displays.append((line, display))
        self._known.add(display)
        self.pending += ENTRY + len(display)

    def may_have(self, display_id: str) -> bool:
        """Tell whether a line may be this display; rarely, none is."""
        display = _key(display_id)
        return display in self._known or (
            bool(self._filter) and all(self._filter[at] & bit for at, bit in _bits(display))
        )

    def update(self, display_id: str, shown: dict[str, Any], before: int) -> None:
        """Show a display anew.

        Args:
            shown: its `data` and `metadata`.
            before: a number that is larger than those of its lines.
        """
        display, change = _key(display_id), line_of(shown)
        self._updates[display] = (before, change)
        self.pending += ENTRY + len(display) + len(change)
        self.any = True

    def flush(self) -> None:
        """Put into the database what is in memory, as far as the disk takes it; use a thread."""
        with suppress(sqlite3.Error):  # a full disk: it stays in memory
            if self._db is None:
                self._db = sqlite3.connect("", check_same_thread=False)
                finalize(self, self._db.close)
            self._db.executescript(_TABLES)
            with self._db as db:
                db.executemany("INSERT INTO displays VALUES (?, ?)", self._displays)
                updates = ((each, *update) for each, update in self._updates.items())
                db.executemany("INSERT OR REPLACE INTO updates VALUES (?, ?, ?)", updates)
            bits = bytearray(self._filter or bytes(_PLACES // 8))
            for at, bit in chain.from_iterable(map(_bits, self._known)):
                bits[at] |= bit
            self._filter = bytes(bits)
            self._displays, self._known, self._updates = [], set(), {}
            self.pending = 0

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that are others by now, in order, and what they show; use a thread."""
        in_db: Iterable[tuple[int, bytes, int, bytes]] = ()
        if self._db is not None:
            in_db = self._db.execute(
                "SELECT line, display, ifnull(before, 0), shown"
                " FROM displays LEFT JOIN updates USING (display) ORDER BY line"
            )
        in_memory = ((line, display, 0, b"") for line, display in self._displays)
        for line, display, before, shown in chain(in_db, in_memory):
            last = self._updates.get(display, (before, shown))
            if line < last[0]:
                yield line, last[1]


def patched(blocks: Iterable[bytes], patches: Patches) -> Spool:
    """Return outputs of which some are shown anew; use a thread."""
    spool, changes = Spool(OUTPUTS), patches.lines()
    changed, shown = next(changes, (-1, b""))
    for number, line in enumerate(lines_of(blocks)):
        if number == changed:
            spool.write(line_of({**json.loads(line), **json.loads(shown)}))
            changed, shown = next(changes, (-1, b""))
        else:
            spool.write(line + b"\n")
        if spool.pending > MUCH:
            spool.flush()
    return spool


def _key(display_id: str) -> bytes:
    return display_id.encode(errors="surrogatepass")


def _bits(display: bytes) -> Iterator[tuple[int, int]]:
    """Yield a byte and a bit in it, three times: few other ids have the same ones."""
    value = hash(display)
    for shift in (0, 20, 40):
        place = value >> shift & (_PLACES - 1)
        yield place >> 3, 1 << (place & 7)
