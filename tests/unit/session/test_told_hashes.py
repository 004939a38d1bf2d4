"""The contents API tells the same hashes as without us."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from jupyter_server.services.contents.largefilemanager import (
    AsyncLargeFileManager,
    LargeFileManager,
)
from tornado.web import HTTPError

from jupyter_runt.session.files import LocalFiles
from jupyter_runt.session.told_hashes import hashing_aside

pytestmark = pytest.mark.asyncio

NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
async def test_models_are_those_of_the_manager_which_hashes_nothing_without_content(
    tmp_path: Path, algorithm: str
) -> None:
    (tmp_path / "nb.ipynb").write_text(
        '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "folder").mkdir()
    manager = AsyncLargeFileManager(root_dir=str(tmp_path), hash_algorithm=algorithm)

    async def models() -> list[Any]:
        told = [await manager.get("nb.ipynb", content=True, require_hash=True)]
        for path in ("nb.ipynb", "/a.txt", "folder"):
            told.append(await manager.get(path, content=False, require_hash=True))
            told.append(await manager.get(path, False))
            told.append(await manager.get(path, False, None, None, True))
        return told

    expected = await models()
    with hashing_aside(manager, LocalFiles(tmp_path, hash_algorithm=algorithm)):
        assert await models() == expected
        with patch.object(manager, "_get_hash", side_effect=AssertionError):
            await manager.get("nb.ipynb", content=False, require_hash=True)
        for wrong in ({"path": "gone.ipynb"}, {"path": "a.txt", "type": "directory"}):
            with pytest.raises(HTTPError):
                await manager.get(content=False, require_hash=True, **wrong)
    with patch.object(manager, "_get_hash", return_value={"hash": "theirs"}):
        assert (await manager.get("a.txt", content=False, require_hash=True))["hash"] == "theirs"


async def test_a_file_that_goes_meanwhile_is_for_the_manager_to_speak_of(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    manager, files = AsyncLargeFileManager(root_dir=str(tmp_path)), LocalFiles(tmp_path)

    def gone(path: str) -> str:
        file.unlink()
        return LocalFiles.told_hash(files, path)

    with (
        patch.object(files, "told_hash", gone),
        hashing_aside(manager, files),
        pytest.raises(HTTPError, match="404"),
    ):
        await manager.get("a.txt", content=False, require_hash=True)


async def test_a_manager_that_is_not_asynchronous_is_left_alone(tmp_path: Path) -> None:
    manager = LargeFileManager(root_dir=str(tmp_path))
    with hashing_aside(manager, LocalFiles(tmp_path)):
        assert manager.get("", content=False)["type"] == "directory"


async def test_what_others_make_of_a_manager_s_files_is_theirs_to_hash(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    manager = AsyncLargeFileManager(root_dir=str(tmp_path))
    own = manager.get

    async def theirs(path: str, **options: Any) -> Any:
        return {**await own(path, **options), "hash": "theirs"}

    with patch.object(manager, "get", theirs), hashing_aside(manager, LocalFiles(tmp_path)):
        assert (await manager.get("a.txt", content=False, require_hash=True))["hash"] == "theirs"
    with hashing_aside(manager, LocalFiles(tmp_path)):
        own, manager.get = manager.get, theirs
    assert (await manager.get("a.txt", content=False, require_hash=True))["hash"] == "theirs"
