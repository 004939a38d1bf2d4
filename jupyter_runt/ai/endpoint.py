"""What every adapter has to know of the model that it talks to."""

from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from jupyter_runt.ai.patience import Patience


@dataclass(frozen=True)
class Endpoint:
    """A model behind an API.

    Args:
        client: an `openai.AsyncOpenAI`.
        provider: the name that people know it by.
        secrets: what must not be in any error.
    """

    client: Any = field(repr=False)
    model: str
    _: KW_ONLY
    provider: str
    secrets: Collection[str] = field(default=(), repr=False)
    patience: Patience = field(default_factory=Patience)
