import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jupyter_runt.artifacts import Artifact
from jupyter_runt.errors import ArtifactNotFound
from jupyter_runt.events.base import Draft
from jupyter_runt.events.codec import document_updated
from jupyter_runt.ids import FILE_ACTOR, NotebookId, Seq
from jupyter_runt.protocols import FileIdentity, Snapshot
from jupyter_runt.storage.artifacts import ObjectArtifacts
from jupyter_runt.storage.clock import now
from jupyter_runt.storage.collection import Collector
from jupyter_runt.storage.memory import MemoryStore
from tests.unit.storage.stepping import run

HOUR = 3600.0
LATER = timedelta(hours=2)


def artifact(name: str) -> Artifact:
    content = name.encode()
    return Artifact(hashlib.sha256(content).hexdigest(), "image/png", len(content))


def naming(*named: Artifact) -> Draft:
    update = b"\x01" + b"\x40".join(each.sha256.encode() for each in named) + b"\x00"
    return Draft(document_updated(update, ()), FILE_ACTOR)


class Crash(Exception):
    """The server dies."""


class Fragile(ObjectArtifacts):
    """Artifacts whose server may die in the middle of removing some."""

    crashing = False

    def delete(self, sha256: str) -> None:
        if self.crashing:
            raise Crash
        super().delete(sha256)


@pytest.fixture
def artifacts() -> ObjectArtifacts:
    return Fragile.at("memory://")


@pytest.mark.asyncio
async def test_what_no_history_mentions_goes_after_its_grace(artifacts):
    async with MemoryStore() as store:
        collector, book = Collector(store, artifacts, HOUR), NotebookId("book")
        needed, needless = artifact("needed"), artifact("needless")
        for each, name in ((needed, b"needed"), (needless, b"needless")):
            await store.hold(book, [each])
            await artifacts.put(each, name)
        await store.append(book, [naming(needed)])
        now = datetime.now(UTC)
        assert await collector.round(now) == 0
        assert await collector.round(now + LATER) == 1
        assert artifacts.load(needed.sha256) == b"needed"
        with pytest.raises(ArtifactNotFound):
            artifacts.load(needless.sha256)
        assert set(await store.held(book)) == {needed.sha256}
        assert await collector.round(now + LATER) == 0


@pytest.mark.asyncio
async def test_what_history_forgets_goes_and_what_it_did_not_stays(artifacts):
    async with MemoryStore() as store:
        known, _ = await store.resolve(FileIdentity("a.ipynb", 1, 1, "digest"))
        book, collector = known.notebook_id, Collector(store, artifacts, HOUR)
        old, new = artifact("old"), artifact("new")
        for each, name in ((old, b"old"), (new, b"new")):
            await store.hold(book, [each])
            await artifacts.put(each, name)
        await store.append(book, [naming(old), naming(new)])
        later = datetime.now(UTC) + LATER
        assert await collector.round(later) == 0
        for kind in ("document", "runtime"):
            await store.put_snapshot(book, kind, Snapshot(Seq(1), b"nothing of it"))
        await store.checkpointed(book, known.file, Seq(2))
        await store.fold(book, Seq(1), 10)
        assert await collector.round(later) == 1
        assert set(await store.held(book)) == {new.sha256}


BOOKS = [NotebookId("one"), NotebookId("two")]
NAMES = ["a", "b", "c", "d"]
books, names = st.sampled_from(BOOKS), st.sampled_from(NAMES)


class Life(RuleBasedStateMachine):
    """Servers that make, paste and forget artifacts, and die at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.artifacts = Fragile.at("memory://")
        self.store = MemoryStore()
        run(self.store.__aenter__())
        for book in BOOKS:
            known, _ = run(self.store.resolve(FileIdentity(f"{book}.ipynb", 1, 1, book)))
            self.store.disk.documents[book] = known
        self.collector = Collector(self.store, self.artifacts, HOUR)
        self.mentioned: dict[NotebookId, list[str]] = {book: [] for book in BOOKS}

    def teardown(self) -> None:
        later = datetime.now(UTC) + 2 * LATER
        run(Collector(self.store, self.artifacts, HOUR).round(later))
        everything = {artifact(name).sha256 for names in self.mentioned.values() for name in names}
        assert set(self.artifacts.written_before(later)) == everything
        run(self.store.__aexit__())

    @rule(book=books, name=names, dies=st.sampled_from(["held", "put", "never"]))
    def run_a_cell(self, book: NotebookId, name: str, dies: str) -> None:
        made = artifact(name)
        run(self.store.hold(book, [made]))
        if dies == "held":
            return
        run(self.artifacts.put(made, name.encode()))
        if dies == "never":
            run(self.store.append(book, [naming(made)]))
            self.mentioned[book].append(name)

    @rule(book=books, name=names)
    def paste(self, book: NotebookId, name: str) -> None:
        other = next(each for each in BOOKS if each != book)
        if name not in self.mentioned[other]:
            return
        run(self.store.share(book, [artifact(name).sha256], now()))
        run(self.store.append(book, [naming(artifact(name))]))
        self.mentioned[book].append(name)

    @rule(book=books)
    def forget_the_past(self, book: NotebookId) -> None:
        head = run(self.store.head(book))
        known = run(self.store.get(book))
        if not head or known is None:
            return
        for kind in ("document", "runtime"):
            run(self.store.put_snapshot(book, kind, Snapshot(head, b"empty")))
        run(self.store.checkpointed(book, known.file, head))
        run(self.store.fold(book, head, 1000))
        self.mentioned[book].clear()

    @rule(hours=st.sampled_from([0.0, 0.5, 2.0]), dies=st.booleans())
    def collect(self, hours: float, dies: bool) -> None:
        self.artifacts.crashing = dies
        try:
            run(self.collector.round(datetime.now(UTC) + timedelta(hours=hours)))
        except Crash:
            self.collector = Collector(self.store, self.artifacts, HOUR)
        finally:
            self.artifacts.crashing = False

    @invariant()
    def what_history_mentions_is_there_and_held(self) -> None:
        for book, mentioned in self.mentioned.items():
            held = run(self.store.held(book))
            for name in mentioned:
                assert artifact(name).sha256 in held
                assert self.artifacts.load(artifact(name).sha256) == name.encode()


TestLife = Life.TestCase
TestLife.settings = settings(stateful_step_count=20, deadline=None)
