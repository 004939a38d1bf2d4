import asyncio
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jupyter_runt.errors import StaleFence, StoreUnavailable
from jupyter_runt.storage.sqlite.writer import Writer


class Disk:
    """Makes connections that record their statements, and fail when told to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.statements: list[str] = []
        self.failing: set[str] = set()
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE numbers (number UNIQUE)")
        connection.close()

    def connect(self) -> sqlite3.Connection:
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
                disk.statements.append(statement)
                if statement in disk.failing:
                    raise sqlite3.OperationalError("the disk broke")
                return super().execute(statement, *parameters)

        return sqlite3.connect(self.path, isolation_level=None, factory=Connection)

    def numbers(self) -> list[int]:
        connection = sqlite3.connect(self.path)
        try:
            return [row[0] for row in connection.execute("SELECT number FROM numbers")]
        finally:
            connection.close()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "store.db")


def insert(number: int, connection: sqlite3.Connection) -> int:
    connection.execute("INSERT INTO numbers VALUES (?)", (number,))
    return number


def insert_and_fail(number: int, error: Exception, connection: sqlite3.Connection) -> None:
    insert(number, connection)
    raise error


@pytest.mark.asyncio
async def test_what_waits_together_is_committed_together_and_answered_in_order(disk):
    async with Writer(disk.path, disk.connect) as writer:
        results = await asyncio.gather(*(writer.run(partial(insert, n)) for n in range(20)))
    assert results == list(range(20))
    assert disk.numbers() == results
    assert disk.statements.count("COMMIT") < 20


@pytest.mark.asyncio
async def test_work_that_fails_leaves_nothing_and_harms_nobody(disk):
    async with Writer(disk.path, disk.connect) as writer:
        outcomes = await asyncio.gather(
            writer.run(partial(insert, 1)),
            writer.run(partial(insert_and_fail, 2, StaleFence("old"))),
            writer.run(partial(insert_and_fail, 3, ZeroDivisionError())),
            writer.run(partial(insert, 1)),
            writer.run(partial(insert, 4)),
            return_exceptions=True,
        )
    kinds = [outcome if isinstance(outcome, int) else type(outcome) for outcome in outcomes]
    assert kinds == [1, StaleFence, ZeroDivisionError, sqlite3.IntegrityError, 4]
    assert disk.numbers() == [1, 4]


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "COMMIT"])
@pytest.mark.asyncio
async def test_a_commit_that_fails_fails_everybody_and_the_next_one_is_tried(disk, statement):
    async with Writer(disk.path, disk.connect) as writer:
        disk.failing.add(statement)
        outcomes = await asyncio.gather(
            *(writer.run(partial(insert, n)) for n in range(3)), return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        assert disk.numbers() == []
        disk.failing.clear()
        assert await writer.run(partial(insert, 7)) == 7
    assert disk.numbers() == [7]


@pytest.mark.asyncio
async def test_a_database_that_cannot_be_opened_fails_who_waits_and_is_tried_again(disk):
    def connect() -> sqlite3.Connection:
        if broken:
            raise broken.pop()
        return disk.connect()

    broken: list[Exception] = [ZeroDivisionError(), sqlite3.OperationalError("no such file")]
    async with Writer(disk.path, connect) as writer:
        with pytest.raises(StoreUnavailable, match="no such file"):
            await writer.run(partial(insert, 1))
        with pytest.raises(ZeroDivisionError):
            await writer.run(partial(insert, 1))
        assert await writer.run(partial(insert, 1)) == 1


@pytest.mark.asyncio
async def test_closing_finishes_what_waits(disk):
    async with Writer(disk.path, disk.connect) as writer:
        waiting = [asyncio.ensure_future(writer.run(partial(insert, n))) for n in range(5)]
        await asyncio.wait(waiting, timeout=0)
    assert await asyncio.gather(*waiting) == list(range(5))
    with pytest.raises(StoreUnavailable, match="is closed"):
        await writer.run(partial(insert, 9))


@pytest.mark.asyncio
async def test_work_goes_on_when_whoever_asked_for_it_gave_up(disk):
    async with Writer(disk.path, disk.connect) as writer:
        given_up = asyncio.ensure_future(writer.run(partial(insert, 1)))
        await asyncio.wait([given_up], timeout=0)
        given_up.cancel()
        assert await writer.run(partial(insert, 2)) == 2
    assert disk.numbers() == [1, 2]
