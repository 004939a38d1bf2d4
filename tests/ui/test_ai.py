"""AI cells: everybody sees the answer grow, and nothing is done that nobody allowed."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, expect

from jupyter_runt.ai.fake.script import Reply
from tests.ui.conftest import RESULTS
from tests.ui.crowd import Crowd
from tests.ui.lab import Lab, Person, eventually
from tests.ui.model import Model, scripted_model

People = Callable[[str], Person]

ANSWER = """Because of *Rayleigh scattering*.

```python
import this
```

The law is $I \\propto \\lambda^{-4}$, see [here](https://example.org/). ![it](https://leak.example/?q)
"""


@pytest.fixture(scope="module")
def everybodys_model() -> Iterator[Model]:
    with scripted_model() as model:
        yield model


@pytest.fixture
def model(everybodys_model: Model) -> Model:
    everybodys_model.forget()
    return everybodys_model


@pytest.fixture(scope="module")
def crowd(
    browser: Browser, everybodys_model: Model, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Crowd]:
    """People with names, at a lab whose AI asks before it edits."""
    lab = Lab(tmp_path_factory.mktemp("ai"), named=True)
    lab.environment = everybodys_model.environment
    lab.options = ('--RuntAI.policy={"edit": "ask"}',)
    with lab.running():
        crowd = Crowd(browser, lab, RESULTS)
        yield crowd
        crowd.leave()


@pytest.fixture
def lab(request: pytest.FixtureRequest, model: Model, tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path, named=True)
    lab.environment = model.environment
    lab.options = request.param
    with lab.running():
        yield lab


def part(person: Person, name: str) -> Locator:
    """Return a part of the AI cell."""
    return person.page.locator(f".jp-runt-{name}")


def becomes_ai(person: Person, index: int) -> None:
    """Choose the type of a cell in the toolbar."""
    person.cell(index).locator(".jp-InputPrompt").click()
    person.page.get_by_label("Cell type").select_option("ai")
    expect(person.cell(index)).to_contain_class("jp-runt-AICell")


def ended(person: Person, status: str = "ok") -> None:
    """Wait until the turn has ended like this."""
    part(person, f"TurnBar[data-status={status}]").wait_for()


@pytest.mark.rule("AG6", "AG7")
def test_everybody_watches_an_answer_grow_and_it_loads_nothing(
    shared_lab: Lab, regular: People, model: Model
) -> None:
    shared_lab.write("secret = 1", "Why is the sky *blue*?", "after = 2")
    ada, bob = regular("ada").open(), regular("bob").open()
    asked: list[str] = []
    for one in (ada, bob):
        one.page.on("request", lambda request: asked.append(request.url))
    becomes_ai(ada, 1)
    expect(bob.cell(1)).to_contain_class("jp-runt-AICell")
    expect(part(ada, "ModelPicker")).to_contain_text("scripted")
    ada.command("runt:choose-context")
    part(ada, "Eye").first.click()
    expect(part(bob, "Eye")).to_have_attribute("aria-pressed", "false")
    part(ada, "Chooser").get_by_text("Done").click()
    # Which cells this question shows, with the keyboard.
    ada.cell(1).locator(".jp-InputPrompt").click()
    ada.page.keyboard.press("Alt+v")
    expect(part(ada, "Chooser")).to_contain_text("The question shows no other cell")
    ada.page.keyboard.press("ArrowDown")
    ada.page.keyboard.press("Space")
    expect(part(ada, "Chooser")).to_contain_text("The question shows: Cell 3: after = 2")
    ada.look("ai-chooses")
    ada.page.keyboard.press("Escape")
    expect(part(ada, "Chooser")).to_have_count(0)
    expect(part(ada, "PromptHeader")).to_contain_text("Shows Cell 3: after = 2")
    hold = asyncio.Event()
    model.says(Reply(ANSWER, hold=hold))
    ada.run(1)
    expect(part(bob, "mod-live")).to_have_text("Because")
    ada.open()  # again, in the middle
    expect(part(ada, "mod-live")).to_have_text("Because")
    ada.look("ai-grows")
    model.goes_on(hold)
    for one in (ada, bob):
        one.page.on("request", lambda request: asked.append(request.url))
        ended(one)
        one.sees_output(1, "Because of Rayleigh scattering.")
        expect(one.output(1).locator(".jp-runt-blocked")).to_have_text("Image not loaded: it")
        expect(one.output(1).locator("em")).to_have_text("Rayleigh scattering")
        expect(one.output(1).locator("mjx-container")).to_be_visible()
        assert one.output(1).locator("a[href], button").count() == 0
        expect(part(one, "mod-live")).to_be_hidden()
    part(bob, "TurnBar").get_by_text("What it saw").click()
    expect(part(bob, "Context")).to_contain_text("Why is the sky *blue*?")
    expect(part(bob, "Context")).to_contain_text("after = 2")
    assert "secret" not in part(bob, "Context").inner_text()
    bob.look("ai-answered")
    assert not [url for url in asked if shared_lab.url not in url and "://" in url[:8]]
    assert "secret" not in model.server.requests[0].text


@pytest.mark.rule("AG2", "AG7", "RM6")
def test_what_the_ai_does_is_allowed_by_who_asked_and_readers_only_watch(
    shared_lab: Lab, regular: People, model: Model
) -> None:
    shared_lab.write("", "")
    ada, rita = regular("ada").open(), regular("rita")
    rita.go()
    # What others wrote, or is from the file, would keep "always" from being said.
    ada.type(0, "answer = 6 * 9\nanswer")
    becomes_ai(ada, 1)
    ada.type(1, "Run it.")
    call = ("run_cells", {"cell_ids": ["c0"]})
    edits = [("edit_cell", {"cell_id": "c0", "old": old, "new": new}) for old, new in ("98", "87")]
    model.says(*(Reply(calls=[edit]) for edit in edits))
    model.says(Reply("I run it.", calls=[call]), Reply("I could not."))
    ada.run(1)
    expect(ada.page.locator("[data-change='-']")).to_have_text("-answer = 6 * 9")
    expect(ada.page.locator("[data-change='+']")).to_have_text("+answer = 6 * 8")
    expect(part(ada, "Approval-where")).to_have_text("Cell 1: answer = 6 * 9")
    ada.look("ai-edits")
    ada.page.get_by_role("button", name="Always in This Notebook").click()
    # The second edit is not asked about.
    expect(part(ada, "Approval-preview")).to_contain_text("answer = 6 * 7")
    expect(part(rita, "Approval-title")).to_contain_text("Waits for a decision by Ada")
    expect(part(rita, "Approval-actions")).to_be_hidden()
    expect(rita.page.get_by_role("button", name="AI waits for you")).to_be_hidden()
    expect(rita.page.get_by_role("button", name="Stop", exact=True)).to_be_hidden()
    rita.look("ai-waits")
    ada.page.get_by_role("button", name="AI waits for you").press("Enter")
    ada.look("ai-decides")
    expect(ada.page.get_by_role("button", name="Allow Once")).to_be_focused()
    ada.page.get_by_label("Why not (optional)").fill("Not now.")
    ada.page.get_by_role("button", name="Deny").click()
    ended(ada)
    expect(part(rita, "Approval")).to_have_count(0)
    expect(ada.page.locator("[data-status='denied'] .jp-runt-Tool-subject")).to_contain_text(
        "Not now."
    )
    assert not shared_lab.events(types="v1.ExecutionRequested")
    assert "Not now." in model.server.requests[-1].text
    again = ("create_cell", {"cell_type": "markdown", "source": "# Made", "after": "c0"})
    model.says(Reply(calls=[call, again]), Reply("It is 42."))
    part(ada, "TurnBar").get_by_text("Ask again").click()
    ada.page.get_by_role("button", name="Allow Once").press("Enter")
    expect(ada.page.locator(".jp-Notebook").locator(":focus")).to_have_count(1)
    ada.sees_output(0, "42")
    expect(part(ada, "Approval-preview")).to_contain_text("# Made")
    ada.page.get_by_role("button", name="Allow Once").press("Enter")
    for one in (ada, rita):
        expect(one.cell(1)).to_contain_class("jp-MarkdownCell")
        ended(one)
    ada.look("ai-did")
    ada.command("runt:toggle-context-visibility")
    expect(rita.page.get_by_role("button", name="The AI sees this cell")).to_be_disabled()
    expect(part(rita, "TurnBar").get_by_role("button")).to_have_text(["What it saw"])
    expect(rita.page.get_by_label("Cell type").locator("option", has_text="AI")).to_have_count(0)
    rita.look("ai-reader")
    part(ada, "TurnBar").get_by_text("Undo its changes").click()
    for one in (ada, rita):
        expect(one.page.locator(".jp-MarkdownCell")).to_have_count(0)
        expect(part(one, "TurnBar")).to_contain_text("its changes were undone")
        one.sees_output(0, "42")
    expect(ada.page.get_by_role("button", name="Undo its changes")).to_be_hidden()
    ada.command("runt:show-always-allowed")
    again = ada.page.get_by_role("button", name="Ask me again: Edit a cell")
    expect(again).to_be_visible()
    ada.look("ai-always")
    again.click()
    expect(part(ada, "Allowed")).to_contain_text("you are asked each time")


@pytest.mark.rule("AG2", "AG4", "AG5")
def test_a_failed_cell_is_fixed_and_a_key_is_given(
    shared_lab: Lab, regular: People, model: Model
) -> None:
    shared_lab.write("1 / 0")
    notebook = shared_lab.read()
    error = nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="", traceback=["No."])
    notebook.cells[0].outputs = [error]
    nbformat.write(notebook, shared_lab.root / shared_lab.notebook)
    ada = regular("ada").open()
    part(ada, "Offer").get_by_text("Fix").wait_for()
    hold = asyncio.Event()
    model.says(Reply("Divide by *one*.", hold=hold))
    part(ada, "Offer").get_by_text("Fix").dblclick()
    expect(part(ada, "mod-live")).to_have_text("Divide")
    ada.sees_text(1, "Fix the error of the cell above.")
    expect(ada.cells).to_have_count(2)
    part(ada, "TurnBar").get_by_text("Stop").click()
    ended(ada, "cancelled")
    ada.sees_output(1, "Divide")
    model.goes_on(hold)
    (shared_lab.root / "facts.txt").write_text("Two is even.")
    model.says(Reply(calls=[("read_file", {"path": "facts.txt"})]), Reply("By two, then."))
    part(ada, "TurnBar").get_by_text("Follow up").click()
    ada.page.keyboard.type("And with @")
    mentioned = ada.page.locator(".jp-Completer-item")
    expect(mentioned.last).to_contain_text("@file:facts.txt")
    ada.look("ai-mentions")
    mentioned.last.click()
    ada.sees_text(1, "And with @file:facts.txt")
    ada.page.keyboard.press("Control+Enter")
    expect(part(ada, "Approval-preview")).to_have_text("facts.txt\n")
    ada.page.get_by_role("button", name="Allow Once").click()
    ada.sees_output(1, "By two, then.")
    assert "Two is even." in model.server.requests[-1].text
    ended(ada)
    ada.page.get_by_text("1 earlier question").click()
    expect(part(ada, "Earlier")).to_contain_text("Divide")
    ada.look("ai-followed-up")
    model.says(Reply(status=401, message="bad key"))
    part(ada, "TurnBar").get_by_text("Ask again").click()
    ended(ada, "error")
    ada.look("ai-failed")
    part(ada, "TurnBar").get_by_text("Keys…").click()
    ada.page.get_by_label("A new key for openai").fill("sk-my-own")
    ada.page.get_by_role("button", name="Keep and Test").click()
    ada.page.get_by_text("It works.").wait_for()
    expect(ada.page.get_by_label("A new key for openai")).to_have_value("")
    ada.look("ai-keys")
    assert "sk-my-own" not in ada.page.content()
    expect(ada.page.get_by_text("Your own key is used.")).to_be_visible()
    eventually(lambda: "By two" in str(shared_lab.read().cells[1]))


@pytest.mark.slow
@pytest.mark.rule("AG2", "AG5", "AG7")
@pytest.mark.parametrize("lab", [("--RuntAI.approval_seconds=2",)], indirect=True)
def test_an_answer_that_ends_early_says_why(lab: Lab, person: People, model: Model) -> None:
    lab.write("x = 1", "Run it.", "Go on and on.", "Get lost.")
    notebook = lab.read()
    notebook.metadata["runt"] = {"ai": {"rounds": 2}}
    for cell in notebook.cells[1:]:
        cell.metadata["runt"] = {"type": "ai"}
    nbformat.write(notebook, lab.root / "nb.ipynb")
    ada = person("ada").open()
    # A question is not Python, whatever is loaded first.
    assert ada.text(2).locator("span").count() == 0
    hold = asyncio.Event()
    model.says(Reply(calls=[("run_cells", {"cell_ids": ["c0"]})]), Reply("Nobody let me."))
    ada.run(1)
    row = ada.cell(1).locator("[data-status='denied']")
    expect(row).to_contain_text("Nobody decided in time")
    look = Reply(calls=[("get_notebook", {})])
    model.says(look, look, Reply("Half an answer.", hold=hold))
    ada.run(2)
    ended(ada, "limit")
    expect(part(ada, "Answer-end")).to_contain_text("2 rounds")
    ada.run(3)
    expect(part(ada, "mod-live").last).to_have_text("Half")
    ada.closes_dialogs("Server Connection Error")
    lab.kill()
    lab.start()
    model.goes_on(hold)
    ended(ada, "lost")
    ada.sees_output(3, "Half")
    ada.look("ai-lost")
