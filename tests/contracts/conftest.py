"""Every implementation of a protocol, for the suites to run on."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pytest

from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import Store
from jupyter_runt.storage.memory import MemoryStore
from jupyter_runt.storage.memory_disk import MemoryDisk
from jupyter_runt.storage.sqlite import SqliteStore
from jupyter_runt.storage.sqlite.connection import connect


def everywhere(_path: str) -> bool:
    return True


class Place(Protocol):
    """Where stores keep things: what one of them wrote, the next one finds."""

    def store(self, server_id: str = "one", exists: Callable[[str], bool] = everywhere) -> Store:
        """Return a store that is not open yet."""
        ...

    def compact(self, notebook_id: NotebookId, first_seq: Seq) -> None:
        """Remove the events before `first_seq`, as a compaction does."""
        ...

    def take_for_dead(self, server_id: str) -> None:
        """Have others take a server for dead that lives, as where its lock was removed."""
        ...


@dataclass
class InMemory:
    disk: MemoryDisk = field(default_factory=MemoryDisk)

    def store(self, server_id: str = "one", exists: Callable[[str], bool] = everywhere) -> Store:
        return MemoryStore(self.disk, server_id=server_id, exists=exists)

    def compact(self, notebook_id: NotebookId, first_seq: Seq) -> None:
        self.disk.floors[notebook_id] = first_seq
        kept = [event for event in self.disk.logs[notebook_id] if event.seq >= first_seq]
        self.disk.logs[notebook_id] = kept

    def take_for_dead(self, server_id: str) -> None:
        for key, lease in self.disk.leases.items():
            if lease.holder == server_id:
                self.disk.leases[key] = replace(lease, holder="dead")


@dataclass
class InSqlite:
    path: Path

    def store(self, server_id: str = "one", exists: Callable[[str], bool] = everywhere) -> Store:
        return SqliteStore(self.path, server_id=server_id, exists=exists)

    def compact(self, notebook_id: NotebookId, first_seq: Seq) -> None:
        connection = connect(self.path, "process", 5.0)
        key = (notebook_id, first_seq)
        connection.execute("DELETE FROM events WHERE notebook_id = ? AND seq < ?", key)
        connection.execute("INSERT INTO floors (notebook_id, first_seq) VALUES (?, ?)", key)
        connection.close()

    def take_for_dead(self, server_id: str) -> None:
        (self.path.parent / f"servers/{server_id}.lock").unlink()


@pytest.fixture(params=["memory", "sqlite"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return InMemory() if request.param == "memory" else InSqlite(tmp_path / "store" / "store.db")
