"""`jupyter runt demo-model`: an AI to try AI cells with, without a key and without a network."""

import asyncio
import signal

import typer

from jupyter_runt.ai.fake.demo import MODEL, demo
from jupyter_runt.ai.fake.server import FakeModel


async def serve(port: int) -> bool:
    """Serve the demo model until somebody stops it."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with FakeModel(demo, models=[MODEL], port=port) as fake:
        typer.echo(
            f"A demo model, which follows a script and understands nothing, is at {fake.url}\n"
            "Start JupyterLab with it, in another terminal:\n\n"
            f"    OPENAI_BASE_URL={fake.url} jupyter lab\n\n"
            "and ask something in an AI cell. Ctrl-C ends the demo."
        )
        await stopped.wait()
    return True
