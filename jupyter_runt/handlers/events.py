"""`/api/runt/notebooks/{id}/events` and `/executions`: what the log says."""

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

PAGE = 500
MAX_WAIT = 300.0


class EventsHandler(RuntHandler):
    """`GET …/events`: the events of a notebook, as newline-delimited JSON."""

    _watch: LogWatch | None = None

    def on_connection_close(self) -> None:
        """Stop following: nobody reads any more."""
        if self._watch is not None:
            self._watch.leave()

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str) -> None:
        """Stream the events after `after`, and those to come where `follow=1`."""
        after = Seq(self.integer("after", 0))
        follow = self._follow()
        names = self._names()
        registration = await self.sessions.registered_notebook(NotebookId(notebook_id))
        store, notebook = self.sessions.store, registration.notebook_id
        # A reader who goes away has what it wanted.
        with suppress(StreamClosedError), store.watch(notebook) as watch:
            self._watch = watch
            events = await store.read(notebook, after, limit=PAGE, names=names)
            seen = after
            self.set_header("Content-Type", "application/x-ndjson")
            await self.flush()  # the status, at once: what follows may take hours
            while True:
                for event in events:
                    self.write(json.dumps(event.to_json(), ensure_ascii=False) + "\n")
                    after = event.seq
                if events:
                    await self.flush()
                if len(events) < PAGE:
                    after = max(after, seen)  # what was announced before the read was in it
                    seen = await watch.beyond(after) if follow else after
                    if seen == after:
                        return
                known = watch.tail(after)
                if known is None:
                    events = await store.read(notebook, after, limit=PAGE, names=names)
                else:
                    events = [each for each in known if names is None or each.name in names]

    def _follow(self) -> bool:
        wanted = self.get_query_argument("follow", "0")
        if wanted not in ("0", "1"):
            raise InvalidRequest("follow is 0 or 1.", field="follow")
        return wanted == "1"

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
        wait = self.seconds("wait", MAX_WAIT)
        async with self.sessions.use(NotebookId(notebook_id)) as session:
            self.send(await session.execution(ExecutionId(execution_id), wait))
