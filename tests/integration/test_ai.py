"""AI cells over HTTP, on a real server with real kernels, and a scripted model."""

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_runt.ai.fake.script import Reply
from tests.integration.server import Notebook, Server, eventually
from tests.scripted_model import ScriptedModel

pytestmark = pytest.mark.asyncio

ENV_KEY, FILE_KEY, OWN_KEY = "sk-of-the-environment", "sk-of-a-file", "sk-of-a-person"
BUNDLE = "application/vnd.runt.ai.v1+json"


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


@pytest.fixture(scope="module")
def ai_server(tmp_path_factory: pytest.TempPathFactory, model: ScriptedModel) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("ai")
    key_file = folder / "key"
    key_file.write_text(FILE_KEY, encoding="utf-8")
    key_file.chmod(0o600)
    providers = [
        {"name": "chat", "base_url": model.url, "key_env": "RUNT_TEST_KEY"},
        {
            "name": "responses",
            "kind": "responses",
            "base_url": model.url,
            "key_file": str(key_file),
        },
        {"name": "keyless", "base_url": model.url, "key_env": "RUNT_TEST_NO_KEY"},
    ]
    config = {"RuntAI": {"providers": providers, "default_model": "chat/scripted"}}
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RUNT_TEST_KEY", ENV_KEY)
        patched.setenv("OPENAI_API_KEY", ENV_KEY)
        patched.setenv("OPENAI_BASE_URL", model.url)
        server = Server(folder / "server", config)
        with server.running():
            yield server


async def ai_cell(notebook: Notebook, prompt: str) -> str:
    """Add an AI cell at the end, and return its id."""
    (cell_id,) = await notebook.add(prompt, cell_type="ai")
    return cell_id


async def asked(notebook: Notebook, cell_id: str, **fields: Any) -> str:
    """Ask, and return the turn's id."""
    (event,) = await notebook.do("ask", cell_id=cell_id, **fields)
    assert event["name"] == "v1.TurnStarted"
    return str(event["payload"]["turn_id"])


async def turn_of(notebook: Notebook, turn_id: str, wait: int = 60) -> dict[str, Any]:
    found: dict[str, Any] = await notebook.server.get(f"{notebook.url}/turns/{turn_id}", wait=wait)
    return found


async def answer(notebook: Notebook, prompt: str) -> dict[str, Any]:
    """Ask in a new cell, and return the turn at its end."""
    return await turn_of(notebook, await asked(notebook, await ai_cell(notebook, prompt)))


async def text_so_far(notebook: Notebook, turn_id: str) -> str:
    return str((await turn_of(notebook, turn_id, wait=0))["text"])


@pytest.mark.rule("AG5", "AG6", "EL1")
async def test_an_ai_cell_is_answered_from_what_is_above_it(
    ai_server: Server, model: ScriptedModel
) -> None:
    model.replies(Reply("It is **42**.", usage=(100, 4)), Reply("As I said."))
    notebook = await ai_server.notebook("x = 42")
    cell = await ai_cell(notebook, "What is x?")
    turn = await turn_of(notebook, await asked(notebook, cell))
    assert (turn["status"], turn["text"]) == ("ok", "It is **42**.")
    assert (turn["model"], turn["cell_id"]) == ("chat/scripted", cell)
    assert turn["usage"] == {"input_tokens": 100, "output_tokens": 4}
    (request,) = model.requests
    assert "x = 42" in request.text
    assert request.messages[-1]["content"].endswith("What is x?")
    assert [each["role"] for each in turn["shown"]["messages"]] == ["system", "user", "user"]

    def answered(content: dict[str, Any]) -> bool:
        return bool(content["cells"][-1]["outputs"])

    await notebook.saved(answered)
    after = await notebook.at()
    (output,) = after["cells"][-1]["outputs"]
    assert output["data"]["text/markdown"] == "It is **42**."
    assert output["data"][BUNDLE]["items"] == [{"type": "text", "text": "It is **42**."}]
    follow_up = await answer(notebook, "Sure?")
    assert "It is **42**." in json.dumps(follow_up["shown"])


@pytest.mark.rule("AG5", "EX3")
async def test_the_answer_streams_without_a_browser_and_running_a_cell_asks_it(
    ai_server: Server, model: ScriptedModel
) -> None:
    held = asyncio.Event()
    model.replies(Reply("one two", hold=held))
    notebook = await ai_server.notebook("print('from the kernel')")
    cell = await ai_cell(notebook, "?")
    events = await notebook.do("execute_cells", cell_ids=["c0", cell])
    turn_id = events[1]["payload"]["turn_id"]

    async def begun() -> bool:
        return await text_so_far(notebook, turn_id) == "one "

    await eventually(begun, 60)
    assert "from the kernel" in model.requests[0].text
    model.release(held)
    assert (await turn_of(notebook, turn_id))["text"] == "one two"


@pytest.mark.rule("AG5")
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(status=401, message=f"no: {ENV_KEY}"), "(401)"),
        (Reply(status=400, message="context_length_exceeded"), "context_length_exceeded"),
        (Reply("half", fault="cut"), "cut in the middle"),
        (Reply("half", fault="no_finish"), "without saying"),
        (Reply("half", fault="garbage"), "cannot be read"),
    ],
)
async def test_a_failure_is_in_the_cell_with_what_had_arrived(
    ai_server: Server, model: ScriptedModel, reply: Reply, words: str
) -> None:
    model.replies(reply)
    notebook = await ai_server.notebook("1")
    turn = await answer(notebook, "?")
    assert turn["status"] == "error"
    assert words in turn["error"]
    assert turn["text"] == reply.text
    (output,) = (await notebook.at())["cells"][-1]["outputs"]
    assert words in output["data"]["text/markdown"]
    assert str(reply.text) in output["data"]["text/markdown"]


@pytest.mark.rule("AG5")
async def test_cancelling_reaches_the_provider_at_once(
    ai_server: Server, model: ScriptedModel
) -> None:
    model.replies(Reply("Half an answer", hold=asyncio.Event()))
    notebook = await ai_server.notebook("1")
    turn_id = await asked(notebook, await ai_cell(notebook, "?"))

    async def begun() -> bool:
        return bool(await text_so_far(notebook, turn_id))

    await eventually(begun)
    await notebook.do("cancel_turn", turn_id=turn_id)
    await model.closed(model.requests[0])
    turn = await turn_of(notebook, turn_id)
    assert (turn["status"], turn["text"]) == ("cancelled", "Half ")
    assert (await notebook.send("cancel_turn", turn_id="none")).code == "turn_not_found"


@pytest.mark.rule("AG5", "EX2")
async def test_a_killed_server_leaves_a_lost_turn_with_what_had_arrived(
    tmp_path: Path, model: ScriptedModel
) -> None:
    providers = [{"name": "chat", "base_url": model.url}]
    server = Server(tmp_path / "server", {"RuntAI": {"providers": providers}})
    model.replies(Reply("Half an answer", hold=asyncio.Event()))
    with server.running():
        path = server.write("1")
        notebook = await server.opened(path)
        cell = await ai_cell(notebook, "?")
        await notebook.do("edit_cell", cell_id=cell, source="!")
        turn_id = await asked(notebook, cell)

        async def begun() -> bool:
            return bool(await text_so_far(notebook, turn_id))

        await eventually(begun)
        server.kill()
        server.start()
        notebook = await server.opened(path)
        turn = await turn_of(notebook, turn_id)
        assert (turn["status"], turn["text"]) == ("lost", "Half ")
        (output,) = (await notebook.at())["cells"][-1]["outputs"]
        assert "Half" in output["data"]["text/plain"]


@pytest.mark.rule("AG4")
async def test_keys_are_nowhere_but_with_the_provider(
    ai_server: Server, model: ScriptedModel
) -> None:
    said: list[Any] = [await ai_server.get("/api/runt/models")]
    for method, path, body, expected in [
        ("PUT", "responses/key", {"key": OWN_KEY}, {"name": "responses", "own_key": True}),
        ("POST", "responses/test", None, {"name": "responses", "ready": True}),
        ("PUT", "chat/key", {"key": " "}, "invalid_request"),
        ("PUT", "none/key", {"key": OWN_KEY}, "provider_not_found"),
    ]:
        done = await ai_server.call(method, f"/api/runt/providers/{path}", body)
        assert expected in (done.body, done.code)
        said.append(done.body)
    # What a provider says in an error may hold the key that it was given.
    keys = [ENV_KEY, OWN_KEY, FILE_KEY]
    model.replies(*(Reply(status=401, message=f"wrong: {key}") for key in keys))
    for name in ("chat", "responses", "responses"):
        notebook = await ai_server.opened(written(ai_server, f"{name}/scripted"))
        turn = await answer(notebook, "?")
        assert "wrong: [key]" in turn["error"]
        said += [turn, await notebook.events(), await notebook.at()]
        if len(model.requests) == 2:
            await ai_server.call("DELETE", "/api/runt/providers/responses/key")
    sent = [request.headers["Authorization"] for request in model.requests]
    assert sent == [f"Bearer {key}" for key in keys]
    (execution,) = await notebook.run("c0")
    assert "JUPYTER" in json.dumps(execution), "the kernel told its environment"
    said += [execution, ai_server.log.read_text(encoding="utf-8")]
    store = b"".join(path.read_bytes() for path in ai_server.store.parent.glob("store.db*"))
    for key in keys:
        assert key not in json.dumps(said)
        assert key.encode() not in store
    assert [*(ai_server.store.parent / "keys").glob("*")] == []


def written(server: Server, model: str) -> str:
    """Write a notebook that names a model and tells its environment; return its path."""
    path = server.write("import os\nprint(dict(os.environ))")
    content = json.loads((server.root / path).read_bytes())
    content["metadata"]["runt"] = {"model": model}
    (server.root / path).write_text(json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.rule("AG5")
async def test_a_provider_without_a_key_says_what_is_missing(ai_server: Server) -> None:
    notebook = await ai_server.opened(written(ai_server, "keyless/m"))
    turn = await answer(notebook, "?")
    assert (turn["status"], "set RUNT_TEST_NO_KEY" in turn["error"]) == ("error", True)
    expected = {"openai": True, "chat": True, "responses": True, "keyless": False}

    async def listed() -> dict[str, Any] | None:
        told: dict[str, Any] = await ai_server.get("/api/runt/models")
        ready = {each["name"]: each["ready"] for each in told["providers"]}
        return told if ready == expected else None

    told = await eventually(listed)
    assert told is not None
    assert "openai/scripted" in [each["id"] for each in told["models"]]
    assert told["default"] == "chat/scripted"


@pytest.mark.rule("AG5")
async def test_the_demo_model_answers_without_a_key(tmp_path: Path) -> None:
    arguments = ("-m", "jupyter_runt.cli", "demo-model", "--port", "0")
    demo = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    try:
        assert demo.stdout is not None
        url = (await demo.stdout.readline()).decode().split()[-1]
        providers = [{"name": "demo", "base_url": url}]
        config = {"RuntAI": {"providers": providers, "default_model": "demo/demo"}}
        with Server(tmp_path / "server", config).running() as server:
            turn = await answer(notebook := await server.notebook("x = 1"), "Draw a plot.")
            assert turn["status"] == "ok", turn
            assert "demo model" in turn["text"]
            assert [item["tool"] for item in turn["items"]] == ["create_cell"]
            assert "math.sin" in (await notebook.sources())[-1]
    finally:
        demo.terminate()
        assert await demo.wait() == 0
