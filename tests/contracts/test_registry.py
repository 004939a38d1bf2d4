"""What every registry of documents does."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from jupyter_runt.errors import NotebookNotFound
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.protocols import FileIdentity, MergeBase

pytestmark = pytest.mark.rule("FB3")

HUGE = 2**64 - 1
"""The largest inode: file systems use all 64 bits."""


def file(path: str, inode: int | None = 1, digest: str | None = "text", **more: bool):
    return FileIdentity(path, None if inode is None else 7, inode, digest, **more)


def gone(*paths: str) -> Callable[[str], bool]:
    return lambda path: path not in paths


@pytest.mark.asyncio
async def test_a_new_path_is_a_new_document_with_its_own_history(place):
    async with place.store() as store:
        one, is_new = await store.resolve(file("a.ipynb", HUGE))
        other, other_is_new = await store.resolve(file("b.ipynb", 2, "other"))
        assert is_new
        assert other_is_new
        assert one.notebook_id != other.notebook_id
        assert one.history_id != other.history_id
        assert one.file == file("a.ipynb", HUGE)
        assert one.checkpoint_seq == 0
        assert await store.get(one.notebook_id) == one
        assert await store.find("a.ipynb") == one


@pytest.mark.asyncio
async def test_an_unknown_id_or_path_is_no_document(place):
    async with place.store() as store:
        assert await store.get(NotebookId("nobody")) is None
        assert await store.find("nowhere.ipynb") is None


@pytest.mark.asyncio
async def test_the_same_path_is_the_same_document_whatever_its_inode(place):
    async with place.store() as store:
        one, _ = await store.resolve(file("a.ipynb", 1))
        again, is_new = await store.resolve(file("a.ipynb", 2, "changed"))
        assert not is_new
        assert again.notebook_id == one.notebook_id
        assert again.history_id == one.history_id
        assert again.file == file("a.ipynb", 2, "text")
        assert await store.find("a.ipynb") == again


@pytest.mark.asyncio
async def test_documents_outlive_the_store(place):
    async with place.store() as store:
        one, _ = await store.resolve(file("a.ipynb"))
    async with place.store() as store:
        assert await store.resolve(file("a.ipynb")) == (one, False)


@pytest.mark.asyncio
async def test_a_file_moved_behind_our_back_keeps_its_document(place):
    async with place.store(exists=gone("a.ipynb")) as store:
        one, _ = await store.resolve(file("a.ipynb"))
        moved, is_new = await store.resolve(file("b.ipynb"))
        assert not is_new
        assert moved.notebook_id == one.notebook_id
        assert moved.file.path == "b.ipynb"
        assert await store.find("a.ipynb") is None


@pytest.mark.asyncio
async def test_a_file_moved_to_another_disk_is_known_by_its_content(place):
    async with place.store(exists=gone("a.ipynb")) as store:
        one, _ = await store.resolve(file("a.ipynb", 1))
        moved, is_new = await store.resolve(file("b.ipynb", 2))
        assert not is_new
        assert moved.notebook_id == one.notebook_id
        assert moved.file == file("b.ipynb", 2)


@pytest.mark.asyncio
async def test_a_file_may_be_another_one_as_long_as_a_registered_one_is_gone(place):
    async with place.store(exists=gone("b.ipynb", "unread.ipynb")) as store:
        await store.resolve(file("a.ipynb", 1))
        await store.resolve(file("unread.ipynb", 2, None))
        assert not await store.any_lost()
        await store.resolve(file("b.ipynb", 3, "other"))
        assert await store.any_lost()
        await store.deleted("b.ipynb")
        assert not await store.any_lost()


@pytest.mark.asyncio
async def test_a_copy_is_a_new_document(place):
    async with place.store() as store:
        await store.resolve(file("a.ipynb", 1))
        _, is_new = await store.resolve(file("copy.ipynb", 2))
        assert is_new


@pytest.mark.asyncio
async def test_a_reused_inode_is_no_move(place):
    async with place.store(exists=gone("a.ipynb")) as store:
        await store.resolve(file("a.ipynb", 1, "text"))
        _, is_new = await store.resolve(file("b.ipynb", 1, "other"))
        assert is_new


@pytest.mark.asyncio
async def test_beside_a_copy_a_moved_file_is_known_by_its_inode_only(place):
    async with place.store(exists=gone("a.ipynb")) as store:
        one, _ = await store.resolve(file("a.ipynb", 1))
        copy, _ = await store.resolve(file("copy.ipynb", 2, "other"))
        await store.checkpointed(copy.notebook_id, file("copy.ipynb", 2), Seq(1))
        _, is_new = await store.resolve(file("b.ipynb", 3))
        assert is_new
        moved, is_new = await store.resolve(file("c.ipynb", 1))
        assert not is_new
        assert moved.notebook_id == one.notebook_id


@pytest.mark.asyncio
async def test_an_empty_notebook_is_not_known_by_its_content(place):
    async with place.store(exists=gone("a.ipynb")) as store:
        await store.resolve(file("a.ipynb", 1, empty=True))
        _, is_new = await store.resolve(file("b.ipynb", 2, empty=True))
        assert is_new


@pytest.mark.asyncio
async def test_without_a_digest_nothing_is_recognised(place):
    async with place.store(exists=gone("a.ipynb")) as store:
        await store.resolve(file("a.ipynb", None, None))
        _, is_new = await store.resolve(file("b.ipynb", None, None))
        assert is_new


@pytest.mark.asyncio
async def test_a_deleted_file_does_not_come_back_under_another_name(place):
    async with place.store(exists=gone("a.ipynb")) as store:
        one, _ = await store.resolve(file("a.ipynb"))
        await store.deleted("a.ipynb")
        assert await store.get(one.notebook_id) is None
        assert await store.find("a.ipynb") is None
        _, is_new = await store.resolve(file("b.ipynb"))
        assert is_new


@pytest.mark.asyncio
async def test_a_new_file_at_the_path_of_a_deleted_one_is_a_new_document(place):
    async with place.store() as store:
        one, _ = await store.resolve(file("a.ipynb"))
        await store.deleted("a.ipynb")
        two, is_new = await store.resolve(file("a.ipynb"))
        assert is_new
        assert two.notebook_id != one.notebook_id


@pytest.mark.asyncio
async def test_a_rename_moves_the_document_and_frees_its_path(place):
    async with place.store() as store:
        one, _ = await store.resolve(file("a.ipynb"))
        await store.moved("a.ipynb", "folder/ü.ipynb")
        assert (await store.find("folder/ü.ipynb")).notebook_id == one.notebook_id
        _, is_new = await store.resolve(file("a.ipynb", 2, "other"))
        assert is_new


@pytest.mark.asyncio
async def test_a_rename_to_itself_changes_nothing(place):
    async with place.store() as store:
        one, _ = await store.resolve(file("a.ipynb"))
        await store.moved("a.ipynb", "a.ipynb")
        assert await store.find("a.ipynb") == one


@pytest.mark.asyncio
async def test_a_renamed_folder_takes_everything_below_it_along(place):
    paths = ("data/a.ipynb", "data/deep/b.ipynb", "data", "database/c.ipynb", "data_%/d.ipynb")
    async with place.store() as store:
        ids = {
            path: (await store.resolve(file(path, index, str(index))))[0].notebook_id
            for index, path in enumerate(paths)
        }
        await store.moved("data", "results/2024")
        found = {path: (await store.get(ids[path])).file.path for path in paths}
        assert found == {
            "data/a.ipynb": "results/2024/a.ipynb",
            "data/deep/b.ipynb": "results/2024/deep/b.ipynb",
            "data": "results/2024",
            "database/c.ipynb": "database/c.ipynb",
            "data_%/d.ipynb": "data_%/d.ipynb",
        }


@pytest.mark.asyncio
async def test_a_deleted_folder_takes_everything_below_it_along(place):
    async with place.store() as store:
        await store.resolve(file("data/a.ipynb", 1, "1"))
        await store.resolve(file("data-2/b.ipynb", 2, "2"))
        await store.deleted("data")
        assert await store.find("data/a.ipynb") is None
        assert await store.find("data-2/b.ipynb") is not None


@pytest.mark.asyncio
async def test_a_rename_onto_a_registered_path_ends_the_document_that_was_there(place):
    async with place.store() as store:
        one, _ = await store.resolve(file("a.ipynb", 1, "1"))
        two, _ = await store.resolve(file("b.ipynb", 2, "2"))
        await store.moved("a.ipynb", "b.ipynb")
        assert (await store.find("b.ipynb")).notebook_id == one.notebook_id
        assert await store.get(two.notebook_id) is None
        await store.moved("unregistered.ipynb", "b.ipynb")
        assert await store.find("b.ipynb") is None


@pytest.mark.rule("FB1")
@pytest.mark.asyncio
async def test_a_checkpoint_says_what_the_file_holds(place):
    async with place.store() as store:
        one, _ = await store.resolve(file("a.ipynb"))
        await store.moved("a.ipynb", "b.ipynb")
        saved = replace(file("a.ipynb", 5, "saved"), state="untouched")
        await store.checkpointed(one.notebook_id, saved, Seq(12))
        now = await store.get(one.notebook_id)
        assert now.file == replace(saved, path="b.ipynb")
        assert now.checkpoint_seq == 12


@pytest.mark.rule("FB1")
@pytest.mark.asyncio
async def test_a_write_is_announced_until_it_is_a_checkpoint(place):
    async with place.store() as store:
        one, _ = await store.resolve(file("a.ipynb"))
        await store.announce(one.notebook_id, "old", Seq(11))
        await store.announce(one.notebook_id, "new", Seq(12))
    async with place.store() as store:
        known = await store.get(one.notebook_id)
        assert known is not None
        assert known.announced == ("new", Seq(12))
        assert known.file.digest == "text"
        await store.checkpointed(one.notebook_id, file("a.ipynb", 2, "new"), Seq(12))
        known = await store.get(one.notebook_id)
        assert known is not None
        assert known.announced is None


@pytest.mark.rule("FB2")
@pytest.mark.asyncio
async def test_what_was_merged_is_kept_for_each_room_until_the_next_checkpoint(place):
    first, second = (MergeBase("room", digest, digest.encode(), Seq(0)) for digest in "12")
    settled = MergeBase("room", "3", b"third", Seq(7))
    other = MergeBase("other room", "1", b"other", Seq(0))
    async with place.store() as store:
        one, _ = await store.resolve(file("a.ipynb"))
        for base in (MergeBase("room", "1", b"before", Seq(0)), first, second, other):
            await store.put_base(one.notebook_id, base)
    async with place.store() as store:
        assert await store.bases(NotebookId("nobody"), "room") == []
        assert await store.bases(one.notebook_id, "other room") == [other]
        kept = await store.bases(one.notebook_id, "room")
        assert sorted(kept, key=lambda base: base.digest) == [first, second]
        await store.put_base(one.notebook_id, settled)
        assert await store.bases(one.notebook_id, "room") == [settled]
        assert await store.bases(one.notebook_id, "other room") == [other]
        await store.checkpointed(one.notebook_id, file("a.ipynb", 2, "new"), Seq(12))
        assert await store.bases(one.notebook_id, "room") == []


@pytest.mark.asyncio
async def test_a_checkpoint_of_an_unknown_document_is_refused(place):
    async with place.store() as store:
        with pytest.raises(NotebookNotFound):
            await store.checkpointed(NotebookId("nobody"), file("a.ipynb"), Seq(1))
