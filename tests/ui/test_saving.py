"""What keeps a person's keystrokes safe, and tells them so."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.integration.test_files import read_only
from tests.ui.lab import TOKEN, Lab, Person, eventually

People = Callable[[str], Person]

ALL_KEPT = """async () => {
  const asked = indexedDB.open('jupyter-runt');
  const database = await new Promise(done => { asked.onsuccess = () => done(asked.result) });
  const all = database.transaction('edits').objectStore('edits').getAll();
  const records = await new Promise(done => { all.onsuccess = () => done(all.result) });
  database.close();
  return records.map(({ texts }) => texts);
}"""


def saving(person: Person) -> Locator:
    """What the status bar says of the current notebook."""
    return person.page.locator(".jp-runt-Saving-button")


def kept(person: Person) -> list[dict[str, str]]:
    """Return the texts of the edits that the person's browser keeps."""
    texts: list[dict[str, str]] = person.page.evaluate(ALL_KEPT)
    return texts


@pytest.mark.slow
@pytest.mark.rule("RM3", "EL5", "AU2")
@pytest.mark.parametrize("lab", ["named"], indirect=True)
def test_edits_made_without_a_server_outlive_their_tab_and_merge_once_as_their_author_s(
    lab: Lab, person: People
) -> None:
    lab.write("start", "second")
    ada, bob = person("ada").open(), person("bob").open()
    expect(saving(ada)).to_have_text("All changes saved")
    ada.look("saved")
    lab.kill()
    expect(saving(ada)).to_have_text("Offline")
    ada.closes_dialogs("Server Connection Error")
    bob.closes_dialogs("Server Connection Error")
    ada.type(0, " ada")
    ada.text(1).click()
    ada.page.keyboard.press("Control+a")
    ada.page.keyboard.press("Delete")
    expect(saving(ada)).to_have_text(re.compile(r"Offline: \d changes kept in this browser"))
    eventually(lambda: {"c0": "start ada", "c1": ""} in kept(ada))
    ada.look("offline")
    ada.close()
    bob.type(0, " bob")
    lab.start()
    bob.sees_text(0, "start bob")
    expect(saving(bob)).to_have_text("All changes saved")

    # Somebody else in the same browser neither sees nor sends them.
    ada.becomes("eve")
    ada.open()
    ada.sees_text(0, "start bob")
    expect(saving(ada)).to_have_text("All changes saved")
    ada.sees_text(1, "second")
    assert {"c0": "start ada", "c1": ""} in kept(ada)
    ada.close()

    ada.becomes("ada")
    ada.open()
    bob.sees_text(1, "")
    expect(ada.text(0)).to_contain_text(" bob")
    expect(ada.text(0)).to_contain_text(" ada")
    merged = ada.text(0).inner_text()
    assert sorted(merged.split()) == ["ada", "bob", "start"]
    bob.sees_text(0, merged)
    expect(saving(ada)).to_have_text("All changes saved")
    eventually(lambda: kept(ada) == [])
    eventually(lambda: lab.sources() == [merged, ""])
    edits = lab.events(types="v1.DocumentUpdated")
    of_c1 = [
        e["actor"] for e in edits if any(c.get("cell_id") == "c1" for c in e["payload"]["changes"])
    ]
    assert of_c1[-1] == "user:ada"
    ada.page.reload()
    ada.sees_text(0, merged)
    expect(ada.cells).to_have_count(2)


@pytest.mark.slow
@pytest.mark.rule("FB3")
def test_a_notebook_that_another_server_has_open_leads_there(lab: Lab, person: People) -> None:
    lab.write("start")
    person("ada").open()
    other = lab.beside()
    try:
        other.start()
        bob = person("bob")
        bob.go("nb.ipynb", server=other)
        link = bob.page.get_by_role("button", name="Open It There")
        expect(link).to_be_visible()
        bob.look("elsewhere")
        expect(bob.page.locator(".jp-Dialog")).to_have_count(0)
        expect(bob.page.get_by_role("tab", name="nb.ipynb")).to_have_count(0)
        with bob.page.expect_popup() as opened:
            link.click()
        expect(opened.value).to_have_url(re.compile(re.escape(lab.url)))
        assert TOKEN not in opened.value.url
    finally:
        other.stop()


NO_STORE = """Object.defineProperty(window, 'indexedDB', {
  value: { open() { throw new Error('not here') } }
})"""


@pytest.mark.slow
@pytest.mark.rule("FB1", "EL5")
def test_who_can_not_save_is_told_why_and_what_the_browser_does_not_keep(
    lab: Lab, person: People
) -> None:
    lab.write("start")
    ada = person("ada").open(before=NO_STORE)
    expect(saving(ada)).to_have_text("All changes saved")
    with read_only(lab.root / "nb.ipynb"):
        ada.type(0, " more")
        expect(saving(ada)).to_have_text(
            "Not saved: nb.ipynb could not be written: Permission denied."
        )
        saving(ada).click()
        dialog = ada.page.get_by_role("dialog")
        expect(dialog).to_contain_text("The server has recorded all changes")
        ada.look("unwritable")
        ada.page.get_by_role("button", name="Save Now").click()
        expect(dialog).to_contain_text("File Save Error")
        ada.page.keyboard.press("Escape")
    expect(saving(ada)).to_have_text("All changes saved")
    assert lab.sources() == ["start more"]

    lab.kill()
    expect(saving(ada)).to_have_text("Offline")
    ada.closes_dialogs("Server Connection Error")
    ada.type(0, " offline")
    expect(saving(ada)).to_have_text("Offline: 1 change not saved")
    expect(saving(ada)).to_have_attribute("title", re.compile("this browser cannot keep"))
    ada.look("not-kept")
    lab.start()
    expect(saving(ada)).to_have_text("All changes saved")
    eventually(lambda: lab.sources() == ["start more offline"])


def begin_anew(lab: Lab, person: Person, text: str, *, leave: bool) -> None:
    """Have somebody type without a server, and the server come back without its store."""
    expect(saving(person)).to_have_text("All changes saved")
    lab.kill()
    expect(saving(person)).to_have_text("Offline")
    person.closes_dialogs("Server Connection Error")
    person.type(0, text)
    eventually(lambda: kept(person) == [{"c0": f"start{text}"}])
    if leave:
        person.close()
    lab.forget()
    lab.start()


def kept_version(person: Person) -> Locator:
    """Open the first version in the History panel that was kept, and return its first cell."""
    person.command("runt:show-history")
    person.page.get_by_role("option").filter(has_text="Kept").first.click()
    return person.page.locator(".jp-runt-Snapshot .cm-content").first


@pytest.mark.slow
@pytest.mark.rule("RM3")
def test_what_was_typed_before_the_history_began_anew_is_in_the_new_one(
    lab: Lab, person: People
) -> None:
    lab.write("start")
    ada = person("ada").open()
    begin_anew(lab, ada, " offline", leave=True)
    ada.open()
    ada.sees_text(0, "start")
    toast = ada.page.locator(".Toastify__toast", has_text="Edits of nb.ipynb")
    expect(toast.get_by_role("button", name="Copy")).to_be_visible()
    expect(toast.get_by_role("button", name="Discard")).to_be_visible()
    ada.look("stranded")
    toast.get_by_role("button", name="Keep in History").click()
    eventually(lambda: kept(ada) == [])
    expect(kept_version(ada)).to_have_text("start offline")
    ada.look("stranded-kept")
    ada.page.get_by_role("tab", name="nb.ipynb", exact=True).click()

    # A tab that is open has it kept at once, and is told so, once.
    begin_anew(lab, ada, " again", leave=False)
    dialog = ada.page.get_by_role("dialog").filter(has_text="Session expired")
    expect(dialog).to_contain_text("Its history began anew. What you typed is kept.")
    expect(saving(ada)).to_have_text("Not saved: open this notebook again")
    ada.look("refused")
    dialog.get_by_role("button", name="Continue").click()
    expect(ada.page.get_by_role("dialog")).to_have_count(0)
    ada.close()
    ada.open()
    expect(kept_version(ada)).to_have_text("start again")
    eventually(lambda: kept(ada) == [])
    expect(ada.page.locator(".Toastify__toast", has_text="Edits of")).to_have_count(0)
