"""Whose outputs Jupyter's notary vouches for."""

import hmac
import logging
import sqlite3
from asyncio import to_thread
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final, Protocol

from nbformat.sign import NotebookNotary, SQLiteSignatureStore, yield_everything

from jupyter_runt.document.cuts import Cut

log = logging.getLogger(__name__)

LOCKED_SECONDS: Final = 5.0
"""How long to wait for another process that writes signatures."""


class Trust(Protocol):
    """What an open document asks about the outputs in its file."""

    async def is_signed(self, notebook: Mapping[str, Any]) -> bool:
        """Tell whether the content of a notebook file was signed on this machine."""
        ...

    async def sign(self, notebook: Mapping[str, Any]) -> None:
        """Sign the content of a notebook file: every output in it is trusted."""
        ...


class NotaryTrust:
    """The signatures that Jupyter keeps of the notebooks that it saved."""

    def __init__(self, notary: NotebookNotary) -> None:
        self._notary = notary

    async def is_signed(self, notebook: Mapping[str, Any]) -> bool:
        """See `Trust`."""
        digest = await to_thread(self._digest, notebook)
        if digest is None:
            return False
        algorithm = self._notary.algorithm
        try:  # which writes down when it was asked
            return bool(await self._ask(lambda store: store.check_signature(digest, algorithm)))
        except sqlite3.Error as error:
            log.warning("No output is trusted, as no signature can be looked up: %s", error)
            return False

    async def sign(self, notebook: Mapping[str, Any]) -> None:
        """See `Trust`."""
        digest = await to_thread(self._digest, notebook)
        if digest is None:
            return
        algorithm = self._notary.algorithm
        try:
            await self._ask(lambda store: store.store_signature(digest, algorithm))
        except sqlite3.Error as error:
            log.warning("A notebook will not be trusted, as it cannot be signed: %s", error)

    async def _ask(self, question: Callable[[Any], Any]) -> Any:
        """Return what the store of signatures answers: a database in a thread."""
        store = self._notary.store
        if type(store) is SQLiteSignatureStore and store.db_file != ":memory:":
            return await to_thread(_ask_again, store.db_file, store.cache_size, question)
        return question(store)

    def _digest(self, notebook: Mapping[str, Any]) -> str | None:
        """Return what is signed; None of a text with a lone surrogate, which has no bytes."""
        digest = hmac.new(self._notary.secret, digestmod=self._notary.digestmod)
        try:
            for part in _everything(notebook):
                digest.update(part)
        except UnicodeEncodeError:
            return None
        return digest.hexdigest()


class _Again(SQLiteSignatureStore):
    """A database of signatures that is open elsewhere: it is not replaced if somebody locks it."""

    def _connect_db(self, db_file: str) -> sqlite3.Connection:
        types = sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES
        return sqlite3.connect(db_file, LOCKED_SECONDS, types)


def _ask_again(db_file: str, cache_size: int, question: Callable[[Any], Any]) -> Any:
    """Ask over a connection of its own: Jupyter's is for the thread that made it."""
    with closing(_Again(db_file, cache_size=cache_size)) as store:  # type: ignore[no-untyped-call]
        return question(store)


def _everything(value: Any) -> Iterator[bytes | memoryview]:
    """Yield what the notary signs of a value, as `nbformat` does."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield key.encode()
            yield from _everything(value[key])
    elif isinstance(value, list):
        for item in value:
            yield from _everything(item)
    elif isinstance(value, Cut):
        if (text := value.base64()) is not None:
            yield text
        else:
            yield from yield_everything(value.value())  # type: ignore[no-untyped-call]
    else:
        yield from yield_everything(value)  # type: ignore[no-untyped-call]
