"""How far one turn may go."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Limits:
    """What a turn may use; it ends as `limit` where it wants more."""

    rounds: int = 25
    """Answers of the model: each but the last one calls tools."""
    tokens: int = 1_000_000
    """Of all rounds, what is read and what is written."""
    seconds: float = 1800.0
    """Without what tools take, and people who decide about them: that has limits of its own."""
    cost: float | None = None
    """In the currency of the prices."""

    def narrowed(self, wanted: Any) -> Self:
        """Return these limits, or those that a notebook wants where they are lower."""
        if not isinstance(wanted, Mapping):
            return self
        lower: dict[str, Any] = {}
        for limit in fields(self):
            value, own = wanted.get(limit.name), getattr(self, limit.name)
            if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
                least = value if own is None else min(value, own)
                lower[limit.name] = int(least) if isinstance(own, int) else least
        return replace(self, **lower)
