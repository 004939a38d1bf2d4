"""What the notary vouches for is the same, however a file was read (EX9)."""

import asyncio
import base64
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any
from unittest.mock import patch

import nbformat
import pytest
from nbformat.sign import MemorySignatureStore, NotebookNotary, SQLiteSignatureStore

from jupyter_runt.document.ipynb import read_notebook
from jupyter_runt.session.trust import NotaryTrust

pytestmark = pytest.mark.asyncio

PICTURE = bytes(range(200))


@pytest.fixture(autouse=True)
def _everything_is_large() -> Iterator[None]:
    with patch("jupyter_runt.document.ipynb_cutter.LARGE", 20):
        yield


@pytest.mark.parametrize(
    "value",
    [
        base64.b64encode(PICTURE).decode(),
        base64.encodebytes(PICTURE).decode(),
        base64.encodebytes(PICTURE).decode().splitlines(keepends=True),
        base64.b64encode(PICTURE).decode() + " \\n and words",
        {"a": [1, "words that are long enough"]},
    ],
)
@pytest.mark.rule("EX9")
async def test_what_jupyter_signed_is_signed_where_its_large_values_are_read_in_parts(
    value: object,
) -> None:
    mime = "application/json" if isinstance(value, dict) else "image/png"
    output = {"output_type": "display_data", "metadata": {}, "data": {mime: value}}
    cell = {"cell_type": "code", "id": "c", "metadata": {}, "source": "1", "execution_count": 1}
    notebook = {"cells": [{**cell, "outputs": [output]}], "metadata": {}, "nbformat": 4}
    text = json.dumps({**notebook, "nbformat_minor": 5})
    notary = NotebookNotary(data_dir="", secret=b"s", store_factory=MemorySignatureStore)
    notary.sign(nbformat.reads(text, as_version=4))
    trust = NotaryTrust(notary)
    data = text.encode()
    assert await trust.is_signed(read_notebook(lambda: (data[:99], data[99:])).signed)
    other = data.replace(b"words", b"swords").replace(b"AAEC", b"AAED")
    assert await trust.is_signed(read_notebook(lambda: (other,)).signed) == (other == data)


@pytest.mark.rule("EX9", "EL5")
async def test_who_cannot_write_signatures_trusts_nothing_and_opens_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path = str(tmp_path / "signatures.db")
    with NotebookNotary(data_dir="", secret=b"s", db_file=path) as notary:
        trust = NotaryTrust(notary)
        await trust.sign(notebook)
        assert await trust.is_signed(notebook)
        db = notary.store.db
        for change in ("UPDATE", "INSERT"):  # as where the disk is full
            refuse = f"BEFORE {change} ON nbsignatures BEGIN SELECT RAISE(ABORT, 'no room'); END"
            db.execute(f"CREATE TRIGGER no_{change} {refuse}")
        assert not await trust.is_signed(notebook)
        await trust.sign({**notebook, "metadata": {"another": True}})
        db.execute("DROP TRIGGER no_UPDATE")
        assert await trust.is_signed(notebook)
        assert not await trust.is_signed({**notebook, "metadata": {"another": True}})
    assert caplog.text.count("no room") == 2


@pytest.mark.rule("EX9")
async def test_nothing_waits_with_who_waits_for_a_signature_that_another_process_locks(
    tmp_path: Path,
) -> None:
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path, asked = str(tmp_path / "signatures.db"), Event()

    check = SQLiteSignatureStore.check_signature

    def checked(*args: Any) -> Any:
        asked.set()
        return check(*args)

    with (
        NotebookNotary(data_dir="", secret=b"s", db_file=path) as notary,
        closing(sqlite3.connect(path)) as another,
        patch("jupyter_runt.session.trust.LOCKED_SECONDS", 60),
        patch.object(SQLiteSignatureStore, "check_signature", checked),
    ):
        trust = NotaryTrust(notary)
        await trust.sign(notebook)
        asked.clear()
        another.execute("BEGIN EXCLUSIVE")
        answer = asyncio.create_task(trust.is_signed(notebook))
        assert await asyncio.to_thread(asked.wait, 60)
        another.rollback()
        assert await answer
