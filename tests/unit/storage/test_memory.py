import pytest

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.events.base import Draft
from jupyter_runt.events.outputs import OutputsCleared
from jupyter_runt.ids import ActorId, NotebookId
from jupyter_runt.storage.memory import MemoryStore

NOTEBOOK = NotebookId("notebook")
DRAFT = Draft(payload=OutputsCleared(cell_ids=()), actor=ActorId("user:ada"))


@pytest.mark.asyncio
async def test_a_disk_that_fails_refuses_until_it_works_again():
    async with MemoryStore() as store:
        store.disk.failure = StoreUnavailable("There is no space left.", path="nowhere")
        with pytest.raises(StoreUnavailable, match="no space") as caught:
            await store.append(NOTEBOOK, [DRAFT])
        assert caught.value.detail == {"path": "nowhere"}
        assert await store.head(NOTEBOOK) == 0
        store.disk.failure = None
        assert len(await store.append(NOTEBOOK, [DRAFT])) == 1
