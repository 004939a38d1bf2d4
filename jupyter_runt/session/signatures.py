"""What Jupyter's notary says of a document's file (EX9)."""

from asyncio import to_thread
from typing import Any

from jupyter_runt.session.clients import Clients
from jupyter_runt.session.content import Content
from jupyter_runt.session.files import Files
from jupyter_runt.session.trust import Trust


class Signatures:
    """Those of one file."""

    def __init__(
        self, content: Content[Any, Any], files: Files, trust: Trust, clients: Clients
    ) -> None:
        self._content = content
        self._files = files
        self._trust = trust
        self._clients = clients

    async def client_of(self, parsed: Any) -> int:
        """Return the Yjs client id that says how far the outputs in the file can be trusted."""
        signable = self._content.signable(parsed)
        signed = signable is not None and await self._trust.is_signed(signable)
        return self._clients.trusted_file if signed else self._clients.file

    async def sign(self, path: str, digest: str | None) -> None:
        """Have the notary vouch for the file, if its content is still that of `digest`."""
        file = await self._files.read(path)
        if file.identity.digest == digest:
            parsed = await to_thread(self._content.parse, file.data, path)
            signable = self._content.signable(parsed)
            if signable is not None:
                await self._trust.sign(signable)
