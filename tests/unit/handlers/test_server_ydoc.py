from typing import Any

import pytest

from jupyter_runt.errors import NotebookNotFound
from jupyter_runt.handlers.server_ydoc import ServerYDoc

pytestmark = pytest.mark.asyncio

FILE = {"path": "a.ipynb", "content_type": "notebook", "file_format": "json"}


class Everything:
    """The opening, the sessions and the live documents in one, with one file and one open room."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.ydocs = ServerYDoc(self)  # type: ignore[arg-type]
        self.ydocs.serve(self)  # type: ignore[arg-type]

    async def sessions(self) -> Any:
        return self

    async def register(self, path: str) -> Any:
        if path != "a.ipynb":
            raise NotebookNotFound(f"There is no file {path}.")
        self.notebook_id = "id"
        return self, False

    def is_open(self, room_id: str) -> bool:
        return room_id == "json:notebook:id"

    async def copy(self, room_id: str) -> Any:
        self.asked.append(("copy", room_id))

    async def live(self, room_id: str, extension: str) -> Any:
        self.asked.append(("live", room_id, extension))


async def test_a_document_is_asked_for_by_its_room_or_by_its_file() -> None:
    everything = Everything()
    await everything.ydocs.get_document(room_id="json:notebook:id")
    await everything.ydocs.get_document(**FILE, copy=False)
    assert everything.asked == [
        ("copy", "json:notebook:id"),
        ("live", "json:notebook:id", __name__.partition(".")[0]),
    ]


async def test_what_is_not_open_is_opened_only_for_who_asks_for_that() -> None:
    everything = Everything()
    other = {**FILE, "content_type": "file", "file_format": "text"}
    assert await everything.ydocs.get_document(**other) is None
    assert await everything.ydocs.get_document(**{**FILE, "path": "gone"}) is None
    assert everything.asked == []
    await everything.ydocs.get_document(**other, create=True)
    assert everything.asked == [("copy", "text:file:id")]
    with pytest.raises(NotebookNotFound):
        await everything.ydocs.get_document(**{**FILE, "path": "gone"}, create=True)


@pytest.mark.parametrize(
    "asked",
    [{}, {"path": "a.ipynb"}, {"content_type": "file", "file_format": "text"}]
    + [{"room_id": "json:notebook:id", name: value} for name, value in FILE.items()],
)
async def test_half_a_question_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="room_id"):
        await Everything().ydocs.get_document(**asked)
