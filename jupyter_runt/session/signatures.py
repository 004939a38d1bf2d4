"""What Jupyter's notary says of a document's file, and is told of it (EX9)."""

from asyncio import to_thread
from typing import Any

from jupyter_runt.document.ai_cells import without_answers
from jupyter_runt.rooms.room import Room
from jupyter_runt.session.clients import Clients
from jupyter_runt.session.content import Content
from jupyter_runt.session.file_content import FileContent
from jupyter_runt.session.files import (
    Files,
)
from jupyter_runt.session.provenance import Provenance
from jupyter_runt.session.reading import Reading
from jupyter_runt.session.trust import Trust


class Signatures:
    """Those of one file."""

    def __init__(
        self, content: Content[Any, Any], files: Files, trust: Trust, clients: Clients
    ) -> None:
        self.provenance = Provenance()
        self._content = content
        self._files = files
        self._trust = trust
        self._clients = clients
        self._unsettled: Reading | None = None

    def reading(self, file: FileContent, path: str) -> Reading:
        """Return what was read, to be understood when somebody asks."""
        return Reading(file, path, self._content, self._client_of)

    async def _client_of(self, parsed: Any) -> int:
        signed = False
        if (whole := self._content.signable(parsed)) is not None:
            vouched_for = without_answers(whole)
            signed = await self._trust.is_signed(vouched_for)
            if not signed and vouched_for is not whole:  # as other programs do it
                signed = await self._trust.is_signed(whole)
        return self._clients.trusted_file if signed else self._clients.file

    async def merging(self, reading: Reading) -> int:
        """Return the client that brings in what changed in a file: nobody vouches for answers."""
        whole = self._content.signable(await reading.parsed())
        if whole is not None and without_answers(whole) is not whole:
            return self._clients.file
        return await reading.client_id()

    async def opened(self, room: Room[Any], reading: Reading) -> None:
        """Note which outputs came from the file as it was read; whether to trust them can wait."""
        await room.read(self.provenance.opened)
        self._unsettled = reading

    async def settle(self) -> None:
        """Learn, before the file changes, whether it was signed when it was opened."""
        reading, self._unsettled = self._unsettled, None
        if reading is not None:
            signed = await reading.client_id() == self._clients.trusted_file
            self.provenance.signed(signed=signed and not await reading.is_other())

    async def sign(self, room: Room[Any], path: str, digest: str | None) -> None:
        """Have the notary vouch for the file, where every output in it is a person's run.

        Answers of models are left out of what is signed: to other programs, a file with answers is
        not signed.

        Nothing happens if its content is no longer that of `digest`.
        """
        if not await room.read(self.provenance.vouches):
            return
        file = await self._files.read(path)
        if file.identity.digest != digest:
            return
        parsed = await to_thread(lambda: self._content.parse(file.content, path))
        signable = self._content.signable(parsed)
        if signable is not None and await to_thread(file.is_of, digest):
            await self._trust.sign(without_answers(signable))
