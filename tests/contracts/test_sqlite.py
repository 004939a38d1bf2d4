"""What the SQLite store does beyond the contracts: on a disk, beside other processes."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from contextlib import closing
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from jupyter_runt.errors import LeaseHeld, StoreUnavailable
from jupyter_runt.events.base import Draft
from jupyter_runt.events.codec import document_updated
from jupyter_runt.events.execution import ExecutionStarted
from jupyter_runt.ids import ActorId, ExecutionId, NotebookId, Seq
from jupyter_runt.storage.migrations import MIGRATIONS
from jupyter_runt.storage.sqlite import SqliteStore
from jupyter_runt.storage.sqlite.connection import connect
from jupyter_runt.storage.sqlite.liveness import ServerLock

NOTEBOOK = NotebookId("notebook")
ROOT = Path(__file__).parents[2]
APPENDER = Path(__file__).with_name("appender.py")


def open_store(path: Path, server_id: str = "one", **options) -> SqliteStore:
    return SqliteStore(path, server_id=server_id, exists=lambda _path: True, **options)


def started(name: str) -> Draft:
    payload = ExecutionStarted(execution_id=ExecutionId(name))
    return Draft(payload=payload, actor=ActorId("user:ada"))


def large(size: int) -> Draft:
    return Draft(payload=document_updated(bytes(size), ()), actor=ActorId("user:ada"))


def python(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def appender(path: Path, server_id: str, appends: int) -> subprocess.Popen[str]:
    return python(str(APPENDER), str(path), server_id, NOTEBOOK, str(appends))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runt" / "store.db"


@pytest.mark.rule("EL1", "EL3", "EL5")
@pytest.mark.asyncio
async def test_what_was_acknowledged_survives_the_death_of_the_process(path):
    with appender(path, "victim", 100_000) as child:
        acknowledged = [int(child.stdout.readline()) for _ in range(300)]
        child.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in child.stdout if line.endswith("\n")]
    async with open_store(path) as store:
        seqs = [event.seq for event in await store.read(NOTEBOOK, Seq(0), limit=1_000_000)]
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) >= max(acknowledged)
        [event] = await store.append(NOTEBOOK, [started("next")])
        assert event.seq == len(seqs) + 1


@pytest.mark.rule("EL1")
@pytest.mark.asyncio
async def test_an_append_is_all_there_or_not_at_all_after_the_death_of_the_process(path):
    with appender(path, "victim", 100_000) as child:
        for _ in range(100):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    async with open_store(path) as store:
        events = await store.read(NOTEBOOK, Seq(0), limit=1_000_000)
        found = Counter(event.payload.execution_id for event in events)
        whole = {name: 1 + int(name.removeprefix("victim.")) % 3 for name in found}
        assert found == whole


@pytest.mark.rule("EL5", "EL3")
@pytest.mark.parametrize("rest", [b"", b"\xa5" * 1000], ids=["cut off", "overwritten"])
@pytest.mark.asyncio
async def test_a_torn_record_at_the_end_is_cut_and_the_log_goes_on(path, rest):
    with appender(path, "victim", 100_000) as child:
        for _ in range(100):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    wal = path.with_name(f"{path.name}-wal")
    wal.write_bytes(wal.read_bytes()[:-1000] + rest)
    async with open_store(path) as store:
        seqs = [event.seq for event in await store.read(NOTEBOOK, Seq(0), limit=1_000_000)]
        assert seqs == list(range(1, len(seqs) + 1))
        [event] = await store.append(NOTEBOOK, [started("next")])
        assert event.seq == len(seqs) + 1


@pytest.mark.rule("EL3")
@pytest.mark.asyncio
async def test_processes_that_append_to_one_log_leave_no_gap_and_no_duplicate(path):
    children = [appender(path, name, 200) for name in ("one", "two")]
    async with open_store(path, "here", busy_timeout=20) as store:
        for number in range(50):
            await store.append(NOTEBOOK, [started(f"here.{number}")])
        acknowledged: list[int] = []
        for child in children:
            output, _ = await asyncio.to_thread(child.communicate)
            assert child.returncode == 0
            acknowledged += map(int, output.split())
        events = await store.read(NOTEBOOK, Seq(0), limit=1_000_000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        here = [event for event in events if event.actor == "user:ada"]
        assert len(here) == 50
        assert sorted([*acknowledged, *(event.seq for event in here)]) == [
            event.seq for event in events
        ]


@pytest.mark.rule("EX1")
@pytest.mark.asyncio
async def test_the_lease_of_a_process_that_was_killed_is_free(path):
    hold = (
        "import sys; from pathlib import Path\n"
        "from jupyter_runt.storage.sqlite.liveness import ServerLock\n"
        "ServerLock(Path(sys.argv[1]), 'child').acquire(); print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    async with open_store(path) as store:
        with python("-c", hold, str(path.parent / "servers")) as child:
            child.stdout.readline()
            with closing(sqlite3.connect(path)) as connection, connection:
                connection.execute(
                    "INSERT INTO leases VALUES (?, 'runtime', 4, 'child', '{}')", (NOTEBOOK,)
                )
            with pytest.raises(LeaseHeld):
                await store.acquire(NOTEBOOK, "runtime", {})
            child.kill()
        assert (await store.acquire(NOTEBOOK, "runtime", {})).fence == 5


@pytest.mark.rule("EX1")
@pytest.mark.asyncio
async def test_a_server_that_looks_for_others_is_not_taken_for_one_of_them(path):
    async with open_store(path, "one") as one, open_store(path, "two") as two:
        gone = ServerLock(path.parent / "servers", "gone")
        gone.acquire()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executemany(
                "INSERT INTO leases VALUES (?, 'runtime', 1, 'gone', '{}')",
                [(f"{number}",) for number in range(40)],
            )
        gone.release()
        async with asyncio.TaskGroup() as group:
            for number in range(40):
                store = one if number % 2 else two
                group.create_task(store.acquire(NotebookId(f"{number}"), "runtime", {}))


@pytest.mark.rule("AU4")
@pytest.mark.asyncio
async def test_nobody_else_can_read_the_store(path):
    async with open_store(path) as store:
        await store.append(NOTEBOOK, [started("a")])
        found = {
            entry.relative_to(path.parent.parent).as_posix(): stat.S_IMODE(entry.stat().st_mode)
            for entry in path.parent.parent.rglob("*")
        }
    assert found == {
        "runt": 0o700,
        "runt/servers": 0o700,
        "runt/servers/one.lock": 0o600,
        "runt/store.db": 0o600,
        "runt/store.db-shm": 0o600,
        "runt/store.db-wal": 0o600,
    }


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_full_disk_is_said_in_words_and_passes(path):
    async with open_store(path) as store:
        await store.append(NOTEBOOK, [started("a")])
        await store._database.write(lambda it: it.execute("PRAGMA max_page_count = 40").close())
        outcomes = await asyncio.gather(
            store.append(NOTEBOOK, [large(1_000_000)]),
            store.append(NOTEBOOK, [large(1_000_000)]),
            return_exceptions=True,
        )
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        assert f"no space left for {path}" in outcomes[0].message
        assert await store.head(NOTEBOOK) == 1
        [event] = await store.append(NOTEBOOK, [large(1_000_000)])
        assert event.seq == 2


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_read_only_store_is_said_in_words_and_passes(path):
    async with open_store(path, durability="power") as store:
        await store.append(NOTEBOOK, [started("a")])
        await store._database.write(lambda it: it.execute("PRAGMA query_only = ON").close())
        with pytest.raises(StoreUnavailable, match="is read-only"):
            await store.append(NOTEBOOK, [started("b")])
        assert len(await store.read(NOTEBOOK, Seq(0))) == 1
        [event] = await store.append(NOTEBOOK, [started("c")])
        assert event.seq == 2


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_store_that_another_program_locks_can_be_read_and_is_written_later(path):
    async with open_store(path, busy_timeout=0.05) as store:
        await store.append(NOTEBOOK, [started("a")])
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match=r"Another program keeps .* locked"):
                await store.append(NOTEBOOK, [started("b")])
            with pytest.raises(StoreUnavailable):
                await store.acquire(NOTEBOOK, "runtime", {})
            assert await store.head(NOTEBOOK) == 1
        [event] = await store.append(NOTEBOOK, [started("b")])
        assert event.seq == 2


@pytest.mark.rule("EL1", "EL2")
@pytest.mark.asyncio
async def test_who_gives_up_an_append_is_let_go_when_it_is_in_the_log(path):
    async with open_store(path) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            given_up = asyncio.ensure_future(store.append(NOTEBOOK, [started("a")]))
            await asyncio.wait([given_up], timeout=0)
            given_up.cancel()
            await asyncio.wait([given_up], timeout=0.05)
            assert not given_up.done()
            other.execute("ROLLBACK")
            await asyncio.wait([given_up])
        assert given_up.cancelled()
        assert await store.head(NOTEBOOK) == 1


@pytest.mark.rule("EL5")
@pytest.mark.parametrize("content", [b"this is no database" * 1000, b"SQLite format 3\0garbage"])
@pytest.mark.asyncio
async def test_a_damaged_store_is_refused_by_name_and_left_as_it_is(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StoreUnavailable) as caught:
        async with open_store(path):
            pass
    assert str(path) in caught.value.message
    assert "damaged" in caught.value.message
    assert path.read_bytes() == content


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_damage_found_while_reading_is_said_in_words(path):
    async with open_store(path) as store:
        for _ in range(20):
            await store.append(NOTEBOOK, [large(10_000)])
    content = bytearray(path.read_bytes())
    content[4096 * 2 : 4096 * 30] = b"\xa5" * (4096 * 28)
    path.write_bytes(content)
    async with open_store(path) as store:
        with pytest.raises(StoreUnavailable, match="is damaged"):
            await store.read(NOTEBOOK, Seq(0))


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_place_that_cannot_be_made_is_said_in_words(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        async with open_store(tmp_path / "file" / "store.db"):
            pass


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(path):
    async with open_store(path):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    content = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="newer version of jupyter-runt"):
        async with open_store(path):
            pass
    assert path.read_bytes() == content


@pytest.mark.rule("EL3")
@pytest.mark.asyncio
async def test_servers_that_make_a_store_together_all_can_use_it(path):
    stores = [open_store(path, f"{number}") for number in range(4)]
    await asyncio.gather(*(store.__aenter__() for store in stores))
    try:
        await asyncio.gather(*(store.append(NOTEBOOK, [started("a")]) for store in stores))
        events = await stores[0].read(NOTEBOOK, Seq(0))
        assert all(one.seq + 1 == two.seq for one, two in pairwise(events))
        assert len(events) == 4
    finally:
        for store in reversed(stores):
            await store.__aexit__(None, None, None)


@pytest.mark.rule("EL1")
@pytest.mark.parametrize(("durability", "synchronous"), [("process", 1), ("power", 2)])
@pytest.mark.asyncio
async def test_an_append_survives_what_the_configuration_says(path, durability, synchronous):
    async with open_store(path, durability=durability) as store:

        def settings(connection: sqlite3.Connection) -> tuple[str, int]:
            [mode] = connection.execute("PRAGMA journal_mode").fetchone()
            [level] = connection.execute("PRAGMA synchronous").fetchone()
            return mode, level

        assert await store._database.write(settings) == ("wal", synchronous)


@pytest.mark.rule("EL6")
@pytest.mark.asyncio
async def test_a_busy_event_loop_does_not_starve_an_append(path):
    loop = asyncio.get_running_loop()
    async with open_store(path) as store, asyncio.timeout(30):

        def spin() -> None:
            nonlocal spinning
            spinning = loop.call_soon(spin)

        spinning = loop.call_soon(spin)
        for number in range(20):
            await store.append(NOTEBOOK, [started(f"{number}")])
        assert await store.head(NOTEBOOK) == 20
        spinning.cancel()


@pytest.mark.rule("EL2")
@pytest.mark.asyncio
async def test_lookups_go_through_an_index(path):
    def plan(connection: sqlite3.Connection, where: str) -> str:
        query = f"EXPLAIN QUERY PLAN SELECT * FROM events WHERE notebook_id = 'n' AND {where}"
        return " ".join(row[3] for row in connection.execute(query))

    async with open_store(path):
        with closing(sqlite3.connect(path)) as connection:
            assert "events_by_cause" in plan(connection, "caused_by = 'c' ORDER BY seq")
            by_name = plan(connection, "seq > 1 AND name IN ('a') AND name <> 'v1.DocumentUpdated'")
            assert "events_by_name" in by_name
            by_seq = plan(connection, "seq > 1 ORDER BY seq LIMIT 10")
            assert "sqlite_autoindex_events_1" in by_seq
            assert "TEMP B-TREE" not in by_seq


def critical(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelname == "CRITICAL"]


@pytest.mark.rule("EL5")
@pytest.mark.parametrize("content", [b"this is no database" * 1000, b"SQLite format 3\0garbage"])
@pytest.mark.asyncio
async def test_a_damaged_store_is_set_aside_and_a_new_one_is_made(path, content, caplog):
    path.parent.mkdir()
    path.write_bytes(content)
    path.with_name("store.db-wal").write_bytes(b"a log")  # empty for SQLite, which removes it
    async with open_store(path, renew_damaged=True) as store:
        [event] = await store.append(NOTEBOOK, [started("a")])
        assert event.seq == 1
    [aside] = path.parent.glob("store.db.damaged-*Z")
    assert aside.read_bytes() == content
    [message] = critical(caplog)
    assert f"{path} is damaged" in message
    assert str(aside) in message
    async with open_store(path, renew_damaged=True) as store:
        assert await store.head(NOTEBOOK) == 1
    assert len(critical(caplog)) == 1


@pytest.mark.rule("EL5")
def test_a_connection_that_could_not_be_made_is_closed_at_once_and_not_when_it_is_collected(
    path, monkeypatch
):
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 1000)
    made = []

    class Connection(sqlite3.Connection):
        def __init__(self, *args, **fields):
            super().__init__(*args, **fields)
            made.append(self)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Connection))
    with pytest.raises(sqlite3.DatabaseError):
        connect(path, "process", 1.0)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_store_that_is_no_more_than_locked_is_not_set_aside(path):
    async with open_store(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            async with open_store(path, renew_damaged=True, busy_timeout=0.05):
                pass
    assert list(path.parent.glob("*.damaged-*")) == []


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_damaged_store_is_not_taken_from_a_server_that_lives(path):
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 1000)
    other = ServerLock(path.parent / "servers", "other")
    other.acquire()
    with pytest.raises(StoreUnavailable, match="another server uses it"):
        async with open_store(path, renew_damaged=True):
            pass
    other.release()
    async with open_store(path, renew_damaged=True):
        pass


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_servers_that_find_a_damaged_store_together_make_one_new_one(path, caplog):
    path.parent.mkdir()
    path.write_bytes(b"this is no database" * 1000)
    stores = [open_store(path, f"{number}", renew_damaged=True) for number in range(4)]
    await asyncio.gather(*(store.__aenter__() for store in stores))
    try:
        await asyncio.gather(*(store.append(NOTEBOOK, [started("a")]) for store in stores))
        assert await stores[0].head(NOTEBOOK) == 4
    finally:
        for store in reversed(stores):
            await store.__aexit__(None, None, None)
    assert len(list(path.parent.glob("*.damaged-*"))) == len(critical(caplog)) == 1


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096 * 10] = b"\xa5" * (4096 * 10)
    path.write_bytes(content)


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_store_whose_damage_is_found_while_running_is_set_aside_at_the_next_start(path):
    async with open_store(path, renew_damaged=True) as store:
        for number in range(2000):
            await store.append(NOTEBOOK, [started(f"{number}")] * 10)
    damage(path)
    async with open_store(path, renew_damaged=True) as store:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="is damaged"):
                await store.read(NOTEBOOK, Seq(0), limit=100_000)
    async with open_store(path, renew_damaged=True) as store:
        assert await store.head(NOTEBOOK) == 0
        await store.append(NOTEBOOK, [started("a")])
    assert len(list(path.parent.glob("store.db.damaged-*"))) == 1


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_store_that_was_suspected_and_is_whole_stays(path):
    async with open_store(path) as store:
        await store.append(NOTEBOOK, [started("a")])
    path.with_name("store.db.suspect").touch()
    async with open_store(path, renew_damaged=True) as store:
        assert await store.head(NOTEBOOK) == 1
    assert not path.with_name("store.db.suspect").exists()


@pytest.mark.rule("EL5")
@pytest.mark.asyncio
async def test_a_store_that_no_document_could_be_found_in_is_set_aside(path):
    async with open_store(path) as store:
        for _ in range(20):
            await store.append(NOTEBOOK, [large(10_000)])
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 30] = b"\xa5" * (4096 * 29)
    path.write_bytes(content)
    async with open_store(path, renew_damaged=True) as store:
        assert await store.head(NOTEBOOK) == 0
    [aside] = path.parent.glob("store.db.damaged-*")
    assert aside.read_bytes() == content
