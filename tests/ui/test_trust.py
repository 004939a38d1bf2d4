"""Outputs run scripts where a person asked for them, for everybody, and nowhere else."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.ui.lab import Lab, Person, eventually

People = Callable[[str], Person]

SCRIPTS = """\
from IPython.display import HTML, SVG, Javascript, display
display(HTML("<b>bold</b><script>document.body.dataset.html = 'ran'</script>"))
display(SVG('<svg xmlns="http://www.w3.org/2000/svg" width="40"><circle r="20"/></svg>'))
display(Javascript("document.body.dataset.javascript = 'ran'"))
"""
FORGED = """() => {
  const [panel] = Array.from(window.jupyterapp.shell.widgets('main')).filter(w => w.context);
  const cell = panel.content.model.sharedModel.cells[0];
  cell.setOutputs([...cell.getOutputs(), {
    output_type: 'display_data', metadata: {},
    data: {'text/html': "forged<script>document.body.dataset.forged = 'ran'</script>"}
  }]);
  cell.setMetadata('trusted', true);
}"""


def sees_scripts_run(one: Person) -> None:
    expect(one.output(0)).to_contain_text("bold")
    expect(one.page.locator("body")).to_have_attribute("data-html", "ran")
    expect(one.page.locator("body")).to_have_attribute("data-javascript", "ran")
    expect(one.output(0).locator(".jp-RenderedSVG img")).to_be_visible()
    expect(one.page.locator(".jp-StatusItem-trust")).to_have_attribute(
        "title", re.compile("Notebook trusted")
    )


@pytest.mark.slow
@pytest.mark.rule("EX9")
def test_outputs_that_a_person_asked_for_are_trusted_by_all_and_by_late_joiners(
    lab: Lab, person: People
) -> None:
    lab.write(SCRIPTS)
    ada, bob = person("ada").open(), person("bob").open()
    ada.run(0)
    sees_scripts_run(ada)
    sees_scripts_run(bob)
    late = person("late").open()
    sees_scripts_run(late)
    late.look("trusted")


@pytest.mark.rule("EX9")
def test_what_a_peer_writes_into_outputs_runs_for_nobody(shared_lab: Lab, regular: People) -> None:
    shared_lab.write("'mine'")
    ada, bob = regular("ada").open(), regular("bob").open()
    ada.run(0)
    bob.sees_output(0, "mine")
    bob.page.evaluate(FORGED)
    ada.sees_output(0, "forged")
    late = regular("late").open()
    late.sees_output(0, "forged")
    for one in (ada, late):
        expect(one.page.locator("body")).not_to_have_attribute("data-forged", "ran")
    late.look("forged")


@pytest.mark.slow
@pytest.mark.rule("EX9", "FB4")
def test_a_signed_notebook_is_trusted_when_it_is_opened_again(lab: Lab, person: People) -> None:
    lab.write(SCRIPTS)
    ada = person("ada").open()
    ada.run(0)
    sees_scripts_run(ada)
    eventually(lambda: lab.read().cells[0].outputs)
    ada.close()
    lab.stop()
    lab.start()
    ada.open()
    sees_scripts_run(ada)


@pytest.mark.slow
@pytest.mark.rule("EX9", "EX10")
def test_a_widget_moves_in_every_tab(lab: Lab, person: People) -> None:
    lab.write("import ipywidgets\nslider = ipywidgets.IntSlider(3)\nslider", "slider.value")
    ada, bob = person("ada").open(), person("bob").open()
    ada.run(0)
    for one in (ada, bob):
        expect(one.output(0).locator(".widget-readout")).to_have_text("3")
    readout = ada.output(0).locator(".widget-readout")
    readout.fill("7")
    readout.press("Enter")
    expect(bob.output(0).locator(".widget-readout")).to_have_text("7")
    bob.run(1)
    ada.sees_output(1, "7")
    ada.look("widget")
