"""Widgets belong to the kernel, so everybody sees the same ones."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.ui.lab import Lab, Person

People = Callable[[str], Person]


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
