"""Files that go through Jupyter's contents manager, where more than plain files are behind it.

A save hook, jupytext or a manager that keeps notebooks in a database has its say in every save, so
that the file may then hold something else than the document: what it holds is read again.
"""

import asyncio
import hashlib
import logging
import sqlite3
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from inspect import isawaitable, iscoroutinefunction
from pathlib import Path
from typing import Any, Final, Protocol

import nbformat
from nbformat.sign import SQLiteSignatureStore
from tornado.web import HTTPError

from jupyter_runt.document.ipynb_layout import Style
from jupyter_runt.document.spill import FileText, parts_of
from jupyter_runt.errors import FileUnreadable, NotebookNotFound, RuntError
from jupyter_runt.protocols import FileIdentity
from jupyter_runt.session.file_content import FileContent, FileStamp
from jupyter_runt.session.files import (
    MAX_FILE_BYTES,
    FileChanged,
    FileNotWritten,
    LocalFiles,
    Written,
    is_notebook,
    normal_path,
    too_large,
)

log = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 10.0
"""How long the store waits for a manager to say whether a file exists."""


class Manager(Protocol):
    """What is used of `jupyter_server`'s ContentsManager; each may return an awaitable."""

    def get(self, path: str, content: bool = True, **options: Any) -> Any:
        """Return the model of a file."""
        ...

    def save(self, model: dict[str, Any], path: str) -> Any:
        """Save a file, and return its model without content."""
        ...

    def file_exists(self, path: str) -> Any:
        """Tell whether there is a file."""
        ...


class Contents:
    """A contents manager, called so that it does not hold up the event loop.

    One that is not asynchronous runs in a thread, one call at a time: few of them expect another.
    """

    def __init__(self, manager: Manager) -> None:
        if not iscoroutinefunction(manager.save):
            _share_signatures(getattr(manager, "notary", None))
        self._manager = manager
        self._one_at_a_time = asyncio.Lock()

    async def about(self, path: str) -> dict[str, Any]:
        """Return the model of a file without its content.

        Raises:
            NotebookNotFound, FileUnreadable: as the manager says.
        """
        with _reading(path):
            model = await self._call(self._manager.get, path, content=False)
        if model["type"] == "directory":
            raise FileUnreadable(f"{path} is a folder.", path=path)
        return dict(model)

    async def get(self, path: str) -> dict[str, Any]:
        """Return the model of a file, with its hash if the manager knows hashes; as `about`."""
        kind = {"type": "notebook"} if is_notebook(path) else {"type": "file", "format": "text"}
        with _reading(path):
            try:
                return dict(await self._call(self._manager.get, path, require_hash=True, **kind))
            except TypeError:  # it is older than hashes
                return dict(await self._call(self._manager.get, path, **kind))

    async def write(
        self,
        path: str,
        text: FileText,
        read: Callable[[], Awaitable[tuple[FileContent, str | None]]],
    ) -> Written:
        """Save a file, and read back what the manager and its hooks made of it.

        That is theirs only if nobody else has written since; what somebody else wrote is left for
        the next look at the file, as any change of another program is (FB2). A hook that comes
        after the save may write the file itself, and cannot be told from somebody else.

        Args:
            read: returns the file's content, and the hash that is told of it.

        Raises:
            FileNotWritten: as the manager says, or the file cannot be read now.
        """
        data = b"".join(parts_of(text))
        saved = await self._save(path, data)
        try:
            content, told = await read()
            ours = self._hooks_follow() or _stamp(await self.about(path)) == saved
        except RuntError as error:
            raise FileNotWritten(f"{path} was written, but {error.message}") from error
        if ours:
            return Written(content.identity, content.stamp, told, rewritten=content.data)
        log.info("%s was changed by another program right after it was saved.", path)
        digest = await to_thread(lambda: hashlib.sha256(data).hexdigest())
        return Written(replace(content.identity, digest=digest), saved, None)

    async def _save(self, path: str, data: bytes) -> FileStamp:
        """Return the stamp of the file as the manager left it."""
        try:
            model = await to_thread(_model, path, data)
            return _stamp(await self._call(self._manager.save, model, path))
        except Exception as error:  # whatever a hook or a backend raises
            raise FileNotWritten(f"{path} could not be written: {_words(error)}.") from error

    def _hooks_follow(self) -> bool:
        hooks = ("post_save_hook", "_post_save_hooks")
        return any(getattr(self._manager, name, None) for name in hooks)

    async def exists(self, path: str) -> bool:
        """Tell whether there is a file; who cannot say does not say that it is gone."""
        try:
            return bool(await self._call(self._manager.file_exists, path))
        except Exception as error:  # noqa: BLE001  (whatever a backend raises)
            log.warning("It is not known whether %s exists: %s", path, _words(error))
            return True

    async def _call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        if iscoroutinefunction(method):
            return await method(*arguments, **options)
        async with self._one_at_a_time:
            result = await to_thread(method, *arguments, **options)
            return await result if isawaitable(result) else result


class ContentsFiles:
    """Files that are wherever a contents manager keeps them."""

    rewrites = True

    def __init__(self, manager: Manager) -> None:
        self._contents = Contents(manager)
        self._loop = asyncio.get_running_loop()

    async def identify(self, path: str) -> FileIdentity:
        """See `Files`."""
        place = normal_path(path)
        await self._contents.about(place)
        return FileIdentity(place)

    async def read(
        self,
        path: str,
        *,
        hashed: bool = True,  # noqa: ARG002
        known: FileIdentity | None = None,  # noqa: ARG002
    ) -> FileContent:
        """See `Files`."""
        content, _ = await self._read(normal_path(path))
        return content

    async def stamp(self, path: str) -> FileStamp | None:
        """See `Files`."""
        try:
            return _stamp(await self._contents.about(normal_path(path)))
        except NotebookNotFound:
            return None
        except RuntError:
            return ("unreadable",)  # to read it tells why

    async def write(self, path: str, text: FileText, over: FileStamp | None) -> Written:
        """See `Files`. What the manager made of it is read back."""
        path = normal_path(path)
        if await self.stamp(path) != over:
            raise FileChanged(f"{path} was changed or moved while it was being saved.")

        async def read() -> tuple[FileContent, str | None]:
            return await self._read(path)

        return await self._contents.write(path, text, read)

    async def whereabouts(self, path: str, known: FileIdentity) -> str | None:  # noqa: ARG002
        """See `Files`. Without inodes there is always doubt."""
        return None

    def exists(self, path: str) -> bool:
        """See `Files`."""
        answer = asyncio.run_coroutine_threadsafe(self._contents.exists(path), self._loop)
        try:
            return answer.result(ANSWER_SECONDS)
        except TimeoutError:
            return True

    async def _read(self, path: str) -> tuple[FileContent, str | None]:
        """Return the content, and the hash that the manager tells of it."""
        about = await self._contents.about(path)
        if (about.get("size") or 0) >= MAX_FILE_BYTES:
            raise too_large(path, about["size"])
        model = await self._contents.get(path)
        data = await to_thread(_bytes, model)
        digest = hashlib.sha256(data).hexdigest()
        identity = FileIdentity(path, digest=digest)
        # Of before the content: if it changed in between, it is read again.
        return FileContent(data, identity, _stamp(about)), model.get("hash")


class HookedFiles(LocalFiles):
    """Plain files with a save hook: the contents manager writes them, and nothing else."""

    rewrites = True

    def __init__(self, root: Path, manager: Manager, **options: Any) -> None:
        super().__init__(root, **options)
        self._contents = Contents(manager)

    async def write(self, path: str, text: FileText, over: FileStamp | None) -> Written:
        """See `Files`. What the hook made of it is read back."""
        if await self.stamp(path) != over:
            raise FileChanged(f"{path} was changed or moved while it was being saved.")

        async def read() -> tuple[FileContent, str | None]:
            content = await self.read(path)
            return content, await to_thread(self.content_hash, content.data)

        return await self._contents.write(path, text, read)


def _share_signatures(notary: Any) -> None:
    """Let a notary be used in threads: its database is connected for the one that made it."""
    store = getattr(notary, "store", None)
    if isinstance(store, SQLiteSignatureStore) and store.db is not None:
        store.close()  # type: ignore[no-untyped-call]
        store.db = sqlite3.connect(
            store.db_file,
            detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES,
            check_same_thread=False,
        )
        store.init_db(store.db)  # type: ignore[no-untyped-call]


@contextmanager
def emitting_on(loop: asyncio.AbstractEventLoop, event_logger: Any) -> Iterator[None]:
    """Let contents managers emit their events from threads: listeners are tasks of the loop."""
    emit = event_logger.emit

    def emit_on_loop(**event: Any) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return loop.call_soon_threadsafe(lambda: emit(**event))
        return emit(**event)

    event_logger.emit = emit_on_loop
    try:
        yield
    finally:
        event_logger.emit = emit


def _model(path: str, data: bytes) -> dict[str, Any]:
    text = data.decode()
    if not is_notebook(path):
        return {"type": "file", "format": "text", "content": text}
    # Validation is the manager's; trust is not for a file to claim, and is left out by this.
    errors: dict[str, Any] = {}
    notebook = nbformat.reads(  # type: ignore[no-untyped-call]
        text.removeprefix("\ufeff"), as_version=4, capture_validation_error=errors
    )
    return {"type": "notebook", "format": "json", "content": notebook}


def _bytes(model: dict[str, Any]) -> bytes:
    content = model["content"]
    if model["type"] != "notebook":
        return str(content).encode()
    for cell in content.get("cells", ()):
        cell.get("metadata", {}).pop("trusted", None)
    return (Style().dump(content, 0) + "\n").encode()


def _stamp(model: dict[str, Any]) -> FileStamp:
    return str(model.get("last_modified")), str(model.get("size"))


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turn what a manager raises into our errors, in words."""
    try:
        yield
    except TypeError:
        raise
    except HTTPError as error:
        if error.status_code == 404:
            raise NotebookNotFound(f"There is no file {path}.", path=path) from error
        raise FileUnreadable(f"{path} cannot be read: {_words(error)}.", path=path) from error
    except Exception as error:  # whatever a backend raises
        raise FileUnreadable(f"{path} cannot be read: {_words(error)}.", path=path) from error


def _words(error: Exception) -> str:
    if isinstance(error, HTTPError):
        said = error.log_message or error.reason or f"status {error.status_code}"
        return (said % error.args if error.args else said).rstrip(".")
    return str(error).rstrip(".") or type(error).__name__
