"""Whose outputs Jupyter's notary vouches for."""

from asyncio import to_thread
from collections.abc import Mapping
from typing import Any, Protocol

from nbformat.sign import NotebookNotary


class Trust(Protocol):
    """What an open document asks about the outputs in its file."""

    async def is_signed(self, notebook: Mapping[str, Any]) -> bool:
        """Tell whether the content of a notebook file was signed on this machine."""
        ...

    async def sign(self, notebook: Mapping[str, Any]) -> None:
        """Sign the content of a notebook file: every output in it is trusted."""
        ...


class NotaryTrust:
    """The signatures that Jupyter keeps of the notebooks that it saved."""

    def __init__(self, notary: NotebookNotary) -> None:
        self._notary = notary

    async def is_signed(self, notebook: Mapping[str, Any]) -> bool:
        """See `Trust`."""
        digest = await to_thread(self._digest, notebook)
        return bool(self._notary.store.check_signature(digest, self._notary.algorithm))

    async def sign(self, notebook: Mapping[str, Any]) -> None:
        """See `Trust`."""
        digest = await to_thread(self._digest, notebook)
        self._notary.store.store_signature(digest, self._notary.algorithm)

    def _digest(self, notebook: Mapping[str, Any]) -> str:
        return str(self._notary.compute_signature(notebook))  # type: ignore[no-untyped-call]
