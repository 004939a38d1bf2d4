"""A notebook's past over HTTP: versions as people think of them, and the notebook at each."""

import hashlib
import json
from typing import Any

import pytest
import pytest_asyncio
from nbdime import patch
from nbdime.diff_utils import to_diffentry_dicts

from jupyter_runt.rooms.protocol import read_state_vector
from tests.integration.peers import TextTab, tabs
from tests.integration.server import TOKEN, Notebook, Server, eventually

pytestmark = pytest.mark.asyncio

ME = f"user:token-{hashlib.sha256(TOKEN.encode()).hexdigest()[:8]}"
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
        assert await tab.save(1) == "success"
    assert [version["kind"] for version in await history(notebook)] == ["command", "file"]


@pytest.mark.rule("AU2")
async def test_a_run_is_by_who_asked_for_it(notebook: Notebook) -> None:
    await notebook.run("c0")
    run, opened = await history(notebook)
    requested = (await notebook.events(types="v1.ExecutionRequested"))[0]
    assert run["authors"] == [requested["actor"]]
    assert opened["authors"] == ["file"]


@pytest.mark.rule("AU2", "EL2")
async def test_who_wrote_each_line_of_a_cell_is_told_as_it_is_and_was(notebook: Notebook) -> None:
    opened = await notebook.seq()
    async with tabs(notebook) as [tab]:
        await tab.type("\ntyped", cell=1)

        async def logged() -> bool:
            return "two\ntyped" in await notebook.sources()

        await eventually(logged)
    version = (await history(notebook))[0]
    assert version["cell_authors"] == {"c1": [ME]}
    url = f"{notebook.url}/authors/c1"
    found = await notebook.server.get(url)
    assert found["cell_id"] == "c1"
    assert [(line["text"], line["authors"]) for line in found["lines"]] == [
        ("two", ["file"]),
        ("typed", [ME]),
    ]
    assert found["lines"][1]["seq"] == version["seq"]
    assert found["lines"][1]["recorded_at"] == version["recorded_at"]
    then = await notebook.server.get(url, at=opened)
    assert [line["text"] for line in then["lines"]] == ["two"]
    differs = await notebook.server.get(f"{notebook.url}/diff", **{"from": opened})
    assert differs["cell_authors"] == {"c1": [ME]}
    wrong = await notebook.server.call("GET", url, at=10_000)
    assert (wrong.code, wrong.body["detail"]["field"]) == ("invalid_request", "at")
    nowhere = await notebook.server.call("GET", f"{notebook.url}/authors/nowhere")
    assert (nowhere.status, nowhere.code) == (404, "cell_not_found")


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
async def test_a_version_is_restored_as_a_change_of_who_asked_and_that_can_be_undone(
    notebook: Notebook,
) -> None:
    first = await notebook.seq()
    await notebook.run("c0")
    await notebook.do("edit_cell", cell_id="c1", source="changed")
    await notebook.do("delete_cells", cell_ids=["c2"])
    last = await notebook.seq()
    async with tabs(notebook) as [tab]:
        fields = {"seq": first, "command_id": "back"}
        [restored] = await notebook.do("restore_version", **fields)
        assert await notebook.do("restore_version", **fields) == [restored]
        await tab.until(lambda: tab.sources == ["print('ran')", "two", "three"])
        assert tab.outputs() == []
    assert (restored["actor"], restored["caused_by"]) == (ME, f"restore:{first}:back")
    version = (await history(notebook))[0]
    assert (version["kind"], version["seq"]) == ("restore", restored["seq"])

    await notebook.do("create_cell", cell_type="code", source="since", after=None)
    await notebook.do("undo_change", seq=restored["seq"])
    assert await notebook.sources() == ["since", "print('ran')", "changed"]
    assert (await notebook.send("undo_change", seq=10_000)).code == "invalid_command"

    await notebook.do("restore_version", seq=last)
    assert await notebook.sources() == ["print('ran')", "changed"]
    assert (await notebook.at())["cells"][0]["outputs"][0]["text"] == "ran\n"
    assert await notebook.do("restore_version", seq=last) == []

    await notebook.do("restore_version", seq=first, cell_ids=["c2"])
    assert await notebook.sources() == ["print('ran')", "changed", "three"]


@pytest.mark.rule("EX9")
async def test_outputs_that_come_back_are_not_the_server_s_own(notebook: Notebook) -> None:
    await notebook.run("c0")
    ran = await notebook.seq()
    await notebook.do("clear_outputs")
    described = await notebook.server.get("/api/runt/notebooks", path=notebook.path)
    own = {*described["server_clients"], *described["trusted_clients"]}
    async with tabs(notebook) as [tab]:
        before = set(read_state_vector(tab.doc.get_state()))
        await notebook.do("restore_version", seq=ran)
        await tab.until(lambda: tab.outputs())
        writers = set(read_state_vector(tab.doc.get_state())) - before
    assert writers
    assert not writers & own


@pytest.mark.rule("EL2")
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"seq": 10_000}, "invalid_command"),
        ({"seq": 0}, "invalid_command"),
        ({"seq": 1, "cell_ids": []}, "invalid_command"),
        ({"seq": 1, "cell_ids": ["c9"]}, "cell_not_found"),
    ],
)
async def test_what_cannot_be_restored_is_refused(
    notebook: Notebook, fields: dict[str, Any], code: str
) -> None:
    before = await notebook.seq()
    answer = await notebook.send("restore_version", **fields)
    assert answer.code == code
    assert await notebook.seq() == before


@pytest.mark.rule("EL2")
async def test_two_moments_are_compared_in_nbdime_s_format(notebook: Notebook) -> None:
    first = await notebook.seq()
    await notebook.do("edit_cell", cell_id="c1", source="two\nlines")
    second = await notebook.seq()
    await notebook.do("delete_cells", cell_ids=["c2"])

    async def compared(**query: int) -> tuple[dict[str, Any], Any]:
        found = await notebook.server.get(f"{notebook.url}/diff", **query)
        return found, patch(found["base"], to_diffentry_dicts(found["diff"]))

    found, then = await compared(**{"from": first, "to": second})
    assert (found["from"], found["to"]) == (first, second)
    assert (found["base"], then) == (await notebook.at(first), await notebook.at(second))
    found, now = await compared(**{"from": first})
    assert now == await notebook.at()
    assert found["to"] >= second
    back, before = await compared(**{"from": found["to"], "to": first})
    assert (back["base"], before) == (now, found["base"])


@pytest.mark.rule("EL2")
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "from"),
        ({"from": 0}, "from"),
        ({"from": 1, "to": 9_999}, "to"),
        ({"from": "x"}, "from"),
    ],
)
async def test_moments_that_never_were_cannot_be_compared(
    notebook: Notebook, query: dict[str, Any], field: str
) -> None:
    answer = await notebook.server.call("GET", f"{notebook.url}/diff", **query)
    assert (answer.status, answer.code) == (400, "invalid_request")
    assert answer.body["detail"]["field"] == field


@pytest.mark.rule("FB2")
async def test_a_text_file_has_a_history_with_what_was_kept(server: Server) -> None:
    file = server.root / "notes.txt"
    file.write_text("one\n", encoding="utf-8")
    session = (await server.session("notes.txt", kind="file")).body
    room_id, url = f"text:file:{session['fileId']}", f"/api/runt/notebooks/{session['fileId']}"
    async with TextTab(server, room_id, session["sessionId"]) as tab:
        await tab.synced()
        stranger = TextTab(server, room_id, "another-history")
        stranger.text.insert(0, "one, typed elsewhere\n")
        async with stranger:
            assert (await stranger.ended())[0] == 1003
        versions = (await server.get(f"{url}/history"))["versions"]
        assert [version["kind"] for version in versions] == ["kept", "file"]
        assert await server.get(f"{url}/kept/{versions[0]['seq']}") == str(stranger.text)
        assert str(tab.text) == "one\n"
    assert (await server.call("GET", f"{url}/diff", **{"from": 1})).code == "not_a_notebook"


@pytest.mark.rule("EL2")
async def test_a_notebook_that_is_not_there_has_no_history(server: Server) -> None:
    answer = await server.call("GET", f"/api/runt/notebooks/{NOWHERE}/history")
    assert (answer.status, answer.code) == (404, "notebook_not_found")
