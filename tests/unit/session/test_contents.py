"""What is read back after a save through a contents manager: its own doing, or somebody else's."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.services.contents.filemanager import FileContentsManager

from jupyter_runt.session.contents import ContentsFiles, HookedFiles

pytestmark = pytest.mark.asyncio

TEXT = nbformat.writes(nbformat.v4.new_notebook()).encode()


def outside(os_path: Path | str, **_: Any) -> None:
    """Write what no save of ours wrote."""
    notebook = nbformat.v4.new_notebook(metadata={"by": "somebody else"})
    Path(os_path).write_text(json.dumps(notebook), encoding="utf-8")


def marked(model: dict[str, Any], **_: Any) -> None:
    model["content"]["metadata"]["by"] = "the hook"


class Overtaken(FileContentsManager):
    """Somebody else writes right after each save."""

    def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        saved = super().save(model, path)
        outside(Path(self.root_dir, path))
        return saved


Reach = Callable[[FileContentsManager], ContentsFiles | HookedFiles]


@pytest.fixture(params=["contents", "hooks"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Reach:
    def files(manager: FileContentsManager) -> ContentsFiles | HookedFiles:
        contents = request.param == "contents"
        return ContentsFiles(manager) if contents else HookedFiles(tmp_path, manager)

    return files


@pytest.mark.parametrize(
    ("when", "hook", "by"), [("pre", marked, "the hook"), ("post", outside, "somebody else")]
)
async def test_what_hooks_made_of_a_file_is_told(
    tmp_path: Path, files: Reach, when: str, hook: Callable[..., None], by: str
) -> None:
    manager = FileContentsManager(root_dir=str(tmp_path))
    getattr(manager, f"register_{when}_save_hook")(hook)
    reached = files(manager)
    written = await reached.write("a.ipynb", TEXT, None)
    assert json.loads(written.rewritten or b"{}")["metadata"]["by"] == by
    assert written.identity.digest == (await reached.read("a.ipynb")).hashed().identity.digest
    assert written.stamp == await reached.stamp("a.ipynb")


async def test_what_somebody_else_writes_after_a_save_is_not_taken_for_the_managers_doing(
    tmp_path: Path, files: Reach
) -> None:
    reached = files(Overtaken(root_dir=str(tmp_path)))
    written = await reached.write("a.ipynb", TEXT, None)
    assert written.rewritten is None
    assert written.content_hash is None
    assert written.stamp != await reached.stamp("a.ipynb"), "it is looked at"
    assert written.identity.digest != (await reached.read("a.ipynb")).hashed().identity.digest
