"""Which providers there are, from the configuration and the environment. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from jupyter_runt.ai.limits import Limits

Kind = Literal["chat_completions", "responses"]

OPENAI_URL: Final = "https://api.openai.com/v1"
OLLAMA_PORT: Final = 11434


class ModelPrice(BaseModel):
    """What a million tokens of a model cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class Provider(BaseModel):
    """A server that has models."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    kind: Kind = "chat_completions"
    base_url: str = OPENAI_URL
    key_env: str | None = None
    key_file: str | None = None
    models: tuple[str, ...] | None = None
    """Those that are offered; None: the server is asked."""
    context_tokens: int | None = Field(default=None, ge=1000)
    """Of every model of it; None: as its list says, or as is known of its models."""
    prices: dict[str, ModelPrice] = {}
    ollama: bool = Field(default=False)
    key_optional: bool = Field(default=False)

    @property
    def needs_key(self) -> bool:
        """Whether nothing works without a key: servers of one's own often want none."""
        return bool(self.key_env or self.key_file) and not self.key_optional


_PROVIDERS: Final = TypeAdapter(tuple[Provider, ...])


def configured(listed: Sequence[Mapping[str, Any]]) -> tuple[Provider, ...]:
    """Return the providers that an administrator listed.

    Raises:
        pydantic.ValidationError: one of them is none.
    """
    return _PROVIDERS.validate_python([dict(each) for each in listed])


def from_environment(environment: Mapping[str, str]) -> tuple[Provider, ...]:
    """Return the providers that the environment names as the `openai` package and Ollama read it.

    OpenAI is always there, so that people can give a key of their own.
    """
    base_url = environment.get("OPENAI_BASE_URL", "").strip().rstrip("/")
    own = bool(base_url) and urlsplit(base_url).hostname != "api.openai.com"
    openai = Provider(
        name="openai",
        kind="chat_completions" if own else "responses",
        base_url=base_url or OPENAI_URL,
        key_env="OPENAI_API_KEY",
        key_optional=own,
    )
    host = environment.get("OLLAMA_HOST", "").strip()
    if not host:
        return (openai,)
    ollama = Provider(name="ollama", base_url=f"{ollama_url(host)}/v1", ollama=True)
    return (openai, ollama)


def ollama_url(host: str) -> str:
    """Return where Ollama is, as its own tools read OLLAMA_HOST."""
    scheme, _, rest = host.rpartition("://")
    parts = urlsplit(f"//{rest}")
    name = parts.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(name, name)  # noqa: S104
    name = f"[{name}]" if ":" in name and not name.startswith("[") else name
    port = parts.port or (443 if scheme == "https" else 80 if scheme else OLLAMA_PORT)
    return f"{scheme or 'http'}://{name}:{port}{parts.path.rstrip('/')}"


def providers(
    listed: Sequence[Mapping[str, Any]], environment: Mapping[str, str]
) -> dict[str, Provider]:
    """Return all providers by name; a listed one takes the place of one of the environment."""
    return {each.name: each for each in (*from_environment(environment), *configured(listed))}


class AiConfig(BaseModel):
    """What an administrator says about the AI."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    providers: dict[str, Provider]
    default_model: str = ""
    limits: Limits = Limits()
    max_images: int = 4
    max_context_tokens: int = 100_000
    first_byte_seconds: float = 300.0
    silence_seconds: float = 300.0
    problem: str | None = None
    """Why there is no AI at all, for people."""


_DATED: Final = re.compile(r"-\d{4}-\d{2}-\d{2}$|:.*$")


def price_of(provider: Provider, model: str) -> ModelPrice | None:
    """Return what a model costs, dated names as those without a date."""
    return provider.prices.get(model) or provider.prices.get(_DATED.sub("", model))
