import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from jupyter_runt.ai import models as module
from jupyter_runt.ai.failures import ProviderFailure
from jupyter_runt.ai.fake.script import Reply
from jupyter_runt.ai.fake.server import FakeModel
from jupyter_runt.ai.keys import Keys
from jupyter_runt.ai.messages import Delta, User
from jupyter_runt.ai.models import Models
from jupyter_runt.ai.providers import AiConfig, Provider
from jupyter_runt.ids import ActorId

pytestmark = pytest.mark.asyncio

ADA, BOB = ActorId("user:ada"), ActorId("user:bob")
KEY = "sk-of-the-server"


@pytest.fixture(autouse=True)
def _slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 30.0)


def provider(name: str, url: str, **fields: Any) -> Provider:
    return Provider.model_validate({"name": name, "base_url": url, **fields})


@asynccontextmanager
async def models(
    folder: Path, *known: Provider, env: Mapping[str, str] | None = None, **config: Any
) -> AsyncIterator[Models]:
    plain = AiConfig(providers={each.name: each for each in known}, **config)
    async with Models(plain, Keys(folder / "keys", env or {})) as opened:
        yield opened


async def test_models_are_listed_with_what_is_missing_to_use_more(tmp_path: Path) -> None:
    async with FakeModel([], models=["m1", "text-embedding-1"]) as one, FakeModel([]) as gone:
        nowhere = gone.url
        await gone.__aexit__(None, None, None)
        known = (
            provider("one", one.url, key_env="K"),
            provider("two", nowhere),
            provider("three", nowhere, key_env="MISSING"),
            provider("four", nowhere, models=["named"], context_tokens=5000),
        )
        async with models(tmp_path, *known, env={"K": KEY}) as opened:
            told = await opened.describe(ADA)
    assert [each["id"] for each in told["models"]] == ["one/m1", "four/named"]
    ready = {each["name"]: each["ready"] for each in told["providers"]}
    assert ready == {"one": True, "two": False, "three": False, "four": True}
    problems = {each["name"]: each.get("problem") for each in told["providers"]}
    assert problems["one"] is None
    assert "cannot be reached" in str(problems["two"])
    assert "set MISSING" in str(problems["three"])
    assert told["default"] == "one/m1"
    assert KEY not in json.dumps(told)


async def test_a_provider_without_a_list_can_be_used_by_name(tmp_path: Path) -> None:
    async with FakeModel([Reply("hello")], models=None) as fake:
        async with models(tmp_path, provider("p", fake.url)) as opened:
            told = await opened.describe(ADA)
            assert told["providers"][0]["ready"]
            assert "does not list" in told["providers"][0]["problem"]
            choice = await opened.choose("p/some/model", ADA)
            said = [item async for item in choice.conversation.say([User("?")], ())]
        assert said[0] == Delta("hello")
        assert fake.requests[0].body["model"] == "some/model"
        assert choice.model_id == "p/some/model"


async def test_each_person_s_key_is_used_for_that_person(tmp_path: Path) -> None:
    async with FakeModel([Reply("a"), Reply("b")]) as fake:
        known = provider("p", fake.url, key_env="K")
        async with models(tmp_path, known, env={"K": KEY}) as opened:
            await opened.give_key(known, ADA, "sk-of-ada")
            for actor in (ADA, BOB):
                choice = await opened.choose("p/scripted", actor)
                assert [item async for item in choice.conversation.say([User("?")], ())]
            told = await opened.describe(ADA)
            assert told["providers"][0]["own_key"]
            await opened.forget_key(known, ADA)
            assert not (await opened.describe(ADA))["providers"][0]["own_key"]
        sent = [request.headers["Authorization"] for request in fake.requests]
        assert sent == ["Bearer sk-of-ada", f"Bearer {KEY}"]


async def test_a_key_is_tried_when_somebody_asks(tmp_path: Path) -> None:
    async with FakeModel([]) as fake, FakeModel([], models=None) as silent:
        fine = provider("fine", fake.url, key_env="K", models=["named"])
        unlisted = provider("unlisted", silent.url, key_env="K")
        async with models(tmp_path, fine, unlisted, env={"K": KEY}) as opened:
            assert await opened.test(fine, ADA) is None
            assert "not tried" in str(await opened.test(unlisted, ADA))
            with pytest.raises(ProviderFailure, match="has no key"):
                await opened.test(provider("none", fake.url, key_env="MISSING"), ADA)
        nowhere = fine.model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
        async with models(tmp_path, nowhere, env={"K": KEY}) as opened:
            with pytest.raises(ProviderFailure, match="cannot be reached"):
                await opened.test(nowhere, ADA)


@pytest.mark.parametrize("name", ["nobody/x", "p", "p/", "x"])
async def test_a_model_that_there_is_not_is_named(tmp_path: Path, name: str) -> None:
    async with models(tmp_path, provider("p", "http://127.0.0.1:9/v1", models=["m"])) as opened:
        with pytest.raises(ProviderFailure, match="providers p"):
            await opened.choose(name, ADA)


async def test_where_nobody_lists_models_openai_s_is_asked_for_one(tmp_path: Path) -> None:
    async with (
        FakeModel([Reply("hi")], models=None) as fake,
        models(tmp_path, provider("openai", fake.url)) as opened,
    ):
        assert (await opened.choose("", ADA)).model_id == "openai/gpt-4o-mini"


async def test_an_ai_that_is_off_says_why(tmp_path: Path) -> None:
    async with models(tmp_path, problem="It is configured wrongly.") as opened:
        assert (await opened.describe(ADA))["problem"] == "It is configured wrongly."
        with pytest.raises(ProviderFailure, match="configured wrongly"):
            await opened.choose("", ADA)


async def test_without_a_choice_a_model_with_tools_answers(tmp_path: Path) -> None:
    one = provider("one", "http://127.0.0.1:9/v1", models=["o1-mini", "m"])
    two = provider("two", "http://127.0.0.1:9/v1", models=["gpt-5-mini"])
    async with models(tmp_path, one) as opened:
        assert (await opened.choose("", ADA)).model_id == "one/m"
    async with models(tmp_path, one, two) as opened:
        assert (await opened.choose("", ADA)).model_id == "two/gpt-5-mini"
    async with models(tmp_path, one, default_model="one/o1-mini") as opened:
        assert (await opened.choose("", ADA)).model_id == "one/o1-mini"
    async with models(tmp_path, provider("p", "http://x/v1", key_env="K")) as opened:
        with pytest.raises(ProviderFailure, match="has no key"):
            await opened.choose("", ADA)


@pytest.mark.rule("AG6")
async def test_the_budget_is_the_model_s_and_at_most_the_configured_one(tmp_path: Path) -> None:
    known = provider("p", "http://127.0.0.1:9/v1", models=["gpt-5", "gpt-4"])
    small = provider("q", "http://127.0.0.1:9/v1", models=["m"], context_tokens=2000)
    async with models(tmp_path, known, small, max_context_tokens=50_000) as opened:
        assert (await opened.choose("p/gpt-5", ADA)).budget == 50_000
        assert (await opened.choose("p/gpt-4", ADA)).budget == 8_192 * 3 // 4
        assert (await opened.choose("q/m", ADA)).budget == 1_500


class _Never(RequestHandler):
    def initialize(self, held: asyncio.Event) -> None:
        self.held = held

    async def get(self) -> None:
        await self.held.wait()


@asynccontextmanager
async def serving(*routes: Any) -> AsyncIterator[str]:
    """Serve some routes, and return the base URL."""
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application(routes))
    server.add_sockets(sockets)
    try:
        yield f"http://127.0.0.1:{sockets[0].getsockname()[1]}/v1"
    finally:
        server.stop()
        await server.close_all_connections()


async def test_a_list_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    held = asyncio.Event()
    async with serving(("/v1/models", _Never, {"held": held})) as url:
        async with models(tmp_path, provider("p", url)) as opened:
            told = await opened.describe(ADA)
            assert "has not said yet" in told["providers"][0]["problem"]
            assert (await opened.choose("p/m", ADA)).model_id == "p/m"
        held.set()


class _Tags(RequestHandler):
    def get(self) -> None:
        self.finish({"models": [{"name": "llama:8b"}, {"name": "embedder"}]})


class _Show(RequestHandler):
    def post(self) -> None:
        asked = json.loads(self.request.body)["model"]
        if asked == "embedder":
            self.finish({"capabilities": ["embedding"]})
        else:
            info = {"llama.context_length": 131072}
            self.finish({"capabilities": ["completion", "tools"], "model_info": info})


async def test_ollama_s_models_come_with_their_context(tmp_path: Path) -> None:
    async with (
        serving(("/api/tags", _Tags), ("/api/show", _Show)) as url,
        models(tmp_path, provider("ollama", url, ollama=True)) as opened,
    ):
        told = await opened.describe(ADA)
        (model,) = told["models"]
        assert model["id"] == "ollama/llama:8b"
        assert (model["capabilities"], model["context_tokens"]) == (["tools"], 4096)
        assert (await opened.choose("ollama/llama:8b", ADA)).budget == 3072
