"""What models can do: as their server says, or else as their names do. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Capability = Literal["tools", "vision", "reasoning"]

UNKNOWN_CONTEXT: Final = 32_000
"""Tokens that a model is taken to have of which nothing is known."""

OLLAMA_CONTEXT: Final = 4_096
"""What Ollama gives a model that nobody configured, whatever the model could do."""

_NOT_CHAT: Final = re.compile(
    r"embed|whisper|rerank|moderation|dall-e|transcribe|computer-use"
    r"|^(tts|babbage|davinci|gpt-image|sora|gpt-realtime|gpt-audio)"
    r"|^gpt-.*(realtime|audio|search|instruct)"
)
_KNOWN: Final[tuple[tuple[str, int, tuple[Capability, ...]], ...]] = (
    (r"gpt-5", 272_000, ("tools", "vision", "reasoning")),
    (r"gpt-4\.1", 1_000_000, ("tools", "vision")),
    (r"gpt-4o|chatgpt-4o", 128_000, ("tools", "vision")),
    (r"gpt-4-turbo", 128_000, ("tools", "vision")),
    (r"gpt-4", 8_192, ("tools",)),
    (r"gpt-3\.5", 16_000, ("tools",)),
    (r"o1-mini|o1-preview", 128_000, ("reasoning",)),
    (r"o[1-9]", 200_000, ("tools", "vision", "reasoning")),
    (r"gpt-oss", 128_000, ("tools", "reasoning")),
    (r"llama-?3|llama-?4|qwen|mistral|kimi|deepseek", 32_000, ("tools",)),
)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model, as people choose it."""

    name: str
    """As its provider knows it."""
    capabilities: tuple[Capability, ...]
    context_tokens: int | None = None

    def to_json(self, provider: str) -> dict[str, Any]:
        """Return CONTRACT's JSON."""
        told: dict[str, Any] = {
            "id": f"{provider}/{self.name}",
            "provider": provider,
            "capabilities": list(self.capabilities),
        }
        return (
            told if self.context_tokens is None else {**told, "context_tokens": self.context_tokens}
        )


def by_name(name: str) -> ModelInfo:
    """Return what the name of a model tells."""
    short = name.rpartition("/")[2].lower()
    for pattern, context, capabilities in _KNOWN:
        if re.match(pattern, short):
            return ModelInfo(name, capabilities, context)
    return ModelInfo(name, ("tools",))


def talks(name: str) -> bool:
    """Tell whether a model of that name may answer in text."""
    return not _NOT_CHAT.search(name.rpartition("/")[2].lower())


def listed(entry: Mapping[str, Any]) -> ModelInfo | None:
    """Return the model of an entry of `GET /models`, None for one that does not talk.

    Servers add what they know in their own ways; what is not there is guessed from the name.
    """
    name = entry.get("id")
    if not isinstance(name, str) or not name or not talks(name):
        return None
    guessed = by_name(name)
    context = next(
        (
            value
            for key in ("context_length", "max_model_len", "context_window", "max_context_length")
            if isinstance(value := entry.get(key), int) and value > 0
        ),
        guessed.context_tokens,
    )
    modalities = (entry.get("architecture") or {}).get("input_modalities") or ()
    capabilities = set(guessed.capabilities) | ({"vision"} if "image" in modalities else set())
    return ModelInfo(name, _sorted(capabilities), context)


def of_ollama(name: str, shown: Mapping[str, Any]) -> ModelInfo | None:
    """Return the model that Ollama's `POST /api/show` tells of, None for one that does not talk."""
    can = set(shown.get("capabilities") or ("completion",))
    if "completion" not in can:
        return None
    names = {"tools": "tools", "vision": "vision", "thinking": "reasoning"}
    capabilities = {own for theirs, own in names.items() if theirs in can}
    possible = [
        value
        for key, value in (shown.get("model_info") or {}).items()
        if key.endswith(".context_length") and isinstance(value, int)
    ]
    set_by_hand = re.search(r"^num_ctx\s+(\d+)", str(shown.get("parameters") or ""), re.MULTILINE)
    context = int(set_by_hand[1]) if set_by_hand else OLLAMA_CONTEXT
    return ModelInfo(name, _sorted(capabilities), min([context, *possible]))


def _sorted(capabilities: set[Any]) -> tuple[Capability, ...]:
    order: tuple[Capability, ...] = ("tools", "vision", "reasoning")
    return tuple(each for each in order if each in capabilities)
