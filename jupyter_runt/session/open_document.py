"""One open document: its room, its history in the log, and its file."""

import asyncio
import logging
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from jupyter_runt.document.shared import FileDocument
from jupyter_runt.errors import FileUnreadable, RuntError, StoreUnavailable
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.events.document import DocumentUpdated
from jupyter_runt.ids import FILE_ACTOR, Seq
from jupyter_runt.protocols import FileIdentity, Registration, Snapshot, Store
from jupyter_runt.rooms.protocol import SaveStatus
from jupyter_runt.rooms.room import Room
from jupyter_runt.session.absence import Absence, Found
from jupyter_runt.session.apart import make_apart
from jupyter_runt.session.clients import Clients
from jupyter_runt.session.content import Content
from jupyter_runt.session.file_content import FileContent, FileStamp
from jupyter_runt.session.file_merge import FileMerge
from jupyter_runt.session.files import FileChanged, FileNotWritten, Files
from jupyter_runt.session.history import past, readable
from jupyter_runt.session.hosting import cancelled_at_exit
from jupyter_runt.session.imported import imported
from jupyter_runt.session.kept import KeptVersions
from jupyter_runt.session.projection import FileProjection, LateProjection
from jupyter_runt.session.reading import Reading
from jupyter_runt.session.saver import DocumentConfig, Saved, Saver
from jupyter_runt.session.signatures import Signatures
from jupyter_runt.session.trust import Trust

log = logging.getLogger(__name__)

SNAPSHOT_EVERY: Final = 1000
"""Updates after which a snapshot makes the next open cheap again (EL4)."""

SETTLE: Final = 3.0
"""Seconds that a store which cannot write may keep a document from closing."""

DocT = TypeVar("DocT", bound=FileDocument)


class OpenDocument(Generic[DocT]):
    """An open file: its room is shared, its log is the truth, its file follows.

    `content` knows the kind of document. As an async context manager it loads the document, keeps
    the file up to date, and saves on leaving.
    """

    def __init__(
        self,
        registration: Registration,
        content: Content[DocT, Any],
        store: Store,
        files: Files,
        trust: Trust,
        config: DocumentConfig,
        on_commit: Callable[[Sequence[Event]], None] = lambda _events: None,
        *,
        found: Found,
    ) -> None:
        self.registration = registration
        self.clients = Clients.of(registration.history_id)
        self.kept = KeptVersions(registration.notebook_id, store, on_commit)
        self.content = content
        self._store = store
        self._files = files
        self._signatures = Signatures(content, files, trust, self.clients)
        self._config = config
        self._on_commit = on_commit
        self._seq = Seq(0)
        self._since_snapshot = 0
        self.room: Room[DocT] = Room(
            content.room_id(registration.notebook_id),
            load=self._loaded,
            commit=self._commit,
            commit_now=self._commit_now,
            reserved_clients=self.clients.all(),
            on_commit=self._committed,
            on_save=self._on_save,
            on_health=lambda _: self.on_report(),
        )
        self.on_report: Callable[[], None] = lambda: None  # told what no commit tells
        self.provenance = self._signatures.provenance
        self._document: DocT | None = None
        self._saver: Saver | None = None
        self._file = registration.file
        self._merging = FileMerge(content, store, registration.notebook_id, self.kept)
        self._stamp: FileStamp | None = None
        self._absence = Absence(files, config.grace, found)
        self._file_access = asyncio.Lock()
        self._forsaken = False
        self._lifetime = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Load the document from the log, or import it from its file if the log is empty."""
        async with AsyncExitStack() as stack:
            self._document = await self._load()
            # One that is imported is hashed when people see it.
            known = self._file if self._document is not None else None
            file = await self._files.read(self.path, hashed=known is not None, known=known)
            reading = self._signatures.reading(file, self.path)
            self._document = self._document or await self._import(reading)
            await stack.enter_async_context(self.room)
            projection = await self._meet_file(reading)
            self._saver = Saver(self, projection, self.room.read, self._files, self._config.saver)
            self._saver.on_report = lambda: self.on_report()
            if self._ahead:
                self._saver.touch()  # it may hold what a dead server did not come to write
            tasks = await stack.enter_async_context(cancelled_at_exit())
            self._hashing = tasks.create_task(self._hash(file), name=f"digest of {self.path}")
            tasks.create_task(self._saver.run(), name=f"saver of {self.path}")
            tasks.create_task(self._watch(), name=f"watcher of {self.path}")
            self._lifetime = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Save, keep a snapshot, and let everybody go."""
        try:
            await self._flush()
        finally:
            await self._lifetime.__aexit__(kind, error, traceback)

    @property
    def path(self) -> str:
        """Where the file is now, root-relative."""
        return self.registration.file.path

    @property
    def digest(self) -> str | None:
        """SHA-256 (hex) of the file as we last read or wrote it."""
        return self._file.digest

    @property
    def saver(self) -> Saver:
        """Writes the file."""
        if self._saver is None:
            raise RuntimeError("the document is not open")
        return self._saver

    @property
    def _ahead(self) -> bool:
        """Whether the document may hold something that its last checkpoint did not."""
        known = self.registration
        return self._seq > known.checkpoint_seq or self._file.digest != known.file.digest

    def committed_seq(self) -> Seq:
        """Return the `seq` of the last update that the committed document holds."""
        return self._seq

    @property
    def idle(self) -> bool:
        """Whether nobody is in the room."""
        return not self.room.peer_count

    def forsake(self) -> None:
        """Do not write the file any more: it was deleted."""
        self._forsaken = True

    async def moved(self, path: str) -> None:
        """Follow the file to where the contents API put it, and tell every tab."""
        file = replace(self.registration.file, path=path)
        self.registration = replace(self.registration, file=file)
        self.room.post(lambda doc: doc.set_path(path), actor=FILE_ACTOR)

    async def _loaded(self) -> DocT:
        """Return the document for the room, which asks again when it had to discard one."""
        document, self._document = self._document or await self._load(), None
        if document is None:
            raise FileUnreadable(f"The log of {self.path} is empty.", path=self.path)
        return document

    async def _load(self) -> DocT | None:
        """Return the document as the log has it, None if it has none; raises HistoryDamaged."""
        document = self.content.empty(self.clients.server)
        with readable(self.registration):
            before = await past(self._store, self.registration.notebook_id)
            await to_thread(document.load, before.updates)
        self._seq, self._since_snapshot = before.seq, before.replayed
        return document if before.updates else None

    async def _import(self, reading: Reading) -> DocT:
        """Return the document as its file has it, and make that the first event of its log."""
        document, draft = await imported(self.content, reading, self.path, self.clients)
        self._committed(await self._commit([draft]))
        await self._record(reading.file.identity, self._seq)
        return document

    async def _commit(self, drafts: Sequence[Draft]) -> list[Event]:
        if self.content.brings_references(drafts):
            await self.content.note_references(drafts)
        return self._counted(await self._store.append(self.registration.notebook_id, drafts))

    def _commit_now(self, drafts: Sequence[Draft]) -> list[Event] | None:
        if self.content.brings_references(drafts):
            return None
        events = self._store.append_now(self.registration.notebook_id, drafts)
        return None if events is None else self._counted(events)

    def _counted(self, events: list[Event]) -> list[Event]:
        self._seq = events[-1].seq
        self._since_snapshot += len(events)
        return events

    def _committed(self, events: Sequence[Event]) -> None:
        self.provenance.note(events)
        if self._saver is not None:
            updates = (e.payload for e in events if isinstance(e.payload, DocumentUpdated))
            self._saver.changed(change for update in updates for change in update.changes)
        self._on_commit(events)

    async def _snapshot(self) -> None:
        taken = await self.room.read(
            lambda doc: Snapshot(self._seq, doc.doc.get_update()) if self._seq else None
        )
        if taken is not None:
            await self._store.put_snapshot(self.registration.notebook_id, "document", taken)
            self._since_snapshot = 0

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(SETTLE):
                await self.room.read(lambda _: None)
            if self._since_snapshot >= SNAPSHOT_EVERY // 10:
                await self._snapshot()
            if not self._forsaken:
                await self.saver.save()
                await self._hashing
                await self._signatures.sign(self.room, self.path, self.digest)
            if self._files.rewrites:
                await self._merging.keep(self.digest, self.registration.checkpoint_seq)
        except TimeoutError:
            self.room.give_up()
            log.warning("The last edits of %s were not logged; tabs still have them.", self.path)
        except (FileNotWritten, RuntError) as error:
            log.warning("%s is not up to date; its changes are in the log: %s", self.path, error)

    # the file

    async def _meet_file(self, reading: Reading) -> FileProjection:
        """Bring the document and its file together, as they are after whatever happened."""
        file, imported = reading.file, reading.is_parsed
        digest, seq = self.registration.announced or (None, Seq(0))
        if digest and digest == file.identity.digest:  # we wrote it, and died before we said so
            await self._record(file.identity, seq)
        otherwise = await self.room.read(self.content.was_otherwise)
        if otherwise or file.identity.digest != self.digest:
            await self._merge(reading)
        elif self._files.rewrites:
            parsed = await reading.parsed()
            await self._merging.rewritten(parsed, self.registration.checkpoint_seq)
        await self._signatures.opened(self.room, reading)
        projection: FileProjection
        if reading.is_parsed:
            await self._signatures.settle()
            projection = await self._projected(reading, paired=imported)
        else:  # it says what it said at the checkpoint: that can wait
            projection = LateProjection(partial(self._late, reading), self.content.follows)
        if self._ahead:
            projection.expect_all()
        self._stamp = file.stamp
        return projection

    async def _projected(self, reading: Reading, *, paired: bool = False) -> FileProjection:
        projection = self.content.projection(await reading.parsed())
        if projection.unpaired and not paired:
            await make_apart(self.room, self.content.empty(None), projection.adopt)
        return projection

    async def _late(self, reading: Reading) -> FileProjection:
        """Return the projection of a file that is what it was at the checkpoint."""
        projection = self.content.projection(await reading.parsed())
        if await reading.is_other():
            self._stamp = None  # to have it looked at
            raise FileChanged(f"{self.path} was changed, though it did not look like it.")
        await self._signatures.settle()
        if projection.unpaired:
            then = await self._merging.at(self.registration.checkpoint_seq)
            await to_thread(projection.adopt, then)
        return projection

    async def _merge(self, reading: Reading) -> None:
        """Bring in what somebody else changed in the file since our last checkpoint (FB2)."""
        await self._merging.into(
            self.room,
            await reading.parsed(),
            self.path,
            digest=reading.digest,
            client_id=await self._signatures.merging(reading),
            checkpoint=self.registration.checkpoint_seq,
        )
        # No checkpoint yet: the document may also hold what the file does not.
        self._file = reading.file.identity
        log.info("%s was changed by another program; its changes are in the document.", self.path)

    async def _record(self, identity: FileIdentity, seq: Seq) -> None:
        self._file = identity
        await self._store.checkpointed(self.registration.notebook_id, identity, seq)
        self._merging.checkpointed()
        file = replace(identity, path=self.path)  # it may have been moved meanwhile
        self.registration = replace(self.registration, file=file, checkpoint_seq=seq)

    async def _hash(self, file: FileContent) -> None:
        """Learn what the file is known by, before anybody writes or looks at it again."""
        if file.identity.digest is not None:
            return
        async with self._file_access:
            try:
                file = await to_thread(file.hashed)
                await self._record(file.identity, self.registration.checkpoint_seq)
            except (RuntError, OSError):
                self._stamp = None  # somebody touched it: what it holds now is to be looked at

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._config.watch_interval)
            known = self.digest
            try:
                async with self.file_access():
                    pass  # to have looked is all
                if self.digest != known:
                    await self.saver.save()  # before it changes again: what it was is the next base
            except RuntError as error:
                log.warning("%s: %s", self.path, error.message)
            except FileNotWritten:
                continue  # the saver said so, and tries again

    @asynccontextmanager
    async def file_access(self) -> AsyncIterator[FileStamp | None]:
        """See `SaverPort`."""
        async with self._file_access:
            stamp = await self._absence.stamp(self.path, self._file)
            if stamp is not None and stamp != self._stamp:
                await self._look()
            self._stamp = stamp
            yield stamp

    async def _look(self) -> None:
        file = await self._files.read(self.path)
        if file.identity.digest == self.digest:
            return
        await self._signatures.settle()
        reading = self._signatures.reading(file, self.path)
        await self._merge(reading)
        projection = await self._projected(reading)
        projection.expect_all()
        self.saver.restyle(projection)

    async def announce(self, digest: str, seq: Seq) -> None:
        """See `SaverPort`. A store that cannot write is no reason not to write the file."""
        with suppress(StoreUnavailable):
            await self._store.announce(self.registration.notebook_id, digest, seq)

    async def held(self, seq: Seq) -> None:
        """See `SaverPort`."""
        await self._record(self._file, seq)

    async def saved(self, saved: Saved) -> None:
        """Record a checkpoint, and tell every tab the hash that the contents API now gives."""
        file = saved.file
        self._stamp = file.stamp
        await self._record(file.identity, saved.seq)

        def tell(doc: DocT) -> None:
            if file.content_hash is not None:
                doc.set_hash(file.content_hash)
            doc.set_dirty(False)

        told = await self.room.edit(tell, actor=FILE_ACTOR, patient=False)
        if told.events and told.events[0].seq == saved.seq + 1:
            await self._record(file.identity, told.events[-1].seq)  # nothing came between
        if file.rewritten is not None:
            parsed = await to_thread(self.content.parse, file.rewritten, self.path)
            parsed = await self.content.taken_in(parsed)
            await self._merging.rewritten(parsed, saved.seq)
        if self._since_snapshot >= SNAPSHOT_EVERY:
            await self._snapshot()

    async def _on_save(self) -> SaveStatus:
        """Answer Ctrl+S."""
        await self.room.read(lambda _: None)  # what its sender had typed until then goes along
        try:
            await self.saver.save()
        except (FileNotWritten, RuntError):
            return "failed"
        await self._hashing
        await self._signatures.sign(self.room, self.path, self.digest)
        return "success"
