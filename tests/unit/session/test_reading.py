import asyncio
from typing import Any

import pytest

from jupyter_runt.errors import StoreUnavailable
from jupyter_runt.protocols import FileIdentity
from jupyter_runt.session.content import NotebookContent
from jupyter_runt.session.file_content import FileContent
from jupyter_runt.session.reading import Reading

NOTEBOOK = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.mark.asyncio
async def test_nothing_goes_on_reading_when_one_part_of_it_fails() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def client_of(_parsed: Any) -> int:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    class Broken(NotebookContent):
        async def taken_in(self, parsed: Any) -> Any:
            await begun.wait()
            raise StoreUnavailable("The disk is full.")

    file = FileContent(NOTEBOOK, FileIdentity("nb.ipynb"), ())
    reading = Reading(file, "nb.ipynb", Broken(), client_of)
    with pytest.raises(StoreUnavailable):
        await reading.parsed()
    assert ended.is_set()
