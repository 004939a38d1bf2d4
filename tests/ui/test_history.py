"""The past of a notebook, in the status bar's timeline."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.ui.lab import Lab, Person, eventually


@pytest.mark.rule("EL2")
def test_an_older_version_is_shown_and_restored_for_everybody(
    shared_lab: Lab, regular: Callable[[str], Person]
) -> None:
    shared_lab.write("start")
    ada, bob = regular("ada").open(), regular("bob").open()
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
    eventually(lambda: shared_lab.sources() == ["start again"])


PAGE = 50
"""Versions that the panel asks for at once."""


@pytest.mark.slow
@pytest.mark.rule("AU2", "RM6", "RM8")
@pytest.mark.parametrize("lab", ["named"], indirect=True)
def test_who_wrote_what_is_told_to_those_who_may_only_read_too(
    lab: Lab, person: Callable[[str], Person]
) -> None:
    lab.write("first\nsecond", "other")
    ada, bob = person("ada").open(), person("bob").open()
    ada.type(0, "\nthird")
    bob.sees_text(0, "firstsecondthird")
    bob.type(0, "\nfourth")
    ada.sees_text(0, "firstsecondthirdfourth")
    for number in range(PAGE):
        lab.do("edit_cell", cell_id="c1", source=f"version {number}")
    rita = person("rita")
    rita.go()
    rita.sees_text(1, f"version {PAGE - 1}")
    expect(rita.page.locator(".jp-runt-Saving-button")).to_have_text("Read only")
    for who, restores in ((bob, 1), (rita, 0)):
        page, keyboard = who.page, who.page.keyboard
        who.command("runt:show-history")
        versions = page.get_by_role("listbox", name="Versions of nb.ipynb").get_by_role("option")
        expect(versions).to_have_count(PAGE)
        page.get_by_role("button", name="Show earlier").press("Enter")
        expect(versions.last).to_have_accessible_name(re.compile("Opened from the file"))
        who.look("history-earlier")

        # The last version of bob's, with who changed each cell, and who wrote its lines.
        written = versions.filter(has_text="Bob").first
        written.click()
        past = page.locator(".jp-runt-Snapshot .jp-Cell").first
        expect(past).to_contain_text(re.compile("Changed by .*Bob"))
        expect(past.get_by_role("button", name="Restore this cell")).to_have_count(restores)
        expect(page.get_by_role("button", name="Restore this notebook")).to_have_count(restores)
        past.get_by_role("button", name="Who wrote this").press("Enter")
        rows = page.get_by_role("dialog").get_by_role("row")
        expect(rows).to_have_text(
            [
                "LinesWritten byLast onText",
                re.compile(r"1.2.*File.*first\s+second"),
                re.compile(r"3.*Ada.*third"),
                re.compile(r"4.*Bob.*fourth"),
            ]
        )
        who.look("history-authors")
        keyboard.press("Escape")

        # The same of what differs, and of the notebook as it is.
        page.get_by_role("button", name="Compare with now").first.click()
        differs = page.locator(".jp-Notebook-diff")
        expect(differs).to_contain_text("Changed by server")
        expect(page.get_by_role("button", name="Restore")).to_have_count(restores)
        who.look("history-authors-diff")
        page.get_by_role("tab", name="nb.ipynb", exact=True).click()
        who.text(1).click()
        who.command("runt:show-cell-authors")
        expect(rows.last).to_have_text(re.compile(rf"server.*version {PAGE - 1}"))
        keyboard.press("Escape")


SCRIPT = """\
from IPython.display import HTML
HTML("<b>bold</b><script>document.body.dataset.ran = 'ran'</script>")
"""


@pytest.mark.slow
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
    expect(newest).to_be_focused()
    expect(newest).to_contain_text("Edited")
    ran = versions.get_by_role("option", name="Ran a cell")

    # What was, and what differs. Whoever looks stays in the list.
    keyboard.press("End")
    expect(opened).to_be_focused()
    keyboard.press("Enter")
    past = ada.page.locator(".jp-runt-Snapshot .jp-Cell")
    expect(past.first.locator(".cm-content")).to_have_text("start")
    expect(opened).to_be_focused()
    expect(opened).to_have_attribute("aria-selected", "true")
    ran.click()
    expect(past.nth(2)).to_contain_text("bold")
    expect(ran).to_be_focused()
    opened.focus()
    keyboard.press("Space")
    keyboard.press("Enter")
    differs = ada.page.locator(".jp-Notebook-diff")
    expect(differs).to_contain_text("bold")
    ada.look("history-diff")
    opened.click()
    ada.page.get_by_role("button", name="Compare with now").first.click()
    expect(differs).to_contain_text("regret")
    expect(body).not_to_have_attribute("data-ran", "ran")

    # One cell, then all of it, and back.
    opened.click()
    restore = past.nth(1).get_by_role("button", name="Restore this cell")
    restore.focus()
    keyboard.press("Enter")
    bob.sees_text(1, "other")
    bob.sees_text(0, "start regret")
    expect(newest).to_contain_text("Restored")
    ada.page.get_by_role("button", name="Restore this notebook").click()
    bob.sees_text(0, "start")
    ada.look("history-restored")
    ada.page.locator(".Toastify__toast").filter(has_text="nb.ipynb is as of").get_by_role(
        "button", name="Undo"
    ).click()
    bob.sees_text(0, "start regret")
    bob.sees_text(1, "other")
    bob.sees_output(2, "bold")
