"""A server extension that breaks its own server where a test orders it to.

Orders are points at which it dies, as a process does under `kill -9` (`DEATHS`), or `FULL`: the
database finds no room until the order is withdrawn.
"""

import functools
import os
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jupyter_core.paths import jupyter_runtime_dir

from jupyter_runt.execution.gateway import ServerKernelGateway
from jupyter_runt.rooms.peers import Peers
from jupyter_runt.rooms.pipeline import Pipeline
from jupyter_runt.session import files, open_document
from jupyter_runt.session.open_document import OpenDocument
from jupyter_runt.storage.sqlite import event_log
from jupyter_runt.storage.sqlite.registry import SqliteRegistry
from jupyter_runt.storage.sqlite.shortcut import Shortcut
from jupyter_runt.storage.sqlite.writer import Writer

DEATHS: Final = (
    "received",  # before an update is applied
    "applied",  # before it is given to the log
    "committed",  # before anybody is told
    "saving",  # the new file is beside the old one
    "renamed",  # the old file is still there, under another name
    "saved",  # nobody knows yet which events the new file holds
    "snapshot",  # in the middle of its transaction
)
ACTS: Final = ("before it acts", "when it has acted")
"""Where it dies over what somebody asked of a kernel."""

FULL: Final = "full"


def order(server_folder: Path, point: str) -> None:
    """Order something; an empty string withdraws what was ordered."""
    _order_file(server_folder / "runtime").write_text(point, encoding="utf-8")


def _order_file(runtime_dir: str | Path) -> Path:
    return Path(runtime_dir) / "order"


def _ordered() -> str:
    try:
        return _order_file(jupyter_runtime_dir()).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _die_at(point: str) -> None:
    if _ordered() == point:
        _order_file(jupyter_runtime_dir()).unlink()  # once is enough
        os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: Any, name: str, do: Callable[..., object]) -> None:
    """Have `do` called before a function, with the same arguments."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **options: Any) -> Any:
        do(*args, **options)
        return original(*args, **options)

    setattr(owner, name, wrapped)


def _after(owner: Any, name: str, do: Callable[[Any], object]) -> None:
    """Have `do` called with what a function returns."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def wrapped(*args: Any, **options: Any) -> Any:
        result = original(*args, **options)
        do(result)
        return result

    setattr(owner, name, wrapped)


def _around(owner: Any, name: str) -> None:
    """Have something that is done to a kernel be the end, before it or after it."""
    original = getattr(owner, name)

    @functools.wraps(original)
    async def wrapped(*args: Any, **options: Any) -> Any:
        _die_at(ACTS[0])
        result = await original(*args, **options)
        _die_at(ACTS[1])
        return result

    setattr(owner, name, wrapped)


def _set_room(connection: Any) -> None:
    pages = 1 if _ordered() == FULL else 2**30
    connection.execute(f"PRAGMA max_page_count = {pages}").close()


def _refuse_if_full(*_: Any) -> None:
    if _ordered() == FULL:
        raise sqlite3.OperationalError("database or disk is full")  # the writer tries, and says so


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(_app: Any) -> None:
    open_document.SNAPSHOT_EVERY = 1  # type: ignore[misc]
    _before(Pipeline, "_apply", lambda *_: _die_at("received"))
    _before(OpenDocument, "_commit", lambda *_: _die_at("applied"))
    _before(OpenDocument, "_commit_now", lambda *_: _die_at("applied"))
    _before(Peers, "committed", lambda *_: _die_at("committed"))
    _before(files, "rename", lambda *_: _die_at("saving"))
    _after(files, "rename", lambda _: _die_at("renamed"))
    _before(SqliteRegistry, "checkpointed", lambda *_: _die_at("saved"))
    _after(event_log, "_put_snapshot", lambda _: _die_at("snapshot"))
    _around(ServerKernelGateway, "interrupt")
    _around(ServerKernelGateway, "stop")
    _after(Writer, "_connected", _set_room)
    _before(Shortcut, "_commit", _refuse_if_full)
