"""AI cells: everybody sees the answer grow, and nothing is done that nobody allowed."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from jupyter_runt.ai.fake.script import Reply
from tests.ui.lab import Lab, Person, eventually
from tests.ui.model import Model, scripted_model

People = Callable[[str], Person]

ANSWER = """Because of *Rayleigh scattering*.

```python
import this
```

The law is $I \\propto \\lambda^{-4}$, see [here](https://example.org/). ![it](https://leak.example/?q)
"""


@pytest.fixture
def model() -> Iterator[Model]:
    with scripted_model() as model:
        yield model


@pytest.fixture
def lab(model: Model, tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path, named=True)
    lab.environment = model.environment
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()
        lab.end_orphans()


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
    lab: Lab, person: People, model: Model
) -> None:
    lab.write("secret = 1", "Why is the sky *blue*?")
    ada, bob = person("ada").open(), person("bob").open()
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
    assert "secret" not in part(bob, "Context").inner_text()
    bob.look("ai-answered")
    assert not [url for url in asked if lab.url not in url and "://" in url[:8]]
    assert "secret" not in model.server.requests[0].text


@pytest.mark.rule("AG2", "AG7")
def test_code_runs_when_who_asked_allows_exactly_that(
    lab: Lab, person: People, model: Model
) -> None:
    lab.write("answer = 6 * 7\nanswer", "Run it.")
    ada, bob = person("ada").open(), person("bob").open()
    becomes_ai(ada, 1)
    call = ("run_cells", {"cell_ids": ["c0"]})
    model.says(Reply("I run it.", calls=[call]), Reply("I could not."))
    ada.run(1)
    expect(part(ada, "Approval-preview")).to_contain_text("answer = 6 * 7")
    expect(part(bob, "Approval-title")).to_contain_text("Waits for a decision by Ada")
    expect(part(bob, "Approval-actions")).to_be_hidden()
    expect(bob.page.get_by_text("AI waits for you")).to_be_hidden()
    bob.look("ai-waits")
    ada.page.get_by_text("AI waits for you").click()
    ada.look("ai-decides")
    expect(ada.page.get_by_role("button", name="Allow Once")).to_be_focused()
    ada.page.get_by_label("Why not (optional)").fill("Not now.")
    ada.page.get_by_role("button", name="Deny").click()
    ended(ada)
    expect(part(bob, "Approval")).to_have_count(0)
    assert not lab.events(types="v1.ExecutionRequested")
    assert "Not now." in model.server.requests[-1].text
    again = ("create_cell", {"cell_type": "markdown", "source": "# Made", "after": "c0"})
    model.says(Reply(calls=[call, again]), Reply("It is 42."))
    part(ada, "TurnBar").get_by_text("Ask again").click()
    ada.page.get_by_role("button", name="Allow Once").press("Enter")
    ada.sees_output(0, "42")
    for one in (ada, bob):
        expect(one.cell(1)).to_contain_class("jp-MarkdownCell")
        ended(one)
    ada.look("ai-did")
    expect(bob.page.get_by_role("button", name="Undo its changes")).to_be_visible()
    part(ada, "TurnBar").get_by_text("Undo its changes").click()
    expect(bob.page.locator(".jp-MarkdownCell")).to_have_count(0)
    bob.sees_output(0, "42")


@pytest.mark.rule("AG4", "AG5")
def test_a_failed_cell_is_fixed_and_a_key_is_given(lab: Lab, person: People, model: Model) -> None:
    lab.write("1 / 0")
    ada = person("ada").open()
    ada.run(0)
    part(ada, "Offer").get_by_text("Fix").wait_for()
    hold = asyncio.Event()
    model.says(Reply("Divide by *one*.", hold=hold))
    part(ada, "Offer").get_by_text("Fix").click()
    expect(part(ada, "mod-live")).to_have_text("Divide")
    ada.sees_text(1, "Fix the error of the cell above.")
    part(ada, "TurnBar").get_by_text("Stop").click()
    ended(ada, "cancelled")
    ada.sees_output(1, "Divide")
    model.goes_on(hold)
    model.says(Reply("By two, then."))
    part(ada, "TurnBar").get_by_text("Follow up").click()
    ada.page.keyboard.insert_text("And otherwise?")
    ada.page.keyboard.press("Control+Enter")
    ada.sees_output(1, "By two, then.")
    ended(ada)
    ada.page.get_by_text("1 earlier question").click()
    expect(part(ada, "Earlier")).to_contain_text("Divide")
    ada.look("ai-followed-up")
    model.says(Reply(status=401, message="bad key"))
    part(ada, "TurnBar").get_by_text("Ask again").click()
    ended(ada, "error")
    ada.look("ai-failed")
    ada.command("runt:show-ai-keys")
    ada.page.get_by_label("A new key for openai").fill("sk-my-own")
    ada.page.get_by_role("button", name="Keep and Test").click()
    ada.page.get_by_text("It works.").wait_for()
    expect(ada.page.get_by_label("A new key for openai")).to_have_value("")
    ada.look("ai-keys")
    assert "sk-my-own" not in ada.page.content()
    expect(ada.page.get_by_text("Your own key is used.")).to_be_visible()
    eventually(lambda: "By two" in str(lab.read().cells[1]))
