import pytest

from jupyter_runt.ai.policy import Policy
from jupyter_runt.ids import ActorId
from jupyter_runt.session.capabilities import Capability
from tests.unit.session.turn_bench import ALLOW_ALL, turn_in
from tests.unit.session.workspace import Workspace

pytestmark = pytest.mark.asyncio

PATH = "work/nb.ipynb"
BOB = ActorId("user:bob")


@pytest.fixture(autouse=True)
def _files(workspace: Workspace) -> None:
    (workspace.root / "work" / "data").mkdir(parents=True)
    workspace.write(PATH, "Plot @file:data/sales.csv", "x = 1")
    (workspace.root / "work/data/sales.csv").write_text("month,sales\n1,42\n")
    (workspace.root / "work/long.txt").write_text("a" * 20_000 + "b" * 5_000)


@pytest.mark.rule("AG2", "AG3")
async def test_a_file_is_read_when_who_asked_allows_that_file(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        call, shown = await turn.asks("read_file", path="data/sales.csv")
        assert (shown["effect"], shown["preview"]) == ("files", "work/data/sales.csv")
        (of_bob,) = await turn.waiting(BOB)
        assert of_bob["nonce"] is None
        await turn.decide(shown)
        read = await call
        assert (read.status, read.text) == ("ok", "month,sales\n1,42\n")
        assert read.tainted
        assert turn.box.tainted
        again, shown = await turn.asks("read_file", path="data/sales.csv")
        assert not shown["always"]
        await turn.decide(shown, "deny")
        assert (await again).status == "denied"


@pytest.mark.rule("AG2")
async def test_what_was_allowed_is_what_is_read_though_the_notebook_moved(
    workspace: Workspace,
) -> None:
    (workspace.root / "private").mkdir()
    (workspace.root / "private/notes.txt").write_text("secret")
    (workspace.root / "work/notes.txt").write_text("public")
    async with workspace.running(), workspace.open(PATH) as notebook:
        turn = await turn_in(notebook)
        call, shown = await turn.asks("read_file", path="notes.txt")
        (workspace.root / PATH).rename(workspace.root / "private/nb.ipynb")
        await workspace.sessions.moved(PATH, "private/nb.ipynb")
        await turn.decide(shown)
        assert (await call).text == "public"


@pytest.mark.rule("AG2")
async def test_a_file_is_read_as_policy_and_rights_say(workspace: Workspace) -> None:
    async with workspace.running(), workspace.open(PATH) as notebook:
        denied = await turn_in(notebook, policy=Policy.of({"files": "deny"}))
        assert "read_file" not in [spec.name for spec in denied.box.specs()]
        assert (await denied.call("read_file", path="data/sales.csv")).status == "denied"
        allowed = await turn_in(notebook, policy=ALLOW_ALL, turn_id="t2")
        page = await allowed.call("read_file", path="long.txt")
        assert "read_file(path='long.txt', offset=20000) goes on" in page.text
        rest = await allowed.call("read_file", path="long.txt", offset=20_000)
        assert rest.text.startswith("b" * 5_000)
        for path in ("../work/nb.ipynb", ".env", "../../../etc/passwd", "data"):
            refused = await allowed.call("read_file", path=path)
            assert refused.status == "error", path
        workspace.denied.add(Capability.READ)
        assert (await allowed.call("read_file", path="long.txt")).status == "denied"
