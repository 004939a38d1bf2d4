"""Two people edit one notebook."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.ui.lab import Lab, Person, eventually

People = Callable[[str], Person]


@pytest.mark.rule("EL1", "FB1")
def test_two_people_type_into_one_cell_see_each_others_cursors_and_save(
    shared_lab: Lab, regular: People
) -> None:
    shared_lab.write("start")
    ada, bob = regular("ada").open(), regular("bob").open()
    ada.type(0, " ada")
    bob.sees_text(0, "start ada")
    bob.type(0, " bob")
    ada.sees_text(0, "start ada bob")
    expect(ada.cell(0).locator(".jp-remote-cursor")).to_be_visible()
    expect(bob.cell(0).locator(".jp-remote-cursor")).to_be_visible()
    ada.look("editing")
    bob.look("editing")
    eventually(lambda: shared_lab.sources() == ["start ada bob"])
    # A checkpoint is made once a save went well.
    with bob.page.expect_request(lambda it: it.method == "POST" and "/checkpoints" in it.url):
        bob.page.keyboard.press("Control+s")
    expect(bob.page.locator(".jp-Dialog")).to_have_count(0)


@pytest.mark.rule("FB1")
def test_cells_are_added_moved_and_deleted_for_everybody_and_in_the_file(
    shared_lab: Lab, regular: People
) -> None:
    shared_lab.write("a = 1", "b = 2", "c = 3")
    ada, bob = regular("ada").open(), regular("bob").open()
    ada.text(0).click()
    ada.page.keyboard.press("Escape")
    ada.page.keyboard.press("b")
    expect(bob.cells).to_have_count(4)
    bob.type(1, "new = 4")
    ada.sees_text(1, "new = 4")
    bob.text(3).click()
    bob.command("notebook:move-cell-up")
    ada.sees_text(2, "c = 3")
    ada.text(0).click()
    ada.page.keyboard.press("Escape")
    ada.page.keyboard.press("d")
    ada.page.keyboard.press("d")
    expect(bob.cells).to_have_count(3)
    eventually(lambda: shared_lab.sources() == ["new = 4", "c = 3", "b = 2"])


@pytest.mark.slow
@pytest.mark.rule("FB4")
def test_opening_and_closing_a_notebook_changes_no_byte_of_its_file(
    lab: Lab, person: People
) -> None:
    lab.write("a = 1")
    ada = person("ada").open()
    # JupyterLab itself writes the kernel's language into a notebook that lacks it.
    eventually(lambda: "language_info" in lab.read().metadata)
    ada.close()
    lab.restart()
    before = (lab.root / "nb.ipynb").read_bytes()
    ada.open()
    ada.close()
    lab.stop()
    assert (lab.root / "nb.ipynb").read_bytes() == before


@pytest.mark.slow
@pytest.mark.rule("EL2", "EL1")
def test_open_tabs_and_the_server_agree_after_a_crash(lab: Lab, person: People) -> None:
    lab.write("start")
    ada, bob = person("ada").open(), person("bob").open()
    ada.type(0, " ada")
    bob.sees_text(0, "start ada")
    lab.kill()
    bob.type(0, " offline")
    lab.start()
    ada.sees_text(0, "start ada offline")
    bob.sees_text(0, "start ada offline")
    expect(ada.cells).to_have_count(1)
    eventually(lambda: lab.sources() == ["start ada offline"])


@pytest.mark.rule("FB5")
def test_a_file_that_is_no_notebook_or_is_open_as_one_says_so(
    shared_lab: Lab, regular: People
) -> None:
    shared_lab.write("a = 1")
    (shared_lab.root / "broken.ipynb").write_text("{", encoding="utf-8")
    ada = regular("ada").open()
    ada.page.evaluate(
        "() => void window.jupyterapp.commands.execute('docmanager:open', {path: 'broken.ipynb'})"
    )
    told = ada.page.locator(".Toastify").get_by_text("broken.ipynb cannot be opened.")
    expect(told).to_be_visible()
    expect(ada.page.get_by_role("tab", name="broken.ipynb")).to_have_count(0)
    expect(ada.page.locator(".jp-Dialog")).to_have_count(0)
    ada.look("broken")
    path = shared_lab.notebook
    ada.page.evaluate(
        "path => void window.jupyterapp.commands.execute('docmanager:open',"
        " {path, factory: 'Editor'}).catch(() => undefined)",
        path,
    )
    told = ada.page.locator(".Toastify").get_by_text(f"{path} is open as a notebook")
    expect(told).to_be_visible()
    expect(ada.page.get_by_role("tab", name=path)).to_have_count(1)
    expect(ada.page.locator(".jp-Dialog")).to_have_count(0)
    ada.look("open-as-notebook")
