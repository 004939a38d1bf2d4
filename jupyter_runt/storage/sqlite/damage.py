"""A database file that is damaged is set aside, never deleted, and a new one is made."""

import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.storage.sqlite.connection import (
    Durability,
    connect,
    create,
    primary_code,
    unavailable,
)
from jupyter_runt.storage.sqlite.liveness import anybody_lives

log = logging.getLogger(__name__)

_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_FILES: Final = ("-wal", "-shm", "")
"""In the order in which they move: a new database must never meet the old one's log."""

_PROBES: Final = (
    "SELECT count(*) FROM documents",
    "SELECT count(*) FROM leases",
    "SELECT count(*) FROM floors",
    "SELECT seq FROM events LIMIT 1",
    "SELECT seq FROM snapshots LIMIT 1",
)
"""What no notebook opens without, and the roots of what is large: damage there is seen at once."""


def create_anew(path: Path, durability: Durability, busy_timeout: float, servers: Path) -> None:
    """Make the database as `create` does; one that is damaged is first set aside.

    Args:
        servers: the folder of the servers' locks; while one lives, the file may be in use.

    Raises:
        StoreUnavailable: it cannot be made, or another server uses the damaged one.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unavailable(error, path) from error
    with _locked(path.parent):  # nobody looks at a file that another server sets aside
        damage = _damage(path, durability, busy_timeout)
        if damage is None:
            return
        if anybody_lives(servers):
            raise StoreUnavailable(
                f"{path} is damaged ({damage}), and another server uses it: stop that one, then"
                " start again.",
                path=str(path),
            )
        aside = _set_aside(path)
        create(path, durability, busy_timeout)
        log.critical(
            "The store %s is damaged (%s): it was set aside as %s, and a new one was made."
            " Notebooks open from their files, without their history.",
            path,
            damage,
            aside,
        )


def note_damage(path: Path, error: Exception) -> None:
    """Have the database looked at closely when it is opened next, if this says that it should."""
    if _is_damage(error):
        with suppress(OSError):
            _suspect(path).touch(mode=0o600)


def _damage(path: Path, durability: Durability, busy_timeout: float) -> str | None:
    """Return what is wrong with the database, None once it is whole; raises as `create`."""
    try:
        create(path, durability, busy_timeout)
        with closing(connect(path, durability, busy_timeout)) as connection:
            for probe in _PROBES:
                connection.execute(probe).fetchall()
            if not _suspect(path).exists():
                return None
            found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except StoreUnavailable as error:
        if error.__cause__ is None or not _is_damage(error.__cause__):
            raise
        return str(error.__cause__)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise unavailable(error, path) from error
        return str(error)
    if found != "ok":
        return " ".join(found.split())
    _suspect(path).unlink(missing_ok=True)
    return None


def _is_damage(error: BaseException) -> bool:
    return isinstance(error, sqlite3.Error) and primary_code(error) in _DAMAGE


def _suspect(path: Path) -> Path:
    return path.with_name(f"{path.name}.suspect")


def _set_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in _FILES:
        file = path.with_name(path.name + suffix)
        if file.exists():
            file.rename(aside.with_name(aside.name + suffix))
    _suspect(path).unlink(missing_ok=True)
    return aside


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other servers from doing the same."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
