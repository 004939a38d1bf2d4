"""What keeps a person's keystrokes safe, and tells them so."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

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


@pytest.mark.rule("RM3", "EL5", "AU2")
@pytest.mark.parametrize("lab", ["named"], indirect=True)
def test_edits_made_without_a_server_outlive_their_tab_and_merge_once_as_their_author_s(
    lab: Lab, person: People
) -> None:
    lab.write("start", "second")
    ada, bob = person("ada").open(), person("bob").open()
    expect(saving(ada)).to_have_text("All changes saved", timeout=20_000)
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
    expect(saving(bob)).to_have_text("All changes saved", timeout=20_000)

    # Somebody else in the same browser neither sees nor sends them.
    ada.becomes("eve")
    ada.open()
    ada.sees_text(0, "start bob")
    expect(saving(ada)).to_have_text("All changes saved", timeout=20_000)
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
    expect(saving(ada)).to_have_text("All changes saved", timeout=20_000)
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


@pytest.mark.rule("FB3")
def test_a_notebook_that_another_server_has_open_leads_there(lab: Lab, person: People) -> None:
    lab.write("start")
    person("ada").open()
    other = lab.beside()
    try:
        other.start()
        bob = person("bob")
        bob.go("nb.ipynb", server=other)
        bob.page.locator(".jp-Dialog").get_by_role("button", name="Close").click()
        link = bob.page.get_by_role("button", name="Open It There")
        expect(link).to_be_visible()
        bob.look("elsewhere")
        with bob.page.expect_popup() as opened:
            link.click()
        expect(opened.value).to_have_url(re.compile(re.escape(lab.url)))
        assert TOKEN not in opened.value.url
    finally:
        other.stop()


@pytest.mark.rule("RM3")
def test_edits_of_a_history_that_is_gone_are_told_and_their_text_is_there(
    lab: Lab, person: People
) -> None:
    lab.write("start")
    ada = person("ada").open()
    expect(saving(ada)).to_have_text("All changes saved", timeout=20_000)
    lab.kill()
    expect(saving(ada)).to_have_text("Offline")
    ada.closes_dialogs("Server Connection Error")
    ada.type(0, " offline")
    eventually(lambda: kept(ada) == [{"c0": "start offline"}])
    lab.forget()
    lab.start()
    expect(saving(ada)).to_contain_text("Not saved: ", timeout=20_000)
    toast = ada.page.locator(".Toastify__toast", has_text="Edits of nb.ipynb")
    expect(toast).to_have_count(1)
    ada.look("refused")
    ada.close()

    ada.open()
    ada.sees_text(0, "start")
    toast = ada.page.locator(".Toastify__toast", has_text="Edits of nb.ipynb")
    expect(toast.get_by_role("button", name="Copy Their Text")).to_be_visible()
    ada.look("stranded")
    toast.get_by_role("button", name="Discard").click()
    eventually(lambda: kept(ada) == [])
