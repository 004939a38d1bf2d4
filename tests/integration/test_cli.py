"""`jupyter runt` on the store that a server left, and on one that a server uses."""

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from jupyter_runt.cli.main import commands
from tests.integration.server import Server

LARGE = """\
for number in range(1100): display(number)
print('x' * 100_000)
"""
"""A cell of more, and of larger, outputs than are in a document."""


async def edit(server: Server) -> None:
    notebook = await server.notebook("x = 1", path="here.ipynb")
    for number in range(30):
        await notebook.add(f"y = {number}")
    await notebook.saved(lambda it: len(it["cells"]) == 31)
    await server.notebook("z = 1", path="folder/there.ipynb")
    large = await server.notebook(LARGE, path="large.ipynb")
    await large.run("c0")
    await large.saved(lambda it: it["cells"][0]["outputs"])


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a server that stopped; it had three notebooks."""
    server = Server(tmp_path_factory.mktemp("left") / "server")
    with server.running():
        asyncio.run(edit(server))
    return server.folder


class Runt:
    """The command line, on a store."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "data/runt/store.db"
        self.notebooks = folder / "notebooks"
        self.here = str(self.notebooks / "here.ipynb")

    def __call__(self, command: str, *arguments: str) -> Result:
        """Run a command."""
        line = [command, "--store", str(self.store), *arguments]
        return CliRunner().invoke(commands(), line)

    def json(self, command: str, *arguments: str, code: int = 0) -> list[Any]:
        """Return what a command printed for programs."""
        done = self(command, "--json", *arguments)
        assert done.exit_code == code, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    def execute(self, statement: str) -> None:
        """Change the store as no program should."""
        with closing(sqlite3.connect(self.store)) as connection, connection:
            assert connection.execute(statement).rowcount


@pytest.fixture
def runt(left: Path, tmp_path: Path) -> Runt:
    shutil.copytree(left, tmp_path / "server")
    return Runt(tmp_path / "server")


@pytest.mark.rule("EL2")
def test_status_tells_what_is_in_the_store(runt: Runt) -> None:
    [report] = runt.json("status")
    assert report["store"] == str(runt.store)
    assert report["size"] >= runt.store.stat().st_size
    events = {each["path"]: each["events"] for each in report["notebooks"]}
    assert events.keys() == {"here.ipynb", "folder/there.ipynb", "large.ipynb"}
    assert events["here.ipynb"] > 30
    runt.store.with_name("store.db.damaged-20260101T000000Z").touch()
    for told in (str(runt.store), "3 notebooks", "folder/there.ipynb", "was set aside"):
        assert told in runt("status").stdout


@pytest.mark.rule("EL2", "AU2")
def test_log_tells_what_happened_and_who_did_it(runt: Runt) -> None:
    events = runt.json("log", runt.here)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["actor"] == "file"
    assert events[1]["actor"].startswith("user:token-")
    assert events[1]["payload"]["changes"][0]["type"] == "cell_created"
    lines = runt("log", runt.here, "--after", "1").stdout.splitlines()
    assert len(lines) == len(events) - 1
    assert "user:token-" in lines[0]
    assert "cell created" in lines[0]


@pytest.mark.rule("EL2")
def test_a_notebook_is_found_by_its_path_and_by_its_id(runt: Runt, monkeypatch: Any) -> None:
    [report] = runt.json("status")
    known = {each["path"]: each["notebook_id"] for each in report["notebooks"]}
    monkeypatch.chdir(runt.notebooks / "folder")
    for name in ("there.ipynb", "../folder/there.ipynb", known["folder/there.ipynb"]):
        assert runt.json("log", name)[0]["notebook_id"] == known["folder/there.ipynb"]
    missing = runt("log", "nowhere.ipynb")
    assert missing.exit_code == 2
    assert missing.stderr == "Error: The store knows no notebook nowhere.ipynb.\n"


@pytest.mark.rule("EL5")
def test_what_cannot_be_done_is_said_in_one_sentence(runt: Runt, tmp_path: Path) -> None:
    runt.store = tmp_path / "nowhere.db"
    done = runt("status")
    assert (done.exit_code, done.stderr) == (2, f"Error: There is no store {runt.store}.\n")
    assert not runt.store.exists()
    runt.store.write_bytes(b"no database" * 1000)
    done = runt("status")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {runt.store} is not a store, or it is damaged.")
    assert len(done.stderr.splitlines()) == 1
    assert runt.store.read_bytes() == b"no database" * 1000
    assert runt("compact", "--keep-events", "many").exit_code == 2


@pytest.mark.rule("EL2", "FB1")
def test_verify_finds_a_whole_store_whole(runt: Runt) -> None:
    reports = runt.json("verify", "--root", str(runt.notebooks))
    assert [report["problems"] for report in reports] == [[], [], []]
    assert [report["file"] for report in reports] == ["same", "same", "same"]
    (runt.notebooks / "folder/there.ipynb").unlink()
    (runt.notebooks / "here.ipynb").write_text("{}", encoding="utf-8")
    reports = runt.json("verify", "--root", str(runt.notebooks))
    assert {report["file"] for report in reports} == {"changed", "missing", "same"}
    done = runt("verify", runt.here)
    assert "another program changed the file" in done.stdout


@pytest.mark.rule("EL2")
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("DELETE FROM events WHERE seq = 7", "Event 7 is missing."),
        ("UPDATE events SET update_bytes = x'ffff' WHERE seq = 7", "refuses one of the events"),
        ("UPDATE events SET payload = '{' WHERE seq = 7", "cannot be read"),
        (
            "INSERT INTO snapshots SELECT notebook_id, 'document', 9, update_bytes FROM events"
            " WHERE seq = 1 AND notebook_id IN (SELECT notebook_id FROM events WHERE seq = 9)",
            "The document snapshot at 9 differs from the log's replay in: cells,",
        ),
        (
            "INSERT INTO snapshots SELECT notebook_id, 'runtime', 9, '{}' FROM events"
            " WHERE seq = 9",
            "The runtime snapshot at 9 cannot be used",
        ),
        (
            "UPDATE documents SET checkpoint_seq = 5 WHERE path = 'here.ipynb'",
            "does not hold the checkpoint",
        ),
        (
            "UPDATE documents SET checkpoint_seq = 5000 WHERE path = 'here.ipynb'",
            "The file is said to hold event 5000",
        ),
    ],
)
def test_verify_names_what_is_wrong(runt: Runt, damage: str, told: str) -> None:
    runt.execute(damage)
    root = ("--root", str(runt.notebooks))
    done = runt("verify", *root)
    assert done.exit_code == 1
    assert told in done.stdout
    reports = {each["path"]: each for each in runt.json("verify", *root, code=1)}
    assert reports["folder/there.ipynb"]["problems"] == []
    assert reports["here.ipynb"]["problems"] != []


@pytest.mark.rule("EL2", "EL4")
def test_compact_folds_what_it_is_told_to(runt: Runt) -> None:
    before = runt.json("log", runt.here)
    [planned] = runt.json("compact", runt.here, "--keep-events", "5", "--dry-run")
    assert planned["folded"] > 0
    assert runt.json("log", runt.here) == before
    [done] = runt.json("compact", runt.here, "--keep-events", "5")
    assert done["folded"] == planned["folded"]
    assert done["first_seq"] == before[done["folded"]]["seq"]
    assert runt.json("log", runt.here) == before[done["folded"] :]
    [report] = runt.json("verify", runt.here)
    assert (report["file"], report["problems"]) == ("same", [])
    below = runt("log", runt.here, "--after", "1")
    assert below.exit_code == 1
    assert "folded into a snapshot" in below.stderr
    assert "0 events would be folded" in runt("compact", "--older-than", "1", "--dry-run").stdout


@pytest.mark.rule("EL4")
def test_compact_leaves_alone_what_it_cannot_verify(runt: Runt) -> None:
    runt.execute("UPDATE events SET update_bytes = x'ffff' WHERE seq = 7")
    before = runt.json("log", runt.here)
    done = runt("compact", "--keep-events", "0")
    assert done.exit_code == 1
    assert "nothing was folded" in done.stdout
    assert runt.json("log", runt.here) == before


@pytest.mark.rule("EL3", "EL4")
@pytest.mark.asyncio
async def test_the_commands_work_beside_a_server(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")

    async def runt(command: str, *arguments: str) -> str:
        done = await asyncio.to_thread(Runt(server.folder), command, *arguments)
        assert done.exit_code == 0, done.output
        return done.stdout

    with server.running():
        notebook = await server.notebook("x = 1")
        await notebook.add(*(f"y = {number}" for number in range(20)))
        await notebook.saved(lambda it: len(it["cells"]) == 21)
        told = await runt("compact", str(notebook.file), "--keep-events", "3")
        assert "events were folded" in told
        answer = await server.call("GET", f"{notebook.url}/events", after=0)
        assert (answer.status, answer.code) == (410, "compacted")
        first = answer.body["detail"]["first_seq"]
        left = await notebook.events(first - 1)
        assert left[0]["seq"] == first
        assert len(await notebook.sources()) == 21
        await notebook.add("z = 1")
        await notebook.saved(lambda it: len(it["cells"]) == 22)
        content = notebook.file.read_text(encoding="utf-8").replace('"x = 1"', '"x = 2"')
        notebook.file.write_text(content, encoding="utf-8")
        await notebook.saved(
            lambda it: [len(it["cells"]), it["cells"][0]["source"]] == [22, ["x = 2"]]
        )
        assert "DIFFERS" not in await runt("verify", str(notebook.file))
        server.kill()
        await asyncio.to_thread(server.start)
        again = await server.opened(notebook.path)
        assert (await again.sources())[::21] == ["x = 2", "z = 1"]
