"""Keeping a store in order while a server runs."""

import asyncio
import logging
from typing import Final

from jupyter_runt.errors import RuntError
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.storage.collection import Collector
from jupyter_runt.storage.compaction import compact
from jupyter_runt.storage.replay import Inconsistent
from jupyter_runt.storage.retention import Retention
from jupyter_runt.storage.upkeep import KeptLog

log = logging.getLogger(__name__)

INTERVAL: Final = 3600.0
"""Seconds between two rounds."""

WORTHWHILE: Final = 1000
"""Fewer events are not worth the replay that their compaction takes."""


class Housekeeper:
    """Holds every log, and its artifacts, to the retention policy. `run` is its task."""

    def __init__(
        self,
        store: KeptLog,
        retention: Retention,
        collector: Collector | None = None,
        *,
        interval: float = INTERVAL,
    ) -> None:
        """Look over `store`; what its logs do not need any more goes through the collector."""
        self._store = store
        self._collector = collector
        self._retention = retention
        self._interval = interval
        self._seen: dict[NotebookId, tuple[Seq, Seq]] = {}

    async def run(self) -> None:
        """Make a round every now and then, for ever."""
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.round()
            except RuntError as error:
                log.warning("The history could not be looked over: %s", error.message)
            except Exception:
                log.exception("The history could not be looked over.")  # documents go on

    async def round(self) -> None:
        """Look after each log that may have to be compacted.

        Raises:
            StoreUnavailable: the rest has to wait for the next round.
        """
        for notebook_id in await self._store.notebook_ids():
            ends = (
                await self._store.head(notebook_id),
                await self._store.checkpoint_seq(notebook_id),
            )
            if self._seen.get(notebook_id) != ends or self._retention.days is not None:
                await self._compact(notebook_id)
                self._seen[notebook_id] = ends
        if self._collector is not None and (removed := await self._collector.round()):
            log.info("%d artifacts were removed that nothing needed any more.", removed)

    async def _compact(self, notebook_id: NotebookId) -> None:
        try:
            done = await compact(self._store, notebook_id, self._retention, at_least=WORTHWHILE)
        except Inconsistent as error:
            log.error("The history of %s is kept whole: %s", notebook_id, error)  # noqa: TRY400
            return
        if done.folded:
            log.info("%d events of %s were folded into a snapshot.", done.folded, notebook_id)
