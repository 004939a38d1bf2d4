"""Tokens, in SQLite."""

import sqlite3
from dataclasses import astuple
from functools import partial

from jupyter_runt.ids import NotebookId
from jupyter_runt.storage.clock import now
from jupyter_runt.storage.sqlite.database import Database
from jupyter_runt.storage.tokens import AccessToken


class SqliteTokens:
    """The `Tokens` of an `SqliteStore`."""

    _database: Database

    async def add_token(self, token: AccessToken) -> None:
        """Keep a token; see `Tokens`."""
        await self._database.write(partial(_add, token))

    async def tokens_of(self, notebook_id: NotebookId) -> list[AccessToken]:
        """Return those of a notebook; see `Tokens`."""
        return await self._database.read(partial(_find, "notebook_id = ?", notebook_id))

    async def token(self, token_id: str) -> AccessToken | None:
        """Return one; see `Tokens`."""
        return next(iter(await self._database.read(partial(_find, "token_id = ?", token_id))), None)

    async def revoke_token(self, token_id: str) -> None:
        """Have it work no more; see `Tokens`."""
        await self._database.write(partial(_revoke, token_id))


def _add(token: AccessToken, connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM tokens WHERE expires_at <= ?", (now(),))
    connection.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)", astuple(token))


def _find(where: str, value: str, connection: sqlite3.Connection) -> list[AccessToken]:
    rows = connection.execute(
        f"SELECT * FROM tokens WHERE {where} AND expires_at > ? ORDER BY created_at",  # noqa: S608
        (value, now()),
    )
    return [AccessToken(*row) for row in rows]


def _revoke(token_id: str, connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM tokens WHERE token_id = ?", (token_id,))
