"""Contents managers and save hooks that servers of the tests are configured with."""

import json
import posixpath
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_server.serverapp import ServerApp
from jupyter_server.services.contents.checkpoints import AsyncCheckpoints, Checkpoints
from jupyter_server.services.contents.manager import AsyncContentsManager, ContentsManager
from tornado.web import HTTPError

START = datetime(2020, 1, 1, tzinfo=UTC)


class NoCheckpoints(Checkpoints):
    """Keeps none."""

    def list_checkpoints(self, path: str) -> list[Any]:
        return []


class NoAsyncCheckpoints(AsyncCheckpoints):
    """Keeps none."""

    async def list_checkpoints(self, path: str) -> list[Any]:
        return []


class MemoryContents(ContentsManager):
    """Keeps everything in a dictionary, as it was saved, and knows neither hashes nor inodes."""

    checkpoints_class = NoCheckpoints

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.models: dict[str, dict[str, Any]] = {}
        self.saves = 0
        self.failure: str | None = None

    def is_hidden(self, path: str) -> bool:
        return False

    def dir_exists(self, path: str) -> bool:
        return path.strip("/") in ("", "folder")

    def file_exists(self, path: str = "") -> bool:
        return path.strip("/") in self.models

    def get(self, path: str, content: bool = True, type: Any = None, format: Any = None):  # noqa: A002
        path = path.strip("/")
        if self.dir_exists(path):
            entries = [self.get(name, content=False) for name in self.models]
            return self._model(path, type="directory", content=entries, format="json")
        if path not in self.models:
            raise HTTPError(404, "no %s here", path)
        model = deepcopy(self.models[path])
        return model if content else {**model, "content": None, "format": None}

    def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        path = path.strip("/")
        self.run_pre_save_hooks(model=model, path=path)
        if self.failure:
            raise HTTPError(507, self.failure)
        if not self.dir_exists(posixpath.dirname(path)):
            raise HTTPError(404, "no folder for %s", path)
        self.saves += 1
        kept = {key: deepcopy(model[key]) for key in ("type", "content", "format")}
        self.models[path] = self._model(path, **kept)
        self.emit(data={"action": "save", "path": path})
        return self.get(path, content=False)

    def delete_file(self, path: str) -> None:
        del self.models[path.strip("/")]

    def rename_file(self, old_path: str, new_path: str) -> None:
        model = self.models.pop(old_path.strip("/"))
        path = new_path.strip("/")
        self.models[path] = {**model, "path": path, "name": posixpath.basename(path)}

    def _model(self, path: str, **parts: Any) -> dict[str, Any]:
        when = START + timedelta(seconds=self.saves)
        about = {"name": posixpath.basename(path), "path": path, "writable": True}
        return about | {"created": START, "last_modified": when, "mimetype": None} | parts


class OvertakenContents(MemoryContents):
    """Somebody writes another last cell right after a save, before the save is read back."""

    def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        saved = super().save(model, path)
        cells = model["content"]["cells"]
        if cells[0]["source"].endswith("!") and "outside" not in cells[-1]["source"]:
            cells[-1]["source"] += ", outside"
            super().save(model, path)
        return saved


class AsyncMemoryContents(AsyncContentsManager):
    """The same, asynchronously."""

    checkpoints_class = NoAsyncCheckpoints

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.inner = MemoryContents(parent=self, notary=self.notary)

    async def is_hidden(self, path: str) -> bool:
        return False

    async def dir_exists(self, path: str) -> bool:
        return self.inner.dir_exists(path)

    async def file_exists(self, path: str = "") -> bool:
        return self.inner.file_exists(path)

    async def get(self, path: str, content: bool = True, **options: Any) -> dict[str, Any]:
        return self.inner.get(path, content, **options)

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        return self.inner.save(model, path)

    async def delete_file(self, path: str) -> None:
        self.inner.delete_file(path)

    async def rename_file(self, old_path: str, new_path: str) -> None:
        self.inner.rename_file(old_path, new_path)


def strip_outputs(model: dict[str, Any], **_: Any) -> None:
    """Save notebooks without outputs, as many groups have it for git."""
    if model["type"] == "notebook":
        for cell in model["content"]["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None


def write_script(os_path: str, model: dict[str, Any], **_: Any) -> None:
    """Put a .py with its code beside each notebook that is saved."""
    if model["type"] == "notebook":
        cells = json.loads(Path(os_path).read_bytes())["cells"]
        code = "".join("".join(cell["source"]) + "\n" for cell in cells)
        Path(os_path).with_suffix(".py").write_text(code, encoding="utf-8")


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    """Register the hooks, as extensions do."""
    serverapp.contents_manager.register_pre_save_hook(strip_outputs)
    serverapp.contents_manager.register_post_save_hook(write_script)
