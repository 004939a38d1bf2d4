"""An answer of the AI as a page shows it: from the model's first word, and while it streams."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any, Final

from jupyter_runt.ai.fake.script import Reply, Request
from jupyter_runt.ai.fake.server import FakeModel
from tests.benchmarks.ai import PATH, RATE, AskingNotebook, asking
from tests.benchmarks.pages import Tab, chromium, configure, leave, tab
from tests.benchmarks.samples import summary
from tests.benchmarks.servers import Kind, running

PAGES: Final = 5
TURNS: Final = 5
"""In each page."""
SECONDS: Final = 9.0
"""How long the page is watched while an answer streams."""

LIVE: Final = ".jp-runt-mod-live"

_PROSE: Final = "Here is **what** happens, `step` by step, and why it matters to you. " * 8
_CODE: Final = "```python\nfor i in range(10):\n    print(math.sin(i))\n```"
_ANSWER: Final = "\n\n".join(
    [_PROSE, "- one thing\n- a *third* thing", _CODE, "## Next", _PROSE, "| a |\n|---|\n| 1 |"] * 6
)


async def measure(kind: Kind, folder: Path) -> dict[str, Any]:
    """Ask a scripted model in a notebook of ten cells, in new pages."""
    configure([kind], folder)
    async with FakeModel(lambda _request: Reply("ready")) as model:
        os.environ.update(OPENAI_API_KEY="benchmark", OPENAI_BASE_URL=model.url)
        async with (
            running([kind], folder) as (server,),
            asking(server) as notebook,
            chromium() as browser,
        ):
            first, others = list[float](), list[float]()
            for page in range(PAGES):
                opened = await tab(browser, server, PATH)
                words = [f"word-{page}-{turn}" for turn in range(TURNS)]
                times = [await _first_word(opened, notebook, model, word) for word in words]
                first.append(times[0])
                others += times[1:]
                if page < PAGES - 1:
                    await leave(opened)
            shares = await _streaming(opened, notebook, model)
            await leave(opened)
    return {"first_answer": summary(first), "other_answers": summary(others), "streaming": shares}


async def _first_word(opened: Tab, notebook: AskingNotebook, model: FakeModel, word: str) -> float:
    """Return the seconds from the model's word until the page has it."""
    sent: list[float] = []
    seen = asyncio.Event()

    def script(_request: Request) -> Reply:
        sent.append(time.time())
        return Reply([word, " and more"], hold=seen)

    await opened.page.evaluate("what => bench.expect(document.body, ...what)", [LIVE, word])
    await notebook.ask(model, script)
    at = await opened.seen()
    seen.set()
    await notebook.until("v1.TurnCompleted")
    return at - sent[0]


async def _streaming(opened: Tab, notebook: AskingNotebook, model: FakeModel) -> dict[str, float]:
    """Return what a page takes of a processor, by what it does, while an answer streams."""
    session = await opened.page.context.new_cdp_session(opened.page)
    await session.send("Performance.enable")

    async def spent() -> dict[str, float]:
        metrics = (await session.send("Performance.getMetrics"))["metrics"]
        by_name = {each["name"]: float(each["value"]) for each in metrics}
        drawing = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
        return {
            "script_layout_style": sum(by_name[name] for name in drawing),
            "main_thread": by_name["TaskDuration"],
        }

    words = [f"{word} " for word in _ANSWER.split(" ")]
    await notebook.ask(model, lambda _request: Reply(words, delay=1 / RATE))
    await asyncio.sleep(0.5)
    before, start = await spent(), time.perf_counter()
    await asyncio.sleep(SECONDS)
    after, seconds = await spent(), time.perf_counter() - start
    await notebook.until("v1.TurnCompleted")
    return {name: round((after[name] - before[name]) / seconds, 3) for name in before}
