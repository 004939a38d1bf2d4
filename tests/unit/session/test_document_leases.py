"""Which documents a server holds."""

import pytest

from jupyter_runt.ids import NotebookId
from jupyter_runt.session.document_leases import DocumentLeases
from jupyter_runt.storage.memory import MemoryStore

NOTEBOOK = NotebookId("n")


@pytest.mark.asyncio
@pytest.mark.rule("EX1")
async def test_a_document_that_is_opened_anew_before_it_was_closed_closes_in_any_order() -> None:
    async with MemoryStore() as store:
        leases = DocumentLeases(store, {})
        one, other = leases.held(NOTEBOOK), leases.held(NOTEBOOK)
        await one.__aenter__()
        await other.__aenter__()
        assert await leases.taken() == set()
        await other.__aexit__(None, None, None)
        await one.__aexit__(None, None, None)
        assert await store.current(NOTEBOOK, "documents") is None
