"""JupyterLab in a browser: what people see, timed by the pages themselves."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Locator, Page, async_playwright
from playwright.async_api import TimeoutError as PageTimeout

from tests.benchmarks.servers import Kind, Server
from tests.ui.conftest import CHROMIUM, FLAGS
from tests.ui.lab import CONFIG

MILLISECONDS: Final = 1e-3

# Pages of one browser have one clock. A key or a click counts from when it was made, and what a
# page shows from when its elements are there.
_WATCH: Final = """
window.bench = {
  keys: [], clicks: [], counts: [], seen: null,
  now: () => performance.timeOrigin + performance.now(),
  what: { subtree: true, childList: true, characterData: true },
  cell: index => document.querySelectorAll('.jp-Notebook .jp-Cell')[index],
  expect(root, selector, text) {
    bench.seen = new Promise(resolve => {
      const observer = new MutationObserver(() => {
        if (root.querySelector(selector)?.textContent.trim() === text) {
          observer.disconnect();
          resolve(bench.now());
        }
      });
      observer.observe(root, bench.what);
    });
  },
  count(part, letter) {
    new MutationObserver(
      () => bench.counts.push([bench.now(), part.textContent.split(letter).length - 1])
    ).observe(part, bench.what);
  }
};
addEventListener(
  'dblclick', event => bench.clicks.push(performance.timeOrigin + event.timeStamp), true
);
addEventListener(
  'keydown', event => bench.keys.push([event.key, performance.timeOrigin + event.timeStamp]), true
);
"""

OUTPUT: Final = ".jp-OutputArea-output"
EDITOR: Final = ".cm-content"


class Tab:
    """A notebook that somebody has on the screen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.received = 0
        """Bytes that came over its WebSockets."""
        page.on("websocket", lambda socket: socket.on("framereceived", self._count))

    def _count(self, frame: bytes | str) -> None:
        self.received += len(frame)

    def cell(self, index: int) -> Locator:
        """Return a cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    async def is_connected(self) -> None:
        """Return when the notebook's kernel waits for work, and the tab knows."""
        idle = self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
        await idle.wait_for(timeout=60_000)

    async def click_into(self, cell: int) -> None:
        """Put the cursor into a cell."""
        await self.cell(cell).locator(EDITOR).click()

    async def expect(self, cell: int, text: str) -> None:
        """Begin to wait until the first output of a cell reads `text`; `seen` tells when."""
        await self.page.evaluate(
            "([cell, ...what]) => bench.expect(bench.cell(cell), ...what)", [cell, OUTPUT, text]
        )

    async def count(self, cell: int, letter: str) -> None:
        """Begin to take down how often there is a letter in a cell; `counts` tells."""
        await self.page.evaluate(
            "([cell, editor, letter]) => "
            "bench.count(bench.cell(cell).querySelector(editor), letter)",
            [cell, EDITOR, letter],
        )

    async def counts(self, until: int, limit: float) -> list[tuple[float, int]]:
        """Return when there was how many of a letter, in seconds.

        Args:
            until: so many are waited for, but no longer than `limit` seconds.
        """
        with suppress(PageTimeout):
            await self.page.wait_for_function(
                "count => bench.counts.at(-1)?.[1] >= count",
                arg=until,
                polling=200,
                timeout=limit / MILLISECONDS,
            )
        counts = await self.page.evaluate("bench.counts")
        return [(at * MILLISECONDS, count) for at, count in counts]

    async def open(self, name: str, text: str) -> float:
        """Open a file in the file browser; return the seconds until a cell that reads `text`."""
        file = self.page.locator(".jp-DirListing-item", has_text=name)
        await file.wait_for(timeout=60_000)
        expected = [f".jp-Notebook .jp-Cell {EDITOR}", text]
        await self.page.evaluate("what => bench.expect(document.body, ...what)", expected)
        await file.dblclick()
        (clicked,) = await self.page.evaluate("bench.clicks")
        return await self.seen() - float(clicked) * MILLISECONDS

    async def seen(self) -> float:
        """Return when what is expected was there, in seconds."""
        async with asyncio.timeout(120):
            return float(await self.page.evaluate("bench.seen")) * MILLISECONDS

    async def press(self, keys: str) -> float:
        """Press keys; return when the last of them went down, in seconds."""
        await self.page.keyboard.press(keys)
        return (await self.pressed(keys.rpartition("+")[2]))[-1]

    async def pressed(self, key: str) -> list[float]:
        """Return when a key went down, each time, in seconds."""
        keys = await self.page.evaluate("bench.keys")
        return [at * MILLISECONDS for name, at in keys if name == key]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


def configure(kinds: Sequence[Kind], folder: Path) -> None:
    """Have each kind's JupyterLab below `folder` ask nothing when it starts."""
    for kind in kinds:
        for name, content in CONFIG.items():
            file = folder / kind.name / "config" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(content), encoding="utf-8")


async def tab(browser: Browser, server: Server, path: str = "") -> Tab:
    """Return a new tab of a person of its own; on a notebook whose kernel is there, if given."""
    context = await browser.new_context(viewport={"width": 1200, "height": 850})
    await context.add_init_script(_WATCH)
    opened = Tab(await context.new_page())
    query = f"token={server.address.token}&reset"
    tree = f"/lab/tree/{path}" if path else "/lab"
    await opened.page.goto(server.address.url("http", f"{tree}?{query}"))
    if path:
        await opened.cell(0).wait_for(timeout=60_000)
        await opened.is_connected()
    return opened


async def leave(*tabs: Tab) -> None:
    """Close tabs, and the browsers' profiles that they were opened in."""
    for each in tabs:
        await each.page.context.close()
