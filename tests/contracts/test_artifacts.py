"""What every store of artifacts does, and every table of which notebook holds which."""

import asyncio
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_runt.artifacts import Artifact
from jupyter_runt.errors import ArtifactNotFound, StoreUnavailable
from jupyter_runt.events.base import Draft
from jupyter_runt.events.codec import document_updated
from jupyter_runt.events.document import VersionKept
from jupyter_runt.ids import FILE_ACTOR, NotebookId
from jupyter_runt.protocols import FileIdentity, MergeBase, Snapshot
from jupyter_runt.storage.artifacts import ObjectArtifacts
from jupyter_runt.storage.clock import now, spelled
from tests import object_store

BOOK, OTHER = NotebookId("book"), NotebookId("other")


def artifact(content: bytes, mime: str = "image/png") -> Artifact:
    return Artifact(hashlib.sha256(content).hexdigest(), mime, len(content))


# bytes


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with object_store.bucket() as url:
        yield url


@pytest.fixture(params=["folder", "memory", "s3"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectArtifacts:
    match request.param:
        case "folder":
            return ObjectArtifacts.in_folder(tmp_path / "artifacts")
        case "memory":
            return ObjectArtifacts.at("memory://")
    return ObjectArtifacts.at(request.getfixturevalue("bucket"))


async def streamed(artifacts: ObjectArtifacts, sha256: str, start: int, end: int) -> bytes:
    return b"".join([block async for block in artifacts.stream(sha256, start, end)])


@pytest.mark.rule("AR1")
@pytest.mark.asyncio
async def test_what_was_put_is_read_whole_and_in_ranges(artifacts):
    content = os.urandom(3_000_000)
    kept = artifact(content)
    await artifacts.put(kept, content)
    assert await artifacts.check(kept.sha256) == len(content)
    assert await asyncio.to_thread(artifacts.load, kept.sha256) == content
    assert await streamed(artifacts, kept.sha256, 5, 2_000_005) == content[5:2_000_005]
    assert await streamed(artifacts, kept.sha256, 7, 7) == b""


@pytest.mark.rule("AR1")
@pytest.mark.asyncio
async def test_putting_twice_and_from_a_file_is_the_same(artifacts):
    content = b"\x00" * 6_000_000
    kept = artifact(content)
    await artifacts.put(kept, io.BytesIO(content))
    await artifacts.put(kept, content)
    assert await artifacts.check(kept.sha256) == len(content)


@pytest.mark.rule("AR1")
@pytest.mark.asyncio
async def test_what_is_not_there_is_not_found(artifacts):
    kept = artifact(b"never put")
    with pytest.raises(ArtifactNotFound):
        await artifacts.check(kept.sha256)
    with pytest.raises(ArtifactNotFound):
        await asyncio.to_thread(artifacts.load, kept.sha256)
    with pytest.raises(ArtifactNotFound):
        await streamed(artifacts, kept.sha256, 0, 3)
    artifacts.delete(kept.sha256)


@pytest.mark.rule("AR1")
@pytest.mark.asyncio
async def test_what_was_deleted_is_gone_and_can_be_put_again(artifacts):
    kept = artifact(b"deleted")
    await artifacts.put(kept, b"deleted")
    await asyncio.to_thread(artifacts.delete, kept.sha256)
    with pytest.raises(ArtifactNotFound):
        await artifacts.check(kept.sha256)
    await artifacts.put(kept, b"deleted")
    assert await asyncio.to_thread(artifacts.load, kept.sha256) == b"deleted"


@pytest.mark.rule("AR1")
@pytest.mark.asyncio
async def test_what_was_written_before_a_moment_is_listed(artifacts):
    kept = [artifact(f"{number} {id(artifacts)}".encode()) for number in range(3)]
    for number, each in enumerate(kept):
        await artifacts.put(each, f"{number} {id(artifacts)}".encode())
    now = datetime.now(UTC)
    before, after = now - timedelta(minutes=5), now + timedelta(minutes=5)
    names = {each.sha256 for each in kept}
    assert names & set(artifacts.written_before(before)) == set()
    assert names <= set(artifacts.written_before(after))


@pytest.mark.rule("AR1", "AU4")
@pytest.mark.asyncio
async def test_bytes_that_changed_on_the_disk_are_not_served_and_can_be_put_again(tmp_path):
    folder = tmp_path / "artifacts"
    artifacts = ObjectArtifacts.in_folder(folder)
    kept = artifact(b"as written")
    await artifacts.put(kept, b"as written")
    (file,) = [path for path in folder.rglob("*") if path.is_file()]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await artifacts.check(kept.sha256) == 10
    file.write_bytes(b"as WRITTEN")
    os.utime(file, (1, 1))
    with pytest.raises(ArtifactNotFound, match="damaged"):
        await artifacts.check(kept.sha256)
    await artifacts.put(kept, b"as written")
    assert await artifacts.check(kept.sha256) == 10


@pytest.mark.rule("AR1", "EL5")
@pytest.mark.asyncio
async def test_a_place_that_is_none_says_so(tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        ObjectArtifacts.in_folder(tmp_path / "file")
    with pytest.raises(StoreUnavailable, match="is no place"):
        ObjectArtifacts.at("nonsense://there")


# whose they are


@pytest.mark.rule("AR2")
@pytest.mark.asyncio
async def test_an_artifact_counts_for_who_holds_it_alone(place):
    one, two = artifact(b"one"), artifact(b"two", "text/html")
    async with place.store() as store:
        await store.hold(BOOK, [one, two])
        await store.hold(BOOK, [])
    async with place.store() as store:
        held = await store.held(BOOK)
        assert {key: each.artifact for key, each in held.items()} == {
            one.sha256: one,
            two.sha256: two,
        }
        assert set(await store.held(BOOK, [two.sha256, "0" * 64])) == {two.sha256}
        assert await store.held(BOOK, []) == {}
        assert await store.held(OTHER, [one.sha256]) == {}
        assert await store.holders() == [BOOK]


@pytest.mark.rule("AR2")
@pytest.mark.asyncio
async def test_an_artifact_is_shared_by_notebooks_that_are_there_or_were_until_lately(place):
    one = artifact(b"one")
    async with place.store() as store:
        known, _ = await store.resolve(FileIdentity("a.ipynb", 1, 1, "digest"))
        await store.hold(known.notebook_id, [one])
        await store.share(BOOK, [one.sha256, "0" * 64], now())
        assert {key: each.artifact for key, each in (await store.held(BOOK)).items()} == {
            one.sha256: one
        }
        before = spelled(datetime.now(UTC) - timedelta(seconds=1))
        await store.deleted("a.ipynb")
        await store.share(OTHER, [one.sha256], spelled(datetime.now(UTC) + timedelta(seconds=1)))
        assert await store.held(OTHER) == {}
        await store.share(OTHER, [one.sha256], before)
        assert await store.held(OTHER)


@pytest.mark.rule("AR1")
@pytest.mark.asyncio
async def test_every_part_of_the_history_mentions_what_it_refers_to(place):
    named = {name: artifact(name.encode()) for name in ("event", "kept", "snapshot", "base")}
    sha = {name: each.sha256 for name, each in named.items()}
    unnamed = artifact(b"nobody").sha256
    async with place.store() as store:
        known, _ = await store.resolve(FileIdentity("a.ipynb", 1, 1, "digest"))
        book = known.notebook_id
        update = document_updated(b"\x01before" + sha["event"].encode() + b"\x02after", ())
        content = {"cells": [{"outputs": [{"sha256": sha["kept"]}]}], "metadata": {}}
        kept = VersionKept(reason="unsent_edits", message="", content=content)
        filler = [Draft(document_updated(b"\x00", ()), FILE_ACTOR) for _ in range(450)]
        await store.append(book, [Draft(update, FILE_ACTOR), *filler, Draft(kept, FILE_ACTOR)])
        await store.put_snapshot(book, "document", Snapshot(1, sha["snapshot"].encode()))
        await store.put_base(book, MergeBase("room", "digest", sha["base"].encode(), 1))
        mentioned = await store.mentioned(book, [*sha.values(), unnamed])
        assert mentioned == set(sha.values())
        assert await store.mentioned(OTHER, sha.values()) == set()


@pytest.mark.rule("AR1")
@pytest.mark.asyncio
async def test_what_is_let_go_of_by_all_is_discarded_and_nothing_that_was_held_since(place):
    one, two = artifact(b"one"), artifact(b"two")
    deleted: list[str] = []
    async with place.store() as store:
        await store.hold(BOOK, [one, two])
        await store.hold(OTHER, [one])
        assert await store.let_go(BOOK, [one.sha256, two.sha256], "2000-01-01") == []
        both = {one.sha256, two.sha256}
        assert set(await store.let_go(BOOK, both, "9999-01-01")) == both
        assert not await store.discard(one.sha256, lambda: deleted.append("one"))
        assert await store.discard(two.sha256, lambda: deleted.append("two"))
        assert deleted == ["two"]
        assert await store.unheld([*both, "0" * 64]) == {two.sha256, "0" * 64}
        await store.hold(BOOK, [two])
        assert not await store.discard(two.sha256, lambda: deleted.append("two again"))
    assert deleted == ["two"]
