"""What Jupyter's notary says of a document's file, and is told of it (EX9)."""

from asyncio import to_thread
from typing import Any

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
        signable = self._content.signable(parsed)
        signed = signable is not None and await self._trust.is_signed(signable)
        return self._clients.trusted_file if signed else self._clients.file

    async def opened(self, room: Room[Any], reading: Reading) -> None:
        """Note which outputs came from the file as it was read; whether to trust them can wait."""
        await room.read(self.provenance.opened)
        self._unsettled = reading

    async def settle(self) -> None:
        """Learn, before the file changes, whether it was signed when it was opened."""
        reading, self._unsettled = self._unsettled, None
        if reading is not None:
            signed = await reading.client_id() == self._clients.trusted_file
            self.provenance.signed(signed=signed)

    async def sign(self, room: Room[Any], path: str, digest: str | None) -> None:
        """Have the notary vouch for the file, where every output in it is a person's run.

        Nothing happens if its content is no longer that of `digest`.
        """
        if not await room.read(self.provenance.vouches):
            return
        file = await self._files.read(path)
        if file.identity.digest == digest:
            parsed = await to_thread(lambda: self._content.parse(file.content, path))
            signable = self._content.signable(parsed)
            if signable is not None:
                await self._trust.sign(signable)
