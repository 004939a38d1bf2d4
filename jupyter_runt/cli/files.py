"""Whether a file holds what the log says that it does (FB1)."""

from asyncio import to_thread
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

from jupyter_runt.document.spill import parts_of
from jupyter_runt.errors import RuntError
from jupyter_runt.ids import NotebookId
from jupyter_runt.protocols import EventLog, Registration, Store
from jupyter_runt.session.content import Content, NotebookContent, TextContent
from jupyter_runt.session.file_content import FileContent
from jupyter_runt.session.files import (
    LocalFiles,
    is_notebook,
)
from jupyter_runt.session.history import past

FileVerdict = Literal["same", "changed", "missing", "deleted", "differs"]

SENTENCES: Final[dict[FileVerdict, str]] = {
    "same": "the file holds it as of the last checkpoint",
    "changed": "another program changed the file since the last checkpoint",
    "missing": "there is no such file below the root folder",
    "deleted": "its file was deleted",
    "differs": "the file, which nobody else changed, does not hold the checkpoint",
}


async def compare(store: Store, notebook_id: NotebookId, root: Path) -> FileVerdict:
    """Compare a file with the document as of its last checkpoint.

    A server may save it meanwhile.

    Args:
        root: the folder at which registered paths begin.

    Raises:
        Compacted, StoreUnavailable: as `EventLog.read`.
    """
    known = await store.get(notebook_id)
    while known is not None:
        verdict = await _compare(store, known, root)
        before, known = known, await store.get(notebook_id)
        if verdict in ("same", "missing") or known == before:
            return verdict
    return "deleted"


async def _compare(log: EventLog, known: Registration, root: Path) -> FileVerdict:
    try:
        file = await LocalFiles(root, allow_hidden=True).read(known.file.path)
    except RuntError:
        return "missing"
    if file.identity.digest != known.file.digest:
        return "changed"
    notebook = is_notebook(file.identity.path)
    content: Content[Any, Any] = NotebookContent() if notebook else TextContent()
    rendered = await _rendered(log, known, content, file)
    return "same" if rendered == file.data else "differs"


async def _rendered(
    log: EventLog, known: Registration, content: Content[Any, Any], file: FileContent
) -> bytes:
    """Return what a save at the checkpoint would write over the file."""
    before = await past(log, known.notebook_id, known.checkpoint_seq)
    document = content.empty(None)
    await to_thread(document.apply, before.updates)
    projection = content.projection(
        await to_thread(lambda: content.parse(file.content, known.file.path))
    )

    async def read(view: Callable[[Any], Any]) -> Any:
        return view(document)

    projection.adopt(document)
    projection.expect_all()
    await projection.gather(read, lambda: known.checkpoint_seq)
    return await to_thread(lambda: b"".join(parts_of(projection.render())))
