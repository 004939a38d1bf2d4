"""Which file is which document, in SQLite."""

# ruff: noqa: S608  only our own words are put together; values are always parameters

import asyncio
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Any, Final

from jupyter_runt.ids import HistoryId, NotebookId, Seq, new_id
from jupyter_runt.protocols import FileIdentity, MergeBase, Registration
from jupyter_runt.storage.clock import now
from jupyter_runt.storage.moves import recognise_move
from jupyter_runt.storage.refusals import no_document
from jupyter_runt.storage.sqlite.database import Database

_NEW: Final = "notebook_id, history_id, path, device, inode, digest, empty, checkpoint_seq"
_COLUMNS: Final = f"{_NEW}, state, announced_digest, announced_seq"
MANY: Final = 1_000
"""Files that are more than this are not looked for: to hash another one takes no longer."""

# '0' follows '/': in the order of bytes, everything below a folder lies between the two.
_AT_OR_BELOW: Final = "deleted_at IS NULL AND (path = ? OR (path >= ? || '/' AND path < ? || '0'))"


class SqliteRegistry:
    """The `Registry` of an `SqliteStore`."""

    _database: Database
    _exists: Callable[[str], bool]

    async def resolve(self, file: FileIdentity) -> tuple[Registration, bool]:
        """Return the document of a file; see `Registry`."""
        known = await self.find(file.path)
        if known and (known.file.device, known.file.inode) == (file.device, file.inode):
            return known, False
        alike = [] if known else await self._database.read(partial(_alike, file))
        gone = await asyncio.to_thread(self._gone, alike) if alike else frozenset[str]()
        return await self._database.write(partial(_resolve, file, gone))

    async def any_lost(self) -> bool:
        """Tell whether a registered file may be gone; see `Registry`."""
        paths = await self._database.read(_hashed_paths)
        if len(paths) > MANY:
            return True
        return await asyncio.to_thread(lambda: not all(map(self._exists, paths)))

    def _gone(self, registrations: Collection[Registration]) -> frozenset[str]:
        paths = (known.file.path for known in registrations)
        return frozenset(path for path in paths if not self._exists(path))

    async def get(self, notebook_id: NotebookId) -> Registration | None:
        """Return the document of an id; see `Registry`."""
        return await self._database.read(partial(_one, "notebook_id", notebook_id))

    async def find(self, path: str) -> Registration | None:
        """Return the document at a path; see `Registry`."""
        return await self._database.read(partial(_one, "path", path))

    async def moved(self, old: str, new: str) -> None:
        """Record a rename; see `Registry`."""
        if old != new:
            await self._database.write(partial(_move, old, new))

    async def deleted(self, path: str) -> None:
        """Record a deletion; see `Registry`."""
        await self._database.write(partial(_delete, path))

    async def checkpointed(self, notebook_id: NotebookId, file: FileIdentity, seq: Seq) -> None:
        """Record what the file holds; see `Registry`."""
        await self._database.write(partial(_checkpoint, notebook_id, file, seq))

    async def announce(self, notebook_id: NotebookId, digest: str, seq: Seq) -> None:
        """Record a write to come; see `Registry`."""
        await self._database.write(partial(_announce, notebook_id, digest, seq))

    async def put_base(self, notebook_id: NotebookId, base: MergeBase) -> None:
        """Keep what a merge was made of; see `Registry`."""
        await self._database.write(partial(_put_base, notebook_id, base))

    async def bases(self, notebook_id: NotebookId, room_id: str) -> list[MergeBase]:
        """Return what was merged since the last checkpoint; see `Registry`."""
        return await self._database.read(partial(_bases, notebook_id, room_id))


def _registration(row: tuple[Any, ...]) -> Registration:
    notebook_id, history_id, path, device, inode, digest, empty, checkpoint_seq, *others = row
    state, *announced = others
    file = FileIdentity(
        path=path,
        device=None if device is None else int(device),
        inode=None if inode is None else int(inode),
        digest=digest,
        empty=bool(empty),
        state=state,
    )
    return Registration(
        NotebookId(notebook_id),
        HistoryId(history_id),
        file,
        Seq(checkpoint_seq),
        (announced[0], Seq(announced[1])) if announced[0] else None,
    )


def _one(column: str, value: str, connection: sqlite3.Connection) -> Registration | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM documents WHERE {column} = ? AND deleted_at IS NULL", (value,)
    ).fetchone()
    return _registration(row) if row else None


def _hashed_paths(connection: sqlite3.Connection) -> list[str]:
    """Return the paths of files whose digest is known, or so many that they are too many."""
    rows = connection.execute(
        "SELECT path FROM documents WHERE digest IS NOT NULL AND deleted_at IS NULL LIMIT ?",
        (MANY + 1,),
    )
    return [row[0] for row in rows]


def _alike(file: FileIdentity, connection: sqlite3.Connection) -> list[Registration]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM documents WHERE digest = ? AND deleted_at IS NULL", (file.digest,)
    )
    return [_registration(row) for row in rows]


def _resolve(
    file: FileIdentity, gone: Collection[str], connection: sqlite3.Connection
) -> tuple[Registration, bool]:
    known = _one("path", file.path, connection) or recognise_move(
        file, _alike(file, connection), gone
    )
    if known is None:
        return _register(file, connection), True
    connection.execute(
        "UPDATE documents SET path = ?, device = ?, inode = ? WHERE notebook_id = ?",
        (file.path, _text(file.device), _text(file.inode), known.notebook_id),
    )
    here = replace(known.file, path=file.path, device=file.device, inode=file.inode)
    return replace(known, file=here), False


def _register(file: FileIdentity, connection: sqlite3.Connection) -> Registration:
    registration = Registration(NotebookId(new_id()), HistoryId(new_id()), file, Seq(0))
    connection.execute(
        f"INSERT INTO documents ({_NEW}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            registration.notebook_id,
            registration.history_id,
            file.path,
            _text(file.device),
            _text(file.inode),
            file.digest,
            file.empty,
            registration.checkpoint_seq,
        ),
    )
    return registration


def _move(old: str, new: str, connection: sqlite3.Connection) -> None:
    rows = connection.execute(
        f"SELECT notebook_id, path FROM documents WHERE {_AT_OR_BELOW}", (old, old, old)
    ).fetchall()
    moves = [(new + path[len(old) :], notebook_id) for notebook_id, path in rows]
    overwritten = {new, *(path for path, _ in moves)}
    connection.executemany(
        "UPDATE documents SET deleted_at = ? WHERE path = ? AND deleted_at IS NULL",
        [(now(), path) for path in overwritten],
    )
    connection.executemany("UPDATE documents SET path = ? WHERE notebook_id = ?", moves)


def _delete(path: str, connection: sqlite3.Connection) -> None:
    connection.execute(
        f"UPDATE documents SET deleted_at = ? WHERE {_AT_OR_BELOW}", (now(), path, path, path)
    )


def _checkpoint(
    notebook_id: NotebookId, file: FileIdentity, seq: Seq, connection: sqlite3.Connection
) -> None:
    updated = connection.execute(
        "UPDATE documents SET device = ?, inode = ?, digest = ?, empty = ?, state = ?,"
        " checkpoint_seq = ?, announced_digest = NULL, announced_seq = NULL WHERE notebook_id = ?",
        (
            _text(file.device),
            _text(file.inode),
            file.digest,
            file.empty,
            file.state,
            seq,
            notebook_id,
        ),
    )
    if updated.rowcount == 0:
        raise no_document(notebook_id)
    connection.execute("DELETE FROM merge_bases WHERE notebook_id = ?", (notebook_id,))


def _announce(
    notebook_id: NotebookId, digest: str, seq: Seq, connection: sqlite3.Connection
) -> None:
    connection.execute(
        "UPDATE documents SET announced_digest = ?, announced_seq = ? WHERE notebook_id = ?",
        (digest, seq, notebook_id),
    )


def _put_base(notebook_id: NotebookId, base: MergeBase, connection: sqlite3.Connection) -> None:
    if base.seq:
        connection.execute(
            "DELETE FROM merge_bases WHERE notebook_id = ? AND room_id = ?",
            (notebook_id, base.room_id),
        )
    connection.execute(
        "INSERT OR REPLACE INTO merge_bases (notebook_id, room_id, digest, seq, state)"
        " VALUES (?, ?, ?, ?, ?)",
        (notebook_id, base.room_id, base.digest, base.seq, base.state),
    )


def _bases(
    notebook_id: NotebookId, room_id: str, connection: sqlite3.Connection
) -> list[MergeBase]:
    rows = connection.execute(
        "SELECT room_id, digest, state, seq FROM merge_bases WHERE notebook_id = ? AND room_id = ?",
        (notebook_id, room_id),
    )
    return [MergeBase(*row) for row in rows]


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
