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
