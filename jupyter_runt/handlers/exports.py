"""`GET /api/nbconvert`: Jupyter's own, when it is in nobody's way."""

from asyncio import to_thread
from contextlib import suppress
from importlib import import_module
from typing import Any

from jupyter_server.services.nbconvert.handlers import NbconvertRootHandler


class PatientExportsHandler(NbconvertRootHandler):
    """The list of formats for a menu, which JupyterLab asks for while it opens a notebook.

    Jupyter imports nbconvert for it on the event loop, and reads what all installed packages say of
    themselves for each format: a third of a second in which nothing else gets far.
    """

    async def prepare(self, **kwargs: Any) -> None:
        """Authenticate, and wait for better times."""
        await super().prepare(**kwargs)
        await self.settings["runt_sessions"].calm.come()
        with suppress(ImportError):  # Jupyter says so
            await to_thread(import_module, "nbconvert.exporters")
