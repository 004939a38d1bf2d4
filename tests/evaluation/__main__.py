"""`python -m tests.evaluation`: what a model makes of the tasks, as a score.

Without `--model` the tasks are done by their own scripts, which says that they can be done.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jupyter_runt.ai.fake.server import FakeModel
from tests.evaluation.evaluate import Verdict, evaluate
from tests.evaluation.tasks import TASKS
from tests.integration.ai import ai_server
from tests.ports import free_port


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.evaluation", description=__doc__)
    parser.add_argument("--model", help="name of the model at its provider")
    parser.add_argument("--base-url", default="https://api.openai.com/v1")
    parser.add_argument("--kind", choices=["chat_completions", "responses"], default=None)
    parser.add_argument("--key-env", help="environment variable with the key")
    parser.add_argument("--task", action="append", help="only tasks of that name")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def _traits(arguments: argparse.Namespace) -> dict[str, Any]:
    allowed = {"policy": {"execute": "allow"}}
    if arguments.model is None:
        return allowed
    provider = {
        "name": "real",
        "kind": arguments.kind or "chat_completions",
        "base_url": arguments.base_url,
        "models": [arguments.model],
        **({"key_env": arguments.key_env} if arguments.key_env else {}),
    }
    return {**allowed, "providers": [provider], "default_model": f"real/{arguments.model}"}


async def _evaluate_all(arguments: argparse.Namespace, folder: Path) -> list[Verdict]:
    port = free_port()
    verdicts = []
    with ai_server(folder, port, **_traits(arguments)) as server:
        for task in TASKS:
            if arguments.task and task.name not in arguments.task:
                continue
            async with AsyncExitStack() as stack:
                if arguments.model is None:
                    await stack.enter_async_context(FakeModel(task.script, port=port))
                verdicts.append(await evaluate(server, task))
    return verdicts


def main() -> int:
    """Run the tasks; return 0 if all of them passed."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        verdicts = asyncio.run(_evaluate_all(arguments, Path(folder)))
    lines = _told(verdicts, as_json=arguments.json)
    sys.stdout.write(lines)
    return int(not all(verdict.passed for verdict in verdicts))


def _told(verdicts: list[Verdict], *, as_json: bool) -> str:
    passed = sum(verdict.passed for verdict in verdicts)
    if as_json:
        told = {"score": passed, "of": len(verdicts), "tasks": [asdict(each) for each in verdicts]}
        return json.dumps(told, indent=2) + "\n"
    lines = [
        f"{'passed' if verdict.passed else 'FAILED'}  {verdict.task}: "
        + ("; ".join(verdict.complaints) or f"{verdict.rounds} calls")
        for verdict in verdicts
    ]
    return "\n".join([*lines, f"{passed} of {len(verdicts)}", ""])


if __name__ == "__main__":
    sys.exit(main())
