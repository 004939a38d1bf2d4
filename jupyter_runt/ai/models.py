"""The models of all providers: which there are, and how to talk to one."""

import asyncio
import json
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from jupyter_runt.ai.catalog import UNKNOWN_CONTEXT, ModelInfo, by_name, listed, of_ollama
from jupyter_runt.ai.chat_completions import ChatCompletions
from jupyter_runt.ai.failures import ProviderFailure, failure
from jupyter_runt.ai.keys import Keys
from jupyter_runt.ai.messages import Conversation
from jupyter_runt.ai.patience import Patience
from jupyter_runt.ai.providers import AiConfig, ModelPrice, Provider, price_of
from jupyter_runt.ai.responses import Responses
from jupyter_runt.ids import ActorId

LISTED_FOR: Final = 300.0
"""Seconds that a list of models is good for; one that could not be had, for a few."""

FAILED_FOR: Final = 5.0
LIST_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 3.0
"""How long who asks which models there are waits for a list; who needs one waits longer."""

_PREFERRED: Final = ("gpt-5-mini", "gpt-5", "gpt-4.1-mini", "gpt-4o-mini")
UNLISTED: Final = "openai/gpt-4o-mini"
"""What is asked where nobody chose a model and no provider says which ones it has."""

_MOST: Final = 60
"""Models of Ollama that are asked about."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that can be talked to, with what a turn has to know of it."""

    model_id: str
    conversation: Conversation
    info: ModelInfo
    budget: int
    """Tokens that a conversation with it may have."""
    price: ModelPrice | None


@dataclass(frozen=True, slots=True)
class _Listed:
    models: tuple[ModelInfo, ...]
    problem: str | None = None
    ready: bool = True


class Models(AbstractAsyncContextManager["Models"]):
    """Talks to providers with the key of who asks; keeps connections and lists."""

    def __init__(self, config: AiConfig, keys: Keys) -> None:
        self.config = config
        self.keys = keys
        self._clients: dict[tuple[str, str], asyncio.Task[Any]] = {}
        self._lists: dict[tuple[str, str], tuple[float, asyncio.Task[_Listed]]] = {}
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Begin; nothing is connected before somebody asks."""
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection."""
        for _, task in self._lists.values():
            task.cancel()
        for made in self._clients.values():
            if made.done() and not made.cancelled() and made.exception() is None:
                await made.result().close()
            made.cancel()
        await self._group.__aexit__(kind, error, traceback)

    async def choose(self, wanted: str, actor: ActorId) -> Choice:
        """Return the model of a name `provider/model`, or the default one for an empty name.

        Raises:
            ProviderFailure: it cannot be used; the message says why.
        """
        if self.config.problem is not None:
            raise ProviderFailure(self.config.problem)
        name = wanted or self.config.default_model or await self._default(actor)
        provider_name, _, model = name.partition("/")
        provider = self.config.providers.get(provider_name)
        if provider is None or not model:
            known = ", ".join(self.config.providers)
            raise ProviderFailure(
                f"There is no model {name}: it should be provider/model, of the providers {known}."
            )
        key = await self.key(provider, actor)
        info = await self._info(provider, key, model)
        conversation = await self._conversation(provider, key, info)
        context = provider.context_tokens or info.context_tokens or UNKNOWN_CONTEXT
        budget = min(context - min(16_000, context // 4), self.config.max_context_tokens)
        return Choice(name, conversation, info, budget, price_of(provider, model))

    async def describe(self, actor: ActorId) -> dict[str, Any]:
        """Return CONTRACT's `{models, providers}`, as far as it is known within seconds."""
        found = await self._all(actor, LOOK_SECONDS)
        models = [info.to_json(name) for name, each in found.items() for info in each.models]
        providers = []
        for name, each in found.items():
            own = await asyncio.to_thread(self.keys.has_own, name, actor)
            known = {"name": name, "ready": each.ready, "own_key": own}
            providers.append(known if each.problem is None else {**known, "problem": each.problem})
        default = self.config.default_model or _best(found)
        told = {"models": models, "providers": providers, "default": default}
        problem = self.config.problem
        return told if problem is None else {**told, "problem": problem}

    async def give_key(self, provider: Provider, actor: ActorId, key: str) -> None:
        """Keep somebody's own key of a provider; raises OSError."""
        await asyncio.to_thread(self.keys.put, provider.name, actor, key)
        self.forget(provider.name)

    async def forget_key(self, provider: Provider, actor: ActorId) -> None:
        """Forget somebody's own key of a provider; raises OSError."""
        await asyncio.to_thread(self.keys.delete, provider.name, actor)
        self.forget(provider.name)

    async def test(self, provider: Provider, actor: ActorId) -> str | None:
        """Ask a provider for its models with the key of who asks.

        Returns:
            Why that says nothing of the key, if it does not.

        Raises:
            ProviderFailure: the provider cannot be used with it.
        """
        key = await self.key(provider, actor)
        self.forget(provider.name)
        if provider.models is not None:
            provider = provider.model_copy(update={"models": None})
        try:
            await self._fetched(provider, key)
        except _NoList as error:
            return f"{error} So the key was not tried."
        return None

    def forget(self, provider: str) -> None:
        """Ask a provider anew for its models, since a key changed."""
        for key in [key for key in self._lists if key[0] == provider]:
            del self._lists[key]

    async def key(self, provider: Provider, actor: ActorId) -> str:
        """Return the key that is used for somebody, "" where none is needed.

        Raises:
            ProviderFailure: there is none.
        """
        try:
            key = await asyncio.to_thread(
                self.keys.find, provider.name, actor, provider.key_env, provider.key_file
            )
        except OSError as error:
            said = str(error) if isinstance(error, PermissionError) else error.strerror
            raise ProviderFailure(f"The key of {provider.name} cannot be read: {said}") from None
        if key is None and provider.needs_key:
            raise ProviderFailure(_no_key(provider))
        return key or ""

    # talking

    async def _conversation(self, provider: Provider, key: str, info: ModelInfo) -> Conversation:
        client = await self._client(provider, key)
        patience = Patience(self.config.first_byte_seconds, self.config.silence_seconds)
        if provider.kind == "responses":
            return Responses(
                client,
                info.name,
                provider=provider.name,
                secrets=(key,),
                patience=patience,
                reasons="reasoning" in info.capabilities,
            )
        return ChatCompletions(
            client, info.name, provider=provider.name, secrets=(key,), patience=patience
        )

    async def _client(self, provider: Provider, key: str) -> Any:
        which = (provider.name, key)
        made = self._clients.get(which)
        if made is None or (made.done() and made.exception() is not None):
            # In a thread: to import the library, and to read certificates, takes half a second.
            make = asyncio.to_thread(_make_client, provider, key)
            made = self._clients[which] = asyncio.ensure_future(make)
        return await asyncio.shield(made)

    # lists

    async def _all(self, actor: ActorId, seconds: float | None) -> dict[str, _Listed]:
        known = self.config.providers
        found = await asyncio.gather(*(self._of(each, actor, seconds) for each in known.values()))
        return dict(zip(known, found, strict=True))

    async def _of(self, provider: Provider, actor: ActorId, seconds: float | None) -> _Listed:
        try:
            key = await self.key(provider, actor)
        except ProviderFailure as error:
            return _Listed((), str(error), ready=False)
        return await self._looked_up(provider, key, seconds)

    async def _looked_up(self, provider: Provider, key: str, seconds: float | None) -> _Listed:
        task = self._list(provider, key)
        if provider.models is None and not provider.ollama:
            await self._client(provider, key)  # which takes time of its own, once
        done, _ = await asyncio.wait([task], timeout=seconds)
        if not done:
            return _Listed((), f"{provider.name} has not said yet which models it has.", False)
        return task.result()

    def _list(self, provider: Provider, key: str) -> asyncio.Task[_Listed]:
        which = (provider.name, key)
        asked_at, task = self._lists.get(which, (0.0, None))
        age = time.monotonic() - asked_at
        if task is None or (task.done() and age > _lifetime(task)):
            task = self._group.create_task(self._try_list(provider, key))
            self._lists[which] = (time.monotonic(), task)
        return task

    async def _try_list(self, provider: Provider, key: str) -> _Listed:
        try:
            return _Listed(await self._fetched(provider, key))
        except _NoList as error:
            return _Listed((), str(error))
        except ProviderFailure as error:
            return _Listed((), str(error), ready=False)

    async def _fetched(self, provider: Provider, key: str) -> tuple[ModelInfo, ...]:
        if provider.models is not None:
            return tuple(map(by_name, provider.models))
        fetch = self._fetch_ollama if provider.ollama else self._fetch_openai
        try:
            return await fetch(provider, key)
        except ProviderFailure:
            raise
        except Exception as error:  # noqa: BLE001  (whatever a server sends, and a client makes of it)
            if getattr(error, "status_code", None) in (404, 405, 501):
                raise _NoList(f"{provider.name} does not list its models.") from None
            raise failure(error, provider.name, (key,), begun=False) from None

    async def _fetch_openai(self, provider: Provider, key: str) -> tuple[ModelInfo, ...]:
        client = await self._client(provider, key)
        async with asyncio.timeout(LIST_SECONDS):
            page = await client.with_options(max_retries=0).models.list()
        infos = (listed(entry.model_dump()) for entry in page.data or ())
        return tuple(info for info in infos if info is not None)

    async def _fetch_ollama(self, provider: Provider, _key: str) -> tuple[ModelInfo, ...]:
        root = provider.base_url.removesuffix("/v1")
        tags = await _json(f"{root}/api/tags")
        names = [str(each["name"]) for each in tags.get("models") or ()][:_MOST]
        shown = await asyncio.gather(
            *(_json(f"{root}/api/show", {"model": name}) for name in names)
        )
        infos = (of_ollama(name, each) for name, each in zip(names, shown, strict=True))
        return tuple(info for info in infos if info is not None)

    async def _info(self, provider: Provider, key: str, model: str) -> ModelInfo:
        guessed = by_name(model)
        if guessed.context_tokens is not None and not provider.ollama:
            return guessed
        known = await self._looked_up(provider, key, LOOK_SECONDS)
        return next((info for info in known.models if info.name == model), guessed)

    async def _default(self, actor: ActorId) -> str:
        found = await self._all(actor, None)
        if (best := _best(found)) is not None:
            return best
        if UNLISTED.partition("/")[0] in self.config.providers:
            return UNLISTED  # who asks it learns what is wrong
        problems = [each.problem for each in found.values() if each.problem]
        raise ProviderFailure(" ".join(problems) or "There is no model to ask.")


class _NoList(ProviderFailure):
    """The provider may be fine, and does not say which models it has."""


def _best(found: dict[str, _Listed]) -> str | None:
    """Return the model to ask where nobody chose one."""
    ids = [
        (f"{name}/{info.name}", info)
        for name, each in found.items()
        if each.ready
        for info in each.models
    ]
    for preferred in _PREFERRED:
        for model_id, info in ids:
            if info.name == preferred:
                return model_id
    with_tools = (model_id for model_id, info in ids if "tools" in info.capabilities)
    return next(with_tools, ids[0][0] if ids else None)


def _lifetime(task: asyncio.Task[_Listed]) -> float:
    return LISTED_FOR if not task.cancelled() and task.result().problem is None else FAILED_FOR


def _no_key(provider: Provider) -> str:
    where = f"set {provider.key_env} for the server, or " if provider.key_env else ""
    return f"{provider.name} has no key: {where}enter your own in the settings of the AI."


def _make_client(provider: Provider, key: str) -> Any:
    import openai  # here, as it takes half a second and 50 MB that many never need

    return openai.AsyncOpenAI(api_key=key or "none", base_url=provider.base_url)


async def _json(url: str, body: Any = None) -> dict[str, Any]:
    request = HTTPRequest(
        url,
        method="GET" if body is None else "POST",
        body=None if body is None else json.dumps(body),
        request_timeout=LIST_SECONDS,
    )
    try:
        answer = await AsyncHTTPClient().fetch(request)
    except HTTPClientError as error:
        raise ConnectionError(str(error)) from None
    loaded = json.loads(answer.body)
    return loaded if isinstance(loaded, dict) else {}
