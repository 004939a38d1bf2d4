"""Jupyter's session manager, where every session of a notebook is on the notebook's one kernel."""

import asyncio
import posixpath
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.multikernelmanager import DuplicateKernelError
from jupyter_core.utils import ensure_async
from tornado import web

from jupyter_runt.errors import RuntError
from jupyter_runt.execution.hooks import RuntimePort
from jupyter_runt.execution.kernel_manager import Gates

_VS_CODE: Final = re.compile(r"-jvsc-[0-9a-fA-F-]{32,}(?=\.ipynb$)")
"""What VS Code puts into the path of a notebook so that the server takes it for a new one."""


def candidate_paths(path: str | None, name: str | None) -> list[str]:
    """Return the paths at which a session's notebook may be, the likeliest first.

    JupyterLab invents the last part of the path and sends the true one as the name; it patches the
    path later. VS Code marks the path. Everybody else sends the path as it is.
    """
    if not path:
        return []
    paths = [path]
    if name and "/" not in name:
        paths.insert(0, posixpath.join(posixpath.dirname(path), name))
    unmarked = [_VS_CODE.sub("", candidate) for candidate in paths]
    return list(dict.fromkeys([*unmarked, *paths]))


_ROW: Final = ("session_id", "path", "name", "type")

_Base: Any = object


class OneKernelSessions(_Base):  # type: ignore[misc]
    """What `one_kernel_session_manager` adds."""

    runtimes: RuntimePort | None = None
    adopting: asyncio.Event | None = None
    """Set when the kernels that outlived a server are back; None where nobody looks for them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_rows: Callable[[str], None] = lambda _kernel_id: None
        """Told of each notebook's kernel whose sessions changed."""
        self._gates = Gates()
        self._switching: dict[str, asyncio.Event] = {}

    async def session_exists(self, path: str) -> bool:
        """See the base class. No session is the only one of a notebook."""
        if await self._notebook_at(path, None) is not None:
            return False
        return bool(await ensure_async(super().session_exists(path)))

    async def create_session(
        self,
        path: str | None = None,
        name: Any = None,
        type: str | None = None,  # noqa: A002 (the base class calls it so)
        kernel_name: Any = None,
        kernel_id: str | None = None,
    ) -> dict[str, Any]:
        """See the base class. A notebook's session joins its kernel or starts it.

        Raises:
            DuplicateKernelError: a kernel was named that is not the notebook's, or the notebook
                is another server's. The handler answers 409.
        """
        notebook = await self._notebook_at(path, name) if type == "notebook" else None
        if notebook is None:
            if path and type != "notebook" and await super().session_exists(path):
                model = await self.get_session(path=path)
            else:
                model = await super().create_session(path, name, type, kernel_name, kernel_id)
            return dict(model)
        async with self._gates[notebook]:
            own = await self._ensure(notebook, kernel_name, kernel_id)
            model = dict(await super().create_session(path, name, type, kernel_name, own))
            self.on_rows(own)
            return model

    async def list_sessions(self) -> list[dict[str, Any]]:
        """See the base class. Sessions that are about to come back are waited for."""
        if self.adopting is not None:
            await self.adopting.wait()
        return list(await super().list_sessions())

    def rows_of(self, kernel_id: str) -> list[dict[str, Any]]:
        """Return the sessions of a kernel, as `restore` takes them."""
        self.cursor.execute("SELECT * FROM session WHERE kernel_id=?", (kernel_id,))
        return [{key: row[key] for key in _ROW} for row in self.cursor.fetchall()]

    async def restore(self, kernel_id: str, rows: list[dict[str, Any]]) -> None:
        """Bring back the sessions of a kernel that outlived a server."""
        for row in rows:
            if self._row(row["session_id"]) is None:
                await self.save_session(**row, kernel_id=kernel_id)

    async def _ensure(self, notebook: str, kernel_name: Any, kernel_id: str | None) -> str:
        runtimes = self._runtimes()
        known = kernel_id is not None and kernel_id in self.kernel_manager
        if known and kernel_id != runtimes.kernel_of(notebook):
            raise DuplicateKernelError(_not_yours(notebook, kernel_id))
        try:
            return await runtimes.ensure(notebook, kernel_name, kernel_id)
        except RuntError as error:
            if isinstance(error.__cause__, NoSuchKernel):
                raise error.__cause__ from None
            if error.status < 500:
                raise DuplicateKernelError(error.message) from error
            raise

    async def start_kernel_for_session(
        self, session_id: str, *args: Any, kernel_name: Any = None, **kwargs: Any
    ) -> str:
        """See the base class. A session that changes its kernel changes the notebook's."""
        old = self._kernel_id_of(session_id)
        if old is None or not self._owned(old):
            started = super().start_kernel_for_session(
                session_id, *args, kernel_name=kernel_name, **kwargs
            )
            return str(await started)
        specs = self.kernel_manager.kernel_spec_manager
        await asyncio.to_thread(specs.get_kernel_spec, kernel_name)  # before the old one is gone
        async with self._gate_of(old):
            now = self._kernel_id_of(session_id) or old
            if now != old and self.kernel_manager.get_kernel(now).kernel_name == kernel_name:
                return now  # somebody else asked for the same at the same time
            async with self._replacing(now):
                new = await self._runtimes().switch(now, kernel_name)
                self.cursor.execute("UPDATE session SET kernel_id=? WHERE kernel_id=?", (new, now))
                self.kernel_manager.replaced(now)
            self.on_rows(new)
            return new

    @asynccontextmanager
    async def _replacing(self, kernel_id: str) -> AsyncIterator[None]:
        done = self._switching[kernel_id] = asyncio.Event()
        try:
            yield
        finally:
            del self._switching[kernel_id]
            done.set()

    async def row_to_model(self, row: Any, tolerate_culled: bool = False) -> Any:
        """See the base class. A row whose kernel is being replaced waits for the new one.

        `row` may have been read before that.
        """
        row = self._row(row["session_id"]) or row
        while (done := self._switching.get(row["kernel_id"])) is not None:
            await done.wait()
            row = self._row(row["session_id"]) or row
        return await ensure_async(super().row_to_model(row, tolerate_culled))

    async def update_session(self, session_id: str, **kwargs: Any) -> None:
        """See the base class. A notebook's session stays on the notebook's kernel.

        Raises:
            HTTPError: 409, the session is a notebook's and the kernel is not.
        """
        row, new = self._row(session_id), kwargs.get("kernel_id")
        if row is None or new is None or new == row["kernel_id"]:
            await ensure_async(super().update_session(session_id, **kwargs))
            if row is not None:
                self.on_rows(row["kernel_id"])
            return
        old = str(row["kernel_id"])
        if row["type"] == "notebook" and (self._owned(old) or self._owned(new)):
            raise web.HTTPError(409, _not_yours(row["path"], new))
        await ensure_async(super().update_session(session_id, **kwargs))
        self.on_rows(new)
        if self._owned(old):  # a console leaves: the notebook stays
            self.kernel_manager.spare(old)
            await self._release_if_last(old)

    async def delete_session(self, session_id: str) -> None:
        """See the base class. The kernel of a notebook stops with its last session."""
        kernel_id = (await self.get_session(session_id=session_id))["kernel"]["id"]
        if not self._owned(kernel_id):
            await ensure_async(super().delete_session(session_id))
            return
        async with self._gate_of(kernel_id):
            self.cursor.execute("DELETE FROM session WHERE session_id=?", (session_id,))
            await self._release_if_last(kernel_id)

    async def _release_if_last(self, kernel_id: str) -> None:
        self.on_rows(kernel_id)
        self.cursor.execute("SELECT 1 FROM session WHERE kernel_id=? LIMIT 1", (kernel_id,))
        if self.cursor.fetchone() is None:
            await self._runtimes().release(kernel_id)

    async def _notebook_at(self, path: str | None, name: str | None) -> str | None:
        if self.runtimes is not None:
            for candidate in candidate_paths(path, name):
                if notebook := await self.runtimes.notebook_at(candidate):
                    return notebook
        return None

    def _runtimes(self) -> RuntimePort:
        if self.runtimes is None:
            raise web.HTTPError(503, "The server is not ready to run notebooks.")
        return self.runtimes

    def _owned(self, kernel_id: str | None) -> bool:
        runtimes = self.runtimes
        if runtimes is None or kernel_id is None:
            return False
        return runtimes.notebook_of(kernel_id) is not None

    def _gate_of(self, kernel_id: str) -> asyncio.Lock:
        return self._gates[self._runtimes().notebook_of(kernel_id) or kernel_id]

    def _row(self, session_id: str) -> Any:
        self.cursor.execute("SELECT * FROM session WHERE session_id=?", (session_id,))
        return self.cursor.fetchone()

    def _kernel_id_of(self, session_id: str) -> str | None:
        row = self._row(session_id)
        return row["kernel_id"] if row else None


def one_kernel_session_manager(base: type[Any]) -> type[Any]:
    """Return a subclass of a `SessionManager` that keeps one kernel for each notebook.

    Each session of type `notebook` whose file exists is a row of its own on that kernel. Its kernel
    manager is one of `owned_kernel_manager`. Until `runtimes` is set, and for all other sessions,
    it does as `base`.
    """

    class OneKernelSessionManager(OneKernelSessions, base):  # type: ignore[misc]
        pass

    return OneKernelSessionManager


def _not_yours(notebook: str, kernel_id: str | None) -> str:
    return f"{notebook} runs on a kernel of its own; {kernel_id} is another one."
