"""What all ways to a document's file do."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from jupyter_server.services.contents.filemanager import (
    AsyncFileContentsManager,
    FileContentsManager,
)
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.sign import NotebookNotary

from jupyter_runt.document.ipynb import read_notebook
from jupyter_runt.errors import FileUnreadable, NotebookNotFound
from jupyter_runt.protocols import FileIdentity
from jupyter_runt.session.contents import ContentsFiles, HookedFiles
from jupyter_runt.session.files import FileChanged, FileNotWritten, Files, LocalFiles
from tests.integration.managers import AsyncMemoryContents, MemoryContents

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("FB1")]

NOTEBOOK = json.dumps(
    {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": 1,
                "id": "a",
                "metadata": {"tags": ["x"], "trusted": True},
                "outputs": [{"name": "stdout", "output_type": "stream", "text": ["é\n", "😀"]}],
                "source": ["x = 1\n", "'\\ud800'"],
            },
            {"cell_type": "markdown", "id": "b", "metadata": {}, "source": "# T"},
        ],
        "metadata": {"odd": {"z": 1, "a": [None]}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
).encode()

MAKERS: dict[str, Callable[..., Files]] = {
    "local": lambda root, **_: LocalFiles(root),
    "hooked": lambda root, **traits: HookedFiles(root, FileContentsManager(**traits)),
    "hooked async": lambda root, **traits: HookedFiles(root, AsyncLargeFileManager(**traits)),
    "contents": lambda root, **traits: ContentsFiles(FileContentsManager(**traits)),
    "contents async": lambda root, **traits: ContentsFiles(AsyncFileContentsManager(**traits)),
    "memory": lambda root, **traits: ContentsFiles(MemoryContents(notary=traits["notary"])),
    "memory async": lambda root, **traits: ContentsFiles(
        AsyncMemoryContents(notary=traits["notary"])
    ),
}


@pytest_asyncio.fixture(params=MAKERS)
async def files(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Files]:
    (tmp_path / "folder").mkdir()
    with NotebookNotary(data_dir=str(tmp_path), db_file=":memory:", secret=b"s") as notary:
        yield MAKERS[request.param](tmp_path, root_dir=str(tmp_path), notary=notary)


async def test_what_is_written_is_read(files: Files) -> None:
    assert await files.stamp("a.txt") is None
    written = await files.write("a.txt", "é\r\n".encode(), None)
    content = await files.read("a.txt")
    assert content.data == "é\r\n".encode()
    assert content.identity == written.identity
    assert content.identity.digest
    assert content.stamp == written.stamp == await files.stamp("a.txt")
    again = await files.write("a.txt", b"new", written.stamp)
    assert (await files.read("a.txt")).data == b"new"
    assert again.identity.digest != written.identity.digest
    assert again.stamp != written.stamp


async def test_a_notebook_comes_back_as_it_was(files: Files) -> None:
    written = await files.write("a.ipynb", NOTEBOOK, None)
    content = await files.read("a.ipynb")
    assert content.identity == written.identity
    assert read_notebook(content.data).notebook == read_notebook(NOTEBOOK).notebook
    again = await files.write("a.ipynb", content.data, written.stamp)
    assert again.identity.digest == written.identity.digest


@pytest.mark.rule("FB3")
async def test_what_somebody_else_wrote_is_not_written_over(files: Files) -> None:
    ours = await files.write("a.txt", b"ours", None)
    theirs = await files.write("a.txt", b"theirs", ours.stamp)
    for stamp in (ours.stamp, None):
        with pytest.raises(FileChanged):
            await files.write("a.txt", b"late", stamp)
    with pytest.raises(FileChanged):
        await files.write("gone.txt", b"late", theirs.stamp)
    assert (await files.read("a.txt")).data == b"theirs"


@pytest.mark.rule("FB5")
async def test_what_is_not_there_says_so(files: Files) -> None:
    for path in ("gone.txt", "folder/gone.ipynb", "nowhere/a.txt"):
        with pytest.raises(NotebookNotFound):
            await files.identify(path)
        with pytest.raises(NotebookNotFound):
            await files.read(path)
        assert await files.stamp(path) is None
        assert await asyncio.to_thread(files.exists, path) is False
    for refused in (files.identify, files.read):
        with pytest.raises(FileUnreadable):
            await refused("folder")


@pytest.mark.rule("FB3")
async def test_a_file_has_one_path_however_it_is_spelled(files: Files) -> None:
    await files.write("a.txt", b"", None)
    for spelling in ("a.txt", "/a.txt", "./folder/../a.txt"):
        assert (await files.identify(spelling)).path == "a.txt"
        assert (await files.read(spelling)).identity.path == "a.txt"
    assert await asyncio.to_thread(files.exists, "a.txt") is True


@pytest.mark.rule("FB3")
async def test_what_cannot_be_found_without_doubt_is_nowhere(files: Files) -> None:
    written = await files.write("a.txt", b"text", None)
    other = FileIdentity("a.txt", 1, 2, written.identity.digest)
    assert await files.whereabouts("a.txt", other) is None


async def test_a_write_that_fails_says_why(files: Files) -> None:
    with pytest.raises(FileNotWritten, match=r"nowhere/.*could not be written"):
        await files.write("nowhere/a.txt", b"", None)
