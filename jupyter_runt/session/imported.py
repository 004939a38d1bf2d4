"""The first event of a document: what its file held."""

from asyncio import to_thread
from typing import Any, TypeVar

from jupyter_runt.document.shared import FileDocument
from jupyter_runt.events.base import Draft
from jupyter_runt.events.codec import document_updated
from jupyter_runt.ids import FILE_ACTOR
from jupyter_runt.session.clients import Clients
from jupyter_runt.session.content import Content
from jupyter_runt.session.reading import Reading

DocT = TypeVar("DocT", bound=FileDocument)


async def imported(
    content: Content[DocT, Any], reading: Reading, path: str, clients: Clients
) -> tuple[DocT, Draft]:
    """Return a document that holds the content of a file, and the event that makes it.

    The file's own client writes the content; everything after it is the server's.

    Raises:
        FileUnreadable, NotANotebook: it has no content that can be read.
    """
    parsed, client_id = await reading.parsed(), await reading.client_id()
    return await to_thread(_imported, content, parsed, path, client_id, clients)


def _imported(
    content: Content[DocT, Any], parsed: Any, path: str, client_id: int, clients: Clients
) -> tuple[DocT, Draft]:
    update = content.import_update(parsed, client_id, clients.file)
    document = content.empty(clients.server)

    def first() -> None:
        document.doc.apply_update(update)
        document.set_path(path)

    done = document.transact(first)
    payload = document_updated(done.update or update, done.changes)
    return document, Draft(payload=payload, actor=FILE_ACTOR)
