"""A notebook's past over HTTP: versions as people think of them, and the notebook at each."""

import json
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.peers import tabs
from tests.integration.server import Notebook, Server, eventually

pytestmark = pytest.mark.asyncio

NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest_asyncio.fixture
async def notebook(server: Server) -> Notebook:
    return await server.notebook("print('ran')", "two", "three")


async def history(notebook: Notebook, **query: Any) -> list[dict[str, Any]]:
    page = await notebook.server.get(f"{notebook.url}/history", **query)
    versions: list[dict[str, Any]] = page["versions"]
    return versions


async def sources_at(notebook: Notebook, seq: int) -> list[str]:
    then = await notebook.server.get(f"{notebook.url}/at/{seq}")
    return [cell["source"] for cell in then["cells"]]


@pytest.mark.rule("EL2")
async def test_versions_are_what_people_did_and_the_notebook_at_each_is_as_it_was(
    notebook: Notebook,
) -> None:
    async with tabs(notebook) as [tab]:
        await tab.type(" is", cell=1)
        await tab.type(" typed", cell=1)

        async def logged() -> bool:
            return "two is typed" in await notebook.sources()

        await eventually(logged)
    await notebook.run("c0")
    await notebook.do("edit_cell", cell_id="c2", source="by command")
    await notebook.saved(lambda _: notebook.sources_on_disk()[2] == "by command")
    outside = notebook.on_disk()
    outside["cells"][1]["source"] = "by another program"
    notebook.file.write_text(json.dumps(outside), encoding="utf-8")

    async def noticed() -> bool:
        return (await history(notebook))[0]["kind"] == "file"

    await eventually(noticed)
    versions = await history(notebook)
    assert [(version["kind"], version["cells"]) for version in versions] == [
        ("file", ["c1"]),
        ("command", ["c2"]),
        ("run", ["c0"]),
        ("edits", ["c1"]),
        ("file", ["c0", "c1", "c2"]),
    ]
    assert [await sources_at(notebook, version["seq"]) for version in versions] == [
        ["print('ran')", "by another program", "by command"],
        ["print('ran')", "two is typed", "by command"],
        ["print('ran')", "two is typed", "three"],
        ["print('ran')", "two is typed", "three"],
        ["print('ran')", "two", "three"],
    ]
    run = versions[2]
    after = await notebook.server.get(f"{notebook.url}/at/{run['seq']}")
    before = await notebook.server.get(f"{notebook.url}/at/{run['first_seq'] - 1}")
    assert after["cells"][0]["outputs"][0]["text"] == "ran\n"
    assert before["cells"][0]["outputs"] == []


@pytest.mark.rule("EL2")
async def test_pages_lead_from_one_to_the_next_until_the_beginning(notebook: Notebook) -> None:
    for number in range(4):
        await notebook.do("edit_cell", cell_id="c1", source=f"version {number}")
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2}
    while query.get("before", 1) is not None:
        page = await notebook.server.get(f"{notebook.url}/history", **query)
        found += page["versions"]
        query["before"] = page["next_before"]
    assert found == await history(notebook)
    assert [version["kind"] for version in found] == ["command"] * 4 + ["file"]


@pytest.mark.rule("EL2")
async def test_saving_and_opening_are_no_versions(notebook: Notebook) -> None:
    await notebook.do("edit_cell", cell_id="c1", source="saved")
    await notebook.saved(lambda _: notebook.sources_on_disk()[1] == "saved")
    async with tabs(notebook) as [tab]:
        assert await tab.save(1) in {"success", "skipped"}
    assert [version["kind"] for version in await history(notebook)] == ["command", "file"]


@pytest.mark.rule("AU2")
async def test_a_run_is_by_who_asked_for_it(notebook: Notebook) -> None:
    await notebook.run("c0")
    run, opened = await history(notebook)
    requested = (await notebook.events(types="v1.ExecutionRequested"))[0]
    assert run["authors"] == [requested["actor"]]
    assert opened["authors"] == ["file"]


@pytest.mark.rule("EL2")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"before": -1}, "before"),
        ({"before": "x"}, "before"),
    ],
)
async def test_a_wrong_query_is_refused_by_its_field(
    notebook: Notebook, query: dict[str, Any], field: str
) -> None:
    answer = await notebook.server.call("GET", f"{notebook.url}/history", **query)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.body["detail"]["field"] == field


@pytest.mark.rule("EL2")
async def test_a_notebook_that_is_not_there_has_no_history(server: Server) -> None:
    answer = await server.call("GET", f"/api/runt/notebooks/{NOWHERE}/history")
    assert (answer.status, answer.code) == (404, "notebook_not_found")
