"""`/api/runt/notebooks/{id}/events` and `/executions`: what the log says."""

import asyncio
import json
from contextlib import suppress

from jupyter_server.auth.decorator import authorized
from tornado.iostream import StreamClosedError
from tornado.web import authenticated

from jupyter_runt.errors import InvalidRequest
from jupyter_runt.events.registry import EVENTS
from jupyter_runt.handlers.base import RuntHandler
from jupyter_runt.ids import ExecutionId, NotebookId, Seq
from jupyter_runt.protocols import LogWatch
from jupyter_runt.session.hosting import cancelled_at_exit

PAGE = 500
MAX_WAIT = 300.0


class EventsHandler(RuntHandler):
    """`GET …/events`: the events of a notebook, as newline-delimited JSON."""

    def initialize(self) -> None:
        """Prepare to notice that the reader went away."""
        self._gone = asyncio.Event()

    def on_connection_close(self) -> None:
        """Stop following."""
        self._gone.set()

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str) -> None:
        """Stream the events after `after`, and those to come where `follow=1`."""
        after = Seq(self.integer("after", 0))
        follow = self.get_query_argument("follow", "0") == "1"
        names = self._names()
        registration = await self.sessions.registered_notebook(NotebookId(notebook_id))
        store, notebook = self.sessions.store, registration.notebook_id
        seen = after
        # A reader who goes away has what it wanted.
        with suppress(StreamClosedError), store.watch(notebook) as watch:
            events = await store.read(notebook, after, limit=PAGE, names=names)
            self.set_header("Content-Type", "application/x-ndjson")
            await self.flush()  # the status, at once: what follows may take hours
            while True:
                for event in events:
                    self.write(json.dumps(event.to_json(), ensure_ascii=False) + "\n")
                    after = event.seq
                await self.flush()
                if len(events) < PAGE:
                    seen = await self._grown(watch, max(after, seen)) if follow else seen
                    if not follow or self._gone.is_set():
                        return
                events = await store.read(notebook, after, limit=PAGE, names=names)

    async def _grown(self, watch: LogWatch, after: Seq) -> Seq:
        async with cancelled_at_exit() as group:
            growing = group.create_task(watch.beyond(after))
            going = group.create_task(self._gone.wait())
            await asyncio.wait((growing, going), return_when=asyncio.FIRST_COMPLETED)
            return growing.result() if growing.done() else after

    def _names(self) -> frozenset[str] | None:
        wanted = self.get_query_argument("types", "")
        if not wanted:
            return None
        names = frozenset(name.strip() for name in wanted.split(","))
        if unknown := sorted(names - set(EVENTS)):
            raise InvalidRequest(f"There is no event {unknown[0]}.", field="types")
        return names


class ExecutionHandler(RuntHandler):
    """`GET …/executions/{execution_id}`."""

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str, execution_id: str) -> None:
        """Answer with an execution; `wait` seconds for its end, if it has not ended."""
        wait = min(self.integer("wait", 0), MAX_WAIT)
        async with self.sessions.use(NotebookId(notebook_id)) as session:
            self.send(await session.execution(ExecutionId(execution_id), wait))
