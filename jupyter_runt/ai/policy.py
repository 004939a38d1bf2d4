"""What the AI may do unasked: pure, and the only place where that is decided (AG2, AG3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, Self, cast, get_args

from jupyter_runt.tools import EFFECTS, Effect

Verdict = Literal["allow", "ask", "deny"]

VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)

DEFAULT_POLICY: Final[Mapping[Effect, Verdict]] = MappingProxyType(
    {"read": "allow", "edit": "allow", "execute": "ask", "files": "ask", "external": "ask"}
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed by configuration, for each class of effects."""

    verdicts: Mapping[Effect, Verdict] = field(default_factory=lambda: DEFAULT_POLICY)

    @classmethod
    def of(cls, configured: Mapping[str, str]) -> Self:
        """Return the policy of a configuration; what it does not name is as by default.

        Raises:
            ValueError: it names an effect or a verdict that there is not.
        """
        for effect, verdict in configured.items():
            if effect not in EFFECTS:
                raise ValueError(f"{effect} is none of {', '.join(EFFECTS)}")
            if verdict not in VERDICTS:
                raise ValueError(f"{effect}: {verdict} is none of {', '.join(VERDICTS)}")
        named = cast("Mapping[Effect, Verdict]", configured)
        return cls(MappingProxyType({**DEFAULT_POLICY, **named}))

    def judge(self, effect: Effect | None, *, granted: bool, tainted: bool) -> Verdict:
        """Return whether a call is made, asked about or refused.

        Args:
            effect: what it may do; None of a tool that nobody knows.
            granted: who asked for the turn said "always" to this tool before.
            tainted: the model has read what outputs, files or tools say, which may have talked it
                into the call: what was said before then holds no more.
        """
        if effect is None:
            return "deny"
        verdict = self.verdicts.get(effect, "deny")
        return "allow" if verdict == "ask" and granted and not tainted else verdict
