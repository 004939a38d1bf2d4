"""Outputs that are too large for the document look as if they were in it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.ui.lab import Lab, Person, eventually

People = Callable[[str], Person]

PICTURE = """\
import base64, io, random, struct, zlib
from IPython.display import display
def png(side, seed):
    noise = random.Random(seed)
    rows = b"".join(b"\\0" + noise.randbytes(3 * side) for _ in range(side))
    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    image = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head)
    return image + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
image = base64.b64encode(png(120, 1)).decode()
display({"image/png": image, "text/plain": "<noise>"}, raw=True)"""
PAGE = """\
from IPython.display import HTML
script = "<script>document.body.dataset.large = 'ran'</script>"
HTML("<p class='large'>a page</p>" + "<!-- long -->" * 6000 + script)"""
LINES = "for number in range(30_000): print('line', number)"


@pytest.mark.rule("AR1", "AR3", "EX9", "FB1")
def test_large_outputs_are_shown_for_everybody_and_after_a_reload(
    shared_lab: Lab, regular: People
) -> None:
    shared_lab.write(PICTURE, PAGE, LINES)
    ada, bob = regular("ada").open(), regular("bob").open()
    for index in range(3):
        ada.run(index)
    for one in (ada, bob):
        sees_the_picture(one)
        expect(one.output(1).locator("p.large")).to_have_text("a page")
        expect(one.page.locator("body")).to_have_attribute("data-large", "ran")
        expect(one.output(2)).to_contain_text("line 29999")
        expect(one.output(2)).to_contain_text("characters are not shown here")
    show = ada.output(2).get_by_role("button", name="Show All")
    show.scroll_into_view_if_needed()
    ada.look("long-stream")
    show.click()
    expect(ada.output(2)).to_contain_text("line 15000")
    expect(ada.output(2).get_by_role("link", name="Download")).to_have_attribute(
        "download", re.compile(r"output-\w{8}\.txt")
    )
    eventually(lambda: shared_lab.read().cells[2].outputs)
    eventually(lambda: "line 15000\n" in shared_lab.read().cells[2].outputs[0].get("text", ""))
    bob.close()
    bob.open()
    sees_the_picture(bob)
    bob.look("large-outputs")


def sees_the_picture(one: Person) -> None:
    image = one.output(0).locator(".jp-RenderedImage img")
    image.scroll_into_view_if_needed()
    expect(image).to_be_visible()
    expect(image).to_have_attribute("src", re.compile(r"/artifacts/[0-9a-f]{64}$"))
    assert image.evaluate("image => image.naturalWidth") == 120


@pytest.mark.slow
@pytest.mark.rule("AR1", "AR2", "FB1")
def test_cells_with_large_outputs_are_pasted_run_again_and_exported(
    lab: Lab, person: People
) -> None:
    lab.write(PICTURE, LINES, "'end'")
    lab.write("'other'", path="other.ipynb")
    ada = person("ada").open()
    for index in (0, 0, 1):
        ada.run(index)
    sees_the_picture(ada)
    expect(ada.output(1)).to_contain_text("line 29999")

    ada.do("notebook:enter-command-mode")
    ada.do("notebook:select-all")
    ada.do("notebook:copy-cell")
    ada.do("application:close")
    ada.do("docmanager:open", path="other.ipynb")
    other = ada.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")
    expect(other.locator(".cm-content").first).to_have_text("'other'")
    ada.do("notebook:enter-command-mode")
    ada.do("notebook:paste-cell-below")
    image = other.locator(".jp-RenderedImage img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") == 120
    expect(other.locator(".jp-OutputArea-child").last).to_contain_text("line 29999")
    ada.look("pasted")

    def is_pasted() -> bool:
        outputs = [cell.outputs for cell in lab.read("other.ipynb").cells]
        return len(outputs) == 4 and "line 15000\n" in outputs[2][0].get("text", "")

    eventually(is_pasted)
    assert len(lab.read("other.ipynb").cells[1].outputs[0].data["image/png"]) > 40_000

    # Its source is gone; what was pasted stays, is copied on, and is exported.
    (lab.root / "nb.ipynb").unlink()
    ada.do("notebook:paste-cell-below")
    eventually(lambda: len(lab.read("other.ipynb").cells) == 7)
    page = lab.read_page("/nbconvert/html/other.ipynb")
    assert "line 15000" in page
    image = lab.read("other.ipynb").cells[1].outputs[0].data["image/png"]
    assert page.count(image.replace("\n", "")) == 2
