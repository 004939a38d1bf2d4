"""Widgets belong to the kernel, so everybody sees the same ones."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.ui.lab import Lab, Person

People = Callable[[str], Person]


@pytest.mark.slow
@pytest.mark.rule("EX6", "EX10")
def test_output_widgets_show_what_was_said_inside_them_in_every_tab(
    lab: Lab, person: People
) -> None:
    lab.write(
        "import ipywidgets\nout = ipywidgets.Output()\nout",
        "with out:\n    print('inside')\n    1 / 0",
        "ipywidgets.interact(lambda x: f'twice is {2 * x}', x=(0, 50));",
    )
    ada, bob = person("ada").open(), person("bob").open()
    for cell in range(3):
        ada.run(cell)
    for one in (ada, bob):
        expect(one.output(0)).to_contain_text("inside")
        expect(one.output(0)).to_contain_text("ZeroDivisionError")
        expect(one.output(2)).to_contain_text("twice is 50")
        expect(one.cell(1)).not_to_contain_text("ZeroDivisionError")
    readout = ada.output(2).locator(".widget-readout")
    readout.fill("7")
    readout.press("Enter")
    for one in (ada, bob):
        expect(one.output(2)).to_contain_text("twice is 14")
        expect(one.output(2)).not_to_contain_text("twice is 50")
    late = person("late").open()
    expect(late.output(0)).to_contain_text("inside")
    expect(late.output(2)).to_contain_text("twice is 14")
    late.look("output-widgets")


WIDGETS = """
import ipywidgets, time
slider, label, out = ipywidgets.IntSlider(), ipywidgets.Label(), ipywidgets.Output()
slider.observe(lambda change: setattr(label, "value", f"moved to {change.new}"), "value")
ipywidgets.VBox([slider, label, out])
"""
WAITS = """
with out:
    print("inside", flush=True)
    while slider.value != 7:
        time.sleep(0.02)
print("went on")
"""


@pytest.mark.slow
@pytest.mark.rule("EX11", "EX6", "EX10")
def test_widgets_are_live_while_a_cell_runs_and_so_is_a_page_that_is_loaded_meanwhile(
    lab: Lab, person: People
) -> None:
    lab.write(WIDGETS, WAITS)
    ada, bob = person("ada").open(), person("bob").open()
    ada.run(0)
    ada.run(1)
    for one in (ada, bob):
        expect(one.output(0)).to_contain_text("inside")
    late = person("late").open()
    expect(late.output(0)).to_contain_text("inside")
    late.page.reload()
    late.cell(0).wait_for()
    late.is_connected()
    readout = late.output(0).locator(".widget-readout")
    readout.fill("7")
    readout.press("Enter")
    for one in (ada, bob, late):
        expect(one.output(0)).to_contain_text("moved to 7")
        one.sees_output(1, "went on")
    late.look("widgets-live")


FIGURE = """
%matplotlib widget
import matplotlib.pyplot as plt
figure, axes = plt.subplots()
axes.plot([1, 3, 2]);
"""
BARS = """
import time, tqdm, tqdm.notebook
for _ in tqdm.notebook.tqdm(range(50), desc="a widget"):
    time.sleep(0.01)
for _ in tqdm.tqdm(range(50), desc="a line"):
    time.sleep(0.01)
"""


@pytest.mark.slow
@pytest.mark.rule("EX6", "EX8")
def test_figures_and_progress_bars_are_the_same_for_everybody(lab: Lab, person: People) -> None:
    lab.write(FIGURE, BARS)
    ada, bob = person("ada").open(), person("bob").open()
    for cell in range(2):
        ada.run(cell)
    for one in (ada, bob):
        expect(one.output(0).locator(".jupyter-matplotlib canvas").first).to_be_visible()
        expect(one.output(1)).to_contain_text("50/50")
        expect(one.output(1)).to_contain_text("a line: 100%")
    ada.look("figure-and-bars")
