"""Which store, and which notebook in it, somebody means."""

from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from jupyter_runt.ids import NotebookId, new_id
from jupyter_runt.protocols import Registration
from jupyter_runt.storage.sqlite import SqliteStore


class Misnamed(Exception):
    """What was named is not there; the message says so."""


def default_store() -> Path:
    """Return where a server keeps its store if nobody says otherwise."""
    return Path(jupyter_data_dir()) / "runt" / "store.db"


@asynccontextmanager
async def opened(path: Path | None) -> AsyncIterator[SqliteStore]:
    """Open a store that is there, beside the servers that use it.

    Raises:
        Misnamed: there is none.
        StoreUnavailable: it cannot be used.
    """
    path = path or default_store()
    if not path.is_file():
        raise Misnamed(f"There is no store {path}.")
    store = SqliteStore(path, server_id=f"cli-{new_id()}", exists=lambda _path: True)
    async with store:
        yield store


async def find(store: SqliteStore, name: str) -> NotebookId:
    """Return the notebook of an id or of a path to its file.

    Raises:
        Misnamed: there is none, or more than one.
    """
    if name in await store.notebook_ids():
        return NotebookId(name)
    path = await to_thread(Path(name).resolve)
    # Paths in a store begin at the root folder of its server, which only the server knows.
    endings = ("/".join(path.parts[start:]) for start in range(1, len(path.parts)))
    found = [known for ending in endings if (known := await store.find(ending)) is not None]
    same_file = [known for known in found if _is(known, path)] or found
    match same_file:
        case []:
            raise Misnamed(f"The store knows no notebook {name}.")
        case [known]:
            return known.notebook_id
    meant = ", ".join(f"{known.notebook_id} ({known.file.path})" for known in same_file)
    raise Misnamed(f"{name} could be one of these: {meant}. Name its id.")


def root_of(known: Registration, name: str | None) -> Path:
    """Return the root folder of the notebook's server, as its path tells; else the current one."""
    path, tail = Path(name or "").resolve(), Path(known.file.path).parts
    if path.parts[-len(tail) :] == tail:
        return path.parents[len(tail) - 1]
    return Path.cwd()


def _is(known: Registration, path: Path) -> bool:
    try:
        info = path.stat()
    except OSError:
        return False
    return (known.file.device, known.file.inode) == (info.st_dev, info.st_ino)
