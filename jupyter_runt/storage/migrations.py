"""The schema of a SQLite store, step by step. Steps are only ever added, and only go forward."""

import sqlite3
from typing import Final

from jupyter_runt.errors import StoreUnavailable

_FIRST: Final = (
    """
    CREATE TABLE events (
        notebook_id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        name TEXT NOT NULL,
        actor TEXT NOT NULL,
        caused_by TEXT,
        recorded_at TEXT NOT NULL,
        payload TEXT NOT NULL,
        update_bytes BLOB,
        PRIMARY KEY (notebook_id, seq)
    )
    """,
    # Typing makes most events, without a cause and of one name: kept out of both indexes, an
    # append of one writes a third less.
    """
    CREATE INDEX events_by_cause ON events (notebook_id, caused_by, seq)
    WHERE caused_by IS NOT NULL
    """,
    """
    CREATE INDEX events_by_name ON events (notebook_id, name, seq)
    WHERE name <> 'v1.DocumentUpdated'
    """,
    """
    CREATE TABLE floors (
        notebook_id TEXT PRIMARY KEY,
        first_seq INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE snapshots (
        notebook_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        seq INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (notebook_id, kind, seq)
    )
    """,
    # Device and inode are text: both are unsigned 64-bit numbers, SQLite's are signed.
    """
    CREATE TABLE documents (
        notebook_id TEXT PRIMARY KEY,
        history_id TEXT NOT NULL,
        path TEXT NOT NULL,
        device TEXT,
        inode TEXT,
        digest TEXT,
        empty INTEGER NOT NULL,
        checkpoint_seq INTEGER NOT NULL DEFAULT 0,
        deleted_at TEXT
    )
    """,
    "CREATE UNIQUE INDEX documents_by_path ON documents (path) WHERE deleted_at IS NULL",
    "CREATE INDEX documents_by_digest ON documents (digest) WHERE deleted_at IS NULL",
    """
    CREATE TABLE leases (
        notebook_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        fence INTEGER NOT NULL,
        holder TEXT,
        info TEXT NOT NULL,
        PRIMARY KEY (notebook_id, kind)
    )
    """,
)

_FILES: Final = (
    "ALTER TABLE documents ADD COLUMN announced_digest TEXT",
    "ALTER TABLE documents ADD COLUMN announced_seq INTEGER",
    """
    CREATE TABLE merge_bases (
        notebook_id TEXT NOT NULL,
        room_id TEXT NOT NULL,
        digest TEXT NOT NULL,
        seq INTEGER NOT NULL,
        state BLOB NOT NULL,
        PRIMARY KEY (notebook_id, room_id, digest)
    )
    """,
)

_ARTIFACTS: Final = (
    """
    CREATE TABLE artifacts (
        notebook_id TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        mime TEXT NOT NULL,
        size INTEGER NOT NULL,
        held_at TEXT NOT NULL,
        PRIMARY KEY (notebook_id, sha256)
    )
    """,
    "CREATE INDEX artifacts_by_hash ON artifacts (sha256)",
)

_TOKENS: Final = (
    # The order of the columns is that of `AccessToken`.
    """
    CREATE TABLE tokens (
        token_id TEXT PRIMARY KEY,
        notebook_id TEXT NOT NULL,
        action TEXT NOT NULL,
        actor TEXT NOT NULL,
        label TEXT NOT NULL,
        digest TEXT NOT NULL,
        created_at TEXT NOT NULL,
        expires_at TEXT NOT NULL
    )
    """,
    "CREATE INDEX tokens_by_notebook ON tokens (notebook_id)",
)

_STATES: Final = ("ALTER TABLE documents ADD COLUMN state TEXT",)

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (_FIRST, _FILES, _ARTIFACTS, _TOKENS, _STATES)
"""Step `n` takes a store from version `n` to `n + 1`; an empty file has version 0."""


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the version of the schema that the store has."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def migrate(connection: sqlite3.Connection, place: str) -> None:
    """Bring the store at `place` to the newest schema, in one transaction.

    Raises:
        StoreUnavailable: a newer version of jupyter-runt wrote it; it is left as it is.
    """
    newest = len(MIGRATIONS)
    if schema_version(connection) == newest:
        return  # without a write, so that a read-only store can be read
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = schema_version(connection)
        if found > newest:
            raise StoreUnavailable(
                f"{place} was written by a newer version of jupyter-runt (schema {found}, this "
                f"one knows {newest}). Upgrade jupyter-runt to use it.",
                path=place,
                schema=found,
            )
        for step in MIGRATIONS[found:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {newest}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise
