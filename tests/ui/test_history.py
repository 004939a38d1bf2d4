"""The past of a notebook, in the status bar's timeline."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.ui.lab import Lab, Person, eventually


@pytest.mark.rule("EL2")
def test_an_older_version_is_shown_and_restored_for_everybody(
    lab: Lab, person: Callable[[str], Person]
) -> None:
    lab.write("start")
    ada, bob = person("ada").open(), person("bob").open()
    ada.type(0, " regret")
    bob.sees_text(0, "start regret")
    ada.page.get_by_title("Document Timeline").click()
    slider = ada.page.locator(".jp-timestampDisplay input")
    expect(slider).to_be_visible()
    slider.press("ArrowLeft")
    ada.sees_text(0, "start")
    bob.sees_text(0, "start regret")
    ada.look("timeline")
    ada.page.get_by_role("button", name="Restore version").click()
    bob.sees_text(0, "start")
    bob.type(0, " again")
    ada.sees_text(0, "start again")
    eventually(lambda: lab.sources() == ["start again"])


LIMIT = 20_000
SCRIPT = """\
from IPython.display import HTML
HTML("<b>bold</b><script>document.body.dataset.ran = 'ran'</script>")
"""


@pytest.mark.rule("EL2", "EX9")
def test_the_history_is_browsed_compared_and_restored_with_the_keyboard(
    lab: Lab, person: Callable[[str], Person]
) -> None:
    lab.write("start", "other", SCRIPT)
    ada, bob = person("ada").open(), person("bob").open()
    ada.run(2)
    ada.sees_output(2, "bold")
    ada.type(0, " regret")
    bob.type(1, " more")
    ada.sees_text(1, "other more")
    body, keyboard = ada.page.locator("body"), ada.page.keyboard
    expect(body).to_have_attribute("data-ran", "ran")
    body.evaluate("body => delete body.dataset.ran")

    # The list, from the newest version to the oldest.
    keyboard.press("Control+Alt+h")
    versions = ada.page.get_by_role("listbox", name="Versions of nb.ipynb")
    opened = versions.get_by_role("option", name="Opened from the file")
    newest = versions.get_by_role("option").first
    expect(newest).to_be_focused(timeout=LIMIT)
    expect(newest).to_contain_text("Edited", timeout=LIMIT)
    ran = versions.get_by_role("option", name="Ran a cell")

    # What was, and what differs. Whoever looks stays in the list.
    keyboard.press("End")
    expect(opened).to_be_focused()
    keyboard.press("Enter")
    past = ada.page.locator(".jp-runt-Snapshot .jp-Cell")
    expect(past.first.locator(".cm-content")).to_have_text("start", timeout=LIMIT)
    expect(opened).to_be_focused()
    expect(opened).to_have_attribute("aria-selected", "true")
    ran.click()
    expect(past.nth(2)).to_contain_text("bold", timeout=LIMIT)
    expect(ran).to_be_focused(timeout=LIMIT)
    opened.focus()
    keyboard.press("Space")
    keyboard.press("Enter")
    differs = ada.page.locator(".jp-Notebook-diff")
    expect(differs).to_contain_text("bold", timeout=LIMIT)
    ada.look("history-diff")
    opened.click()
    ada.page.get_by_role("button", name="Compare with now").first.click()
    expect(differs).to_contain_text("regret", timeout=LIMIT)
    expect(body).not_to_have_attribute("data-ran", "ran")

    # One cell, then all of it, and back.
    opened.click()
    restore = past.nth(1).get_by_role("button", name="Restore this cell")
    restore.focus()
    keyboard.press("Enter")
    bob.sees_text(1, "other")
    bob.sees_text(0, "start regret")
    expect(newest).to_contain_text("Restored", timeout=LIMIT)
    ada.page.get_by_role("button", name="Restore this notebook").click()
    bob.sees_text(0, "start")
    ada.look("history-restored")
    ada.page.locator(".Toastify__toast").filter(has_text="nb.ipynb is as of").get_by_role(
        "button", name="Undo"
    ).click()
    bob.sees_text(0, "start regret")
    bob.sees_text(1, "other")
    bob.sees_output(2, "bold")
