"""What runs, what waits, and how the kernel is: seen and controlled."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.ui.lab import Lab, Person, eventually

People = Callable[[str], Person]

SLOW = "import time\nprint('on', flush=True)\ntime.sleep(600)"
DIES = """\
import os, pathlib, time
pathlib.Path("died.txt").write_text(str(time.time()))
os.kill(os.getpid(), 9)
"""
TOLD = 3.0
"""Seconds until people know of a death (EX7)."""


def says(told: Locator, pattern: str) -> None:
    """Wait until something says what fits the whole pattern."""
    expect(told).to_have_text(re.compile(f"^{pattern}$"))


def status(person: Person, index: int) -> Locator:
    """What is said of the last execution of a cell."""
    return person.cell(index).locator(".jp-runt-CellStatus")


def indicator(person: Person) -> Locator:
    """What the status bar says of the kernel."""
    return person.page.locator(".jp-runt-Runtime-label")


def panel(person: Person) -> Locator:
    """The panel of the current notebook's kernel."""
    return person.page.get_by_role("region", name="Notebook Runtime")


@pytest.mark.slow
@pytest.mark.rule("EX2", "EX5")
def test_a_run_of_all_cells_is_followed_and_stopped_with_the_keyboard_and_survives_a_reload(
    lab: Lab, person: People
) -> None:
    lab.write("x = 1", SLOW, "x + 1", "'last'")
    ada, bob = person("ada").open(), person("bob").open()
    keyboard = ada.page.keyboard
    ada.text(0).click()
    keyboard.press("Control+Alt+Enter")
    for one in (ada, bob):
        says(status(one, 0), r"Done in [\d.]+ m?s")
        says(status(one, 1), r"Running for \d+ s")
        says(status(one, 2), "Queued: no. 1")
        says(status(one, 3), "Queued: no. 2")
        says(indicator(one), r"Running 2 of 4 · \d+ s")

    # The panel, which the keyboard reaches too.
    keyboard.press("Control+Alt+r")
    cells = panel(ada).get_by_role("list", name="Cells").get_by_role("listitem")
    expect(cells).to_have_count(4)
    expect(cells.first).to_contain_text("Cell 2: import time")
    expect(panel(ada).get_by_role("button", name="Interrupt")).to_be_focused()
    ada.look("runtime-running")
    cells.nth(2).get_by_role("button", name="Cancel Cell 4: 'last'").click()
    says(status(bob, 3), "Cancelled: It was taken from the queue.")
    says(indicator(bob), r"Running 3 of 4 · \d+ s")

    # An edit while it waits, and after it ran.
    ada.type(0, " + 1")
    expect(status(bob, 0)).to_contain_text("Edited since it ran")
    ada.type(2, " + 1")
    expect(status(bob, 2)).to_contain_text("Edited since: runs as it was")
    keyboard.press("Escape")
    keyboard.press("q")
    keyboard.press("q")
    for one in (ada, bob):
        says(status(one, 1), r"Interrupted after .* s")
        says(status(one, 2), "Cancelled: It was taken from the queue.")
        says(indicator(one), r"Idle for \d+ s")
    said = [status(ada, index).inner_text() for index in range(4)]

    ada.page.reload()
    for index, text in enumerate(said):
        expect(status(ada, index)).to_have_text(text, use_inner_text=True)
    ada.look("runtime-reloaded")


@pytest.mark.slow
@pytest.mark.rule("EX7")
def test_a_dead_kernel_says_why_and_the_panel_starts_restarts_and_stops_it(
    lab: Lab, person: People
) -> None:
    lab.write("'fine'", DIES)
    lab.write(SLOW, path="other.ipynb")
    ada = person("ada").open("other.ipynb")
    ada.run(0)
    ada.sees_output(0, "on")
    ada.close()
    ada.open()
    ada.closes_dialogs("Kernel Restarting")
    ada.run(1)
    says(status(ada, 1), r"Lost after .*SIGKILL.*")
    says(indicator(ada), r"Kernel restarted: .*SIGKILL.*")
    assert time.time() < float((lab.root / "died.txt").read_text()) + TOLD
    expect(ada.page.locator(".jp-runt-Runtime .jp-runt-news")).to_contain_text("SIGKILL")
    indicator(ada).click()
    buttons = panel(ada).get_by_role("region", name="Kernel of nb.ipynb")
    expect(buttons).to_contain_text("SIGKILL")
    ada.look("runtime-died")
    ada.run(0)
    says(status(ada, 0), r"Done in [\d.]+ m?s")
    says(indicator(ada), r"Idle for \d+ s")

    # The panel does what the menus do, and asks first.
    accept = ada.page.locator(".jp-Dialog .jp-mod-accept")
    buttons.get_by_role("button", name="Shut Down").click()
    accept.click()
    says(indicator(ada), "No kernel")
    buttons.get_by_role("button", name="Start", exact=True).click()
    says(indicator(ada), r"Idle for \d+ s")
    sessions = lab.events(types="v1.RuntimeSessionStarted")
    buttons.get_by_role("button", name="Restart", exact=True).click()
    accept.click()
    eventually(lambda: len(lab.events(types="v1.RuntimeSessionStarted")) > len(sessions))

    # Other notebooks' kernels are there as well.
    others = panel(ada).get_by_role("region", name="Kernels of other notebooks")
    expect(others).to_contain_text("other.ipynb")
    others.get_by_role("button", name="Evict: other.ipynb").click()
    accept.click()
    expect(others).to_contain_text(re.compile("Kernel gone: .*evicted"))
    ada.look("runtime-evicted")


@pytest.mark.slow
@pytest.mark.rule("AU3", "EX1")
def test_another_machine_runs_the_kernel_with_a_token_that_is_told_once(
    lab: Lab, person: People, tmp_path: Path
) -> None:
    lab.write("import os\nos.environ['WHERE']")
    ada = person("ada").open()
    ada.command("runt:offer-machine")
    label = ada.page.get_by_label("Which machine it is for")
    expect(label).to_be_focused()
    ada.page.keyboard.type("my laptop")
    ada.page.keyboard.press("Enter")
    told = ada.page.get_by_label("The command for the other machine")
    command = told.input_value()
    assert f"--url {lab.url}/" in command
    ada.look("runtime-token")
    told.press("Tab")
    ada.page.get_by_role("button", name="Done", exact=True).click()
    expect(told).to_have_count(0)
    token = panel(ada).get_by_role("list", name="Tokens").get_by_role("listitem")
    expect(token).to_contain_text("my laptop")
    assert command.split()[0].split("_")[-1] not in ada.page.content()

    folders = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("DATA", "RUNTIME")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    agent = subprocess.Popen(
        command,
        shell=True,
        cwd=tmp_path,
        env={**os.environ, **folders, "PATH": path, "WHERE": "far away"},
        start_new_session=True,
    )
    try:
        eventually(lambda: len(lab.events(types="v1.RuntimeSessionStarted")) == 2)
        says(indicator(ada), r"Kernel restarted: The notebook runs on .* now\..*")
        ada.is_connected()
        ada.run(0)
        ada.sees_output(0, "far away")
        token.get_by_role("button", name="Revoke: my laptop").click()
        expect(token).to_have_count(0)
        # A connection's token is looked at from time to time.
        expect(indicator(ada)).to_contain_text("Kernel gone: The token")
        ada.look("runtime-revoked")
    finally:
        if agent.poll() is None:
            os.killpg(agent.pid, signal.SIGTERM)
        agent.wait(20)
