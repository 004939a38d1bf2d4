"""Tokens are kept as hashes, and work until they expire or are revoked."""

import pytest

from jupyter_runt.ids import ActorId, NotebookId
from jupyter_runt.storage.sqlite import SqliteStore
from jupyter_runt.storage.tokens import make_token, recognised

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("AU3")]

NOTEBOOK, ADA = NotebookId("notebook"), ActorId("user:ada")


@pytest.fixture
def store(tmp_path):
    return SqliteStore(tmp_path / "store.db", server_id="one", exists=lambda _path: True)


async def test_a_token_is_known_by_its_text_alone_and_the_store_does_not_have_that(store, tmp_path):
    made, text = make_token(NOTEBOOK, "agent", ADA, "laptop", 60)
    async with store:
        await store.add_token(made)
        assert await recognised(store, text) == made
        for wrong in ("", text[:-1], text + "x", text.replace("runt_", "other_", 1), "runt__"):
            assert await recognised(store, wrong) is None
        assert await store.tokens_of(NOTEBOOK) == [made]
        assert await store.tokens_of(NotebookId("other")) == []
    secret = text.split("_", 2)[2].encode()
    assert all(secret not in file.read_bytes() for file in tmp_path.iterdir() if file.is_file())


async def test_a_token_works_no_more_when_it_is_revoked_or_expired(store):
    made, text = make_token(NOTEBOOK, "agent", ADA, "", 60)
    old, old_text = make_token(NOTEBOOK, "agent", ADA, "", -1)
    async with store:
        await store.add_token(made)
        await store.add_token(old)
        assert await recognised(store, old_text) is None
        assert await store.tokens_of(NOTEBOOK) == [made]
        await store.revoke_token(made.token_id)
        assert await recognised(store, text) is None
        assert await store.tokens_of(NOTEBOOK) == []
