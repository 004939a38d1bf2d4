"""The store of one host: an SQLite database that several servers of one user can share."""

from jupyter_runt.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
