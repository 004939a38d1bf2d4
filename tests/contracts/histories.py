"""Logs of notebooks that were edited and run, as sessions write them."""

from collections.abc import Iterable, Sequence

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.events.base import Draft
from jupyter_runt.events.codec import document_updated
from jupyter_runt.events.execution import (
    ExecutionCompleted,
    ExecutionRequested,
    ExecutionStarted,
)
from jupyter_runt.ids import ActorId, ExecutionId, NotebookId, Seq, new_id
from jupyter_runt.protocols import FileIdentity, Store

ADA = ActorId("user:ada")


class Author:
    """Somebody who works on a notebook; each method returns the events of one thing done."""

    def __init__(self) -> None:
        self.doc = NotebookDoc(1)
        self._requested: list[ExecutionId] = []

    def do(self, what: int) -> list[Draft]:
        """Do one of several things; any number names one that can be done now."""
        cells = list(self.doc.cell_ids)
        if what % 7 < 3 or not cells:
            after = cells[what % len(cells)] if cells else None
            return self._edit(lambda: self.doc.create_cell("code", f"x = {what} # ü📓", after))
        cell_id = cells[what % len(cells)]
        if what % 7 == 3:
            return self._edit(lambda: self.doc.delete_cells([cell_id]))
        if what % 7 == 4:
            return self._edit(lambda: self.doc.replace_source(cell_id, f"y = {what}"))
        if what % 7 == 5 or not self._requested:
            execution_id = ExecutionId(new_id())
            self._requested.append(execution_id)
            requested = ExecutionRequested(
                execution_id=execution_id,
                cell_id=cell_id,
                source="",
                document_seq=Seq(1),
                requested_by=ADA,
                stop_on_error=True,
            )
            return [Draft(payload=requested, actor=ADA, caused_by=f"command:{what}")]
        execution_id = self._requested.pop(0)
        ended = ExecutionCompleted(
            execution_id=execution_id, status="ok", execution_count=what, error=None
        )
        started = ExecutionStarted(execution_id=execution_id)
        return [Draft(payload=payload, actor=ADA) for payload in (started, ended)]

    def _edit(self, edit) -> list[Draft]:
        done = self.doc.transact(edit)
        if done.update is None:
            return []
        return [Draft(payload=document_updated(done.update, done.changes), actor=ADA)]

    def work(self, things: Iterable[int]) -> list[Draft]:
        """Do several things."""
        return [draft for what in things for draft in self.do(what)]


async def registered(store: Store, path: str = "a.ipynb") -> NotebookId:
    """Return the id of a new notebook."""
    registration, _ = await store.resolve(FileIdentity(path))
    return registration.notebook_id


async def checkpoint(store: Store, notebook_id: NotebookId, seq: int) -> None:
    """Say that the file holds the notebook as of `seq`."""
    await store.checkpointed(notebook_id, FileIdentity("a.ipynb"), Seq(seq))


async def recorded(
    store: Store, things: Sequence[int], path: str = "a.ipynb"
) -> tuple[NotebookId, Seq]:
    """Return a notebook with a history, all of it in its file, and the last `seq`."""
    notebook_id = await registered(store, path)
    await store.append(notebook_id, Author().work(things))
    head = await store.head(notebook_id)
    await checkpoint(store, notebook_id, head)
    return notebook_id, head
