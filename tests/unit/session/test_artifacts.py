import asyncio
import json
from pathlib import Path

import pytest

from jupyter_runt.document.patches import Patches
from jupyter_runt.document.references import OUTPUTS, line_of, rest_reference
from jupyter_runt.document.spool import Spool
from jupyter_runt.execution.long_text import Spooled
from jupyter_runt.ids import NotebookId
from jupyter_runt.session.artifacts import Artifacts
from jupyter_runt.storage.artifacts import ObjectArtifacts
from jupyter_runt.storage.memory import MemoryStore


@pytest.mark.asyncio
@pytest.mark.rule("EX6")
async def test_displays_are_shown_anew_when_what_they_were_has_long_been_cleared_away(
    tmp_path: Path,
) -> None:
    store = ObjectArtifacts.in_folder(tmp_path)
    async with MemoryStore() as table:
        artifacts = Artifacts(store, table).of(NotebookId("n"))
        spool, patches = Spool(OUTPUTS), Patches()
        for line in range(3):
            spool.write(line_of({"data": line}))
            patches.display(f"d{line}", line)
        spooled = Spooled(spool, lambda kept: rest_reference(kept, 3, ""), patches)

        async def kept() -> list[int]:
            artifact = await artifacts.keep_spooled(spooled)
            content = await asyncio.to_thread(store.load, artifact.sha256)
            for sha256 in await table.held(NotebookId("n")):
                if sha256 != artifact.sha256:  # the document names no other
                    await asyncio.to_thread(store.delete, sha256)
            return [json.loads(line)["data"] for line in content.splitlines()]

        assert await kept() == [0, 1, 2]
        for line in (2, 0):
            patches.update(f"d{line}", {"data": "new"}, 3)
            expected = ["new" if each in (line, 2) else each for each in range(3)]
            assert await kept() == expected
        assert not patches.any
