"""Every kind of output looks as it does in JupyterLab alone, however large it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.ui.conftest import RESULTS
from tests.ui.lab import Lab, Person, eventually

People = Callable[[str], Person]

LIMIT = 120_000
"""Milliseconds: two kernels load their libraries at once."""

SETUP = """\
import base64, io, random
import matplotlib.pyplot as plt, pandas as pd
from IPython.display import (HTML, JSON, SVG, Audio, Image, Javascript, Latex, Markdown,
                             Video, display)
from PIL import Image as Pixels
%matplotlib inline
def pixels(kind, side=160):
    noise = random.Random(1).randbytes(3 * side * side)
    file = io.BytesIO()
    Pixels.frombytes("RGB", (side, side), noise).save(file, kind)
    return file.getvalue()
wide = "&nbsp;<!-- " + "x" * 70_000 + " -->\""""
VEGA = """\
display({"application/vnd.vega.v5+json": {
    "$schema": "https://vega.github.io/schema/vega/v5.json", "width": 90, "height": 60,
    "data": [{"name": "t", "values": [{"x": i} for i in range(9000)]}],
    "marks": [{"type": "rect", "encode": {"enter": {"x": {"value": 5}, "y": {"value": 5},
              "width": {"value": 20}, "height": {"value": 20}, "fill": {"value": "red"}}}}],
}}, raw=True)"""
CELLS = (
    "random.seed(1)\n"
    "plt.imshow([[random.random() for _ in range(300)] for _ in range(300)]); plt.show()",
    "Image(pixels('PNG'))",
    "Image(pixels('PNG'), width=80, height=60)",
    "Image(pixels('JPEG', 200))",
    "display({'image/gif': base64.b64encode(pixels('GIF', 200)).decode()}, raw=True)",
    'SVG(\'<svg xmlns="http://www.w3.org/2000/svg" width="40"><circle r="20"/>\''
    " + '<!-- long -->' * 7000 + '</svg>')",
    "display({'application/pdf': base64.b64encode(b'%PDF-1.4 ' + bytes(40_000)).decode()},"
    " raw=True)",
    "HTML('<h2>A page</h2><script>document.body.dataset.page = 1</script>' + wide)",
    "pd.DataFrame({'a': range(3000), 'b': range(3000)}).style.set_uuid('u')",
    "pd.DataFrame({'a': range(5)})",
    "Latex('$\\\\alpha^2$')",
    "Markdown('# Title\\n\\n*words*\\n\\n' + '<!-- long -->' * 6000)",
    "JSON({'key': ['value'] * 9000})",
    VEGA,
    "Audio([i % 100 / 100 for i in range(40_000)], rate=8000)",
    "Video(bytes(60_000), embed=True, mimetype='video/mp4')",
    "display({'application/x-unknown': 'x' * 70_000, 'text/plain': 'unknown'}, raw=True)",
    "display({'application/vnd.plotly.v1+json': {'data': []},"
    " 'text/html': '<b>plot</b>' + wide}, raw=True)",
    "Javascript('element.append(\"scripted\")')",
    "print('\\x1b[31mred\\x1b[0m and \\x1b[1mbold\\x1b[0m')",
    "import sys; print('out', flush=True); print('err', file=sys.stderr, flush=True)",
    "'text/plain alone'",
    "raise ValueError('as it should')",
)
READ = """() => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell')].map(cell =>
  [...cell.querySelectorAll('.jp-OutputArea-output')].map(node => {
    const shown = node.classList.contains('jp-runt-Artifact')
      ? node.querySelector(':scope > .lm-Widget') : node;
    if (!shown) { return 'nothing yet'; }
    const count = name => shown.querySelectorAll(name).length;
    const tags = ['img', 'svg', 'table', 'tr', 'audio', 'video', 'embed', 'h1', 'h2', 'em', 'b',
                  'mjx-container', '.ansi-red-fg', '.ansi-bold', 'ul', 'canvas'];
    return {
      type: shown.dataset.mimeType ?? null,
      classes: [...shown.classList].filter(name => name.startsWith('jp-Rendered')).sort(),
      text: shown.textContent.trim().replace(/\\s+/g, ' ').slice(0, 300),
      tags: Object.fromEntries(tags.map(name => [name, count(name)])),
      sizes: [...shown.querySelectorAll('img')].map(i => [i.naturalWidth, i.width, i.height])
    };
  }))"""


def looked_over(one: Person) -> list[Any]:
    """Return what the cells show, after each of them was on the screen."""
    for index in range(len(CELLS) + 1):
        one.cell(index).scroll_into_view_if_needed()
    shown: list[Any] = one.page.evaluate(READ)
    return shown


def settled(one: Person) -> list[Any]:
    """Return what cells that run show once that does not change any more."""
    expect(one.output(len(CELLS))).to_contain_text("as it should", timeout=LIMIT)
    before = looked_over(one)

    def same() -> bool:
        nonlocal before
        last, before = before, looked_over(one)
        return last == before and "nothing yet" not in str(before)

    eventually(same, 90)
    return before


@pytest.fixture
def stock(tmp_path: Path, browser: Browser) -> Any:
    """A person with JupyterLab alone, and its server."""
    folder = tmp_path / "stock"
    folder.mkdir()
    lab = Lab(folder, stock=True)
    lab.write(SETUP, *CELLS)
    lab.start()
    ada = Person("stock", browser, lab, RESULTS)
    try:
        yield ada.open()
    finally:
        ada.leave()
        lab.stop()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.rule("EX6", "EX9", "AR3", "FB1")
def test_the_gallery_looks_as_in_jupyterlab_alone(lab: Lab, person: People, stock: Person) -> None:
    lab.write(SETUP, *CELLS)
    ada = person("ada").open()
    for one in (stock, ada):
        one.command("notebook:run-all-cells")
    expected = settled(stock)
    for source, mine, theirs in zip((SETUP, *CELLS), settled(ada), expected, strict=False):
        assert mine == theirs, source
    kinds = [output for cell in expected for output in cell]
    assert len(kinds) >= len(CELLS) - 1, expected
    ada.look("gallery")
    eventually(lambda: "as it should" in str(lab.read().cells[-1].outputs))
    page = lab.read_page("/nbconvert/html/nb.ipynb")
    assert page.count("data:image/png;base64,") >= 3
    ada.close()
    ada.open()
    eventually(lambda: looked_over(ada) == expected, 90)
