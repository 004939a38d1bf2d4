"""The tools of one turn: each call is parsed, permitted, judged, decided about, and then made."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from pydantic import Field

from jupyter_runt.ai.arguments import Arguments, BadArguments, Strings, parse
from jupyter_runt.ai.editing_tools import EDITING
from jupyter_runt.ai.file_tools import FILES
from jupyter_runt.ai.kernel_tools import VARIABLES, offered_tools
from jupyter_runt.ai.policy import Policy
from jupyter_runt.ai.reading_tools import READING
from jupyter_runt.ai.running_tools import RUNNING
from jupyter_runt.ai.workplace import Outcome, Preview, Tool, Work, Workplace
from jupyter_runt.errors import CellNotFound, NotAuthorized, RuntError
from jupyter_runt.ids import CellId
from jupyter_runt.tools import Effect, ToolCall, ToolResult, ToolSpec, ToolStatus

log = logging.getLogger(__name__)

_CHANGES_KERNEL: Final = "execute"
"""The effect after which the kernel may offer other functions."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A call that a person has to decide about, or a question to them."""

    call_id: str
    tool: str
    effect: Effect
    arguments: Mapping[str, Any]
    preview: Preview
    fingerprint: str = ""
    tainted: bool = False
    """Whether "always" would not hold in this turn."""
    choices: tuple[str, ...] | None = None
    """Of a question, answers to choose from; None where it is no question."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What became of a proposal."""

    allowed: bool
    reason: str | None = None
    """Why not, for the model."""
    answer: str | None = None
    """To a question."""


class Desk(Protocol):
    """Where who asked for the turn decides."""

    def granted(self, tool: str, effect: Effect, fingerprint: str) -> bool:
        """Tell whether they said "always" to such calls in this notebook."""
        ...

    async def decide(self, proposal: Proposal) -> Ruling:
        """Wait for their decision; cancelling it takes the proposal back."""
        ...


class AskUser(Arguments):
    """A question."""

    question: str = Field(min_length=1, max_length=2000, description="What you need to know.")
    choices: Strings = Field(default=[], max_length=10, description="Answers to choose from.")


async def ask_user(work: Work, arguments: AskUser) -> Outcome:
    """Ask who asked for the turn."""
    answer = await work.question(arguments.question, arguments.choices)
    if answer is None:
        return Outcome("They did not answer. Go on as well as you can, or end here.", failed=True)
    return Outcome(f"They answer: {answer}")


ASKING: Final = Tool(
    "ask_user",
    "Ask the person a question where you cannot go on without an answer.",
    "read",
    AskUser,
    ask_user,
)

BUILT_IN: Final = (*READING, *EDITING, *RUNNING, *FILES, VARIABLES, ASKING)


@dataclass(slots=True)
class _Call:
    """The `Work` of one call."""

    call: ToolCall
    box: "TurnToolbox"
    place: Workplace
    seen: dict[CellId, str]
    made: list[CellId]

    async def question(self, text: str, choices: Sequence[str]) -> str | None:
        """See `Work`."""
        asked = {"question": text, "choices": list(choices)}
        ruling = await self.box.desk.decide(
            Proposal(
                self.call.call_id,
                ASKING.name,
                ASKING.effect,
                asked,
                Preview(text),
                tainted=self.box.tainted,
                choices=tuple(choices),
            )
        )
        return ruling.answer if ruling.allowed else None


@dataclass(slots=True)
class TurnToolbox:
    """A `Toolbox` over a notebook, with the rights and the decisions of who asked for the turn."""

    place: Workplace
    desk: Desk
    policy: Policy
    tainted: bool = False
    """Whether the model was told what may have talked it into something."""
    _shown: set[CellId] = field(default_factory=set)
    """The cells that the question shows: those that a person chose."""
    _read: set[CellId] = field(default_factory=set)
    """The other cells of whose sources tools told: those that the model chose."""
    _untold: list[Outcome] = field(default_factory=list)
    """What the model is told once all that it called at once is done."""
    _tools: dict[str, Tool] = field(default_factory=dict)
    _seen: dict[CellId, str] = field(default_factory=dict)
    _made: list[CellId] = field(default_factory=list)

    @classmethod
    async def open(cls, place: Workplace, desk: Desk, policy: Policy) -> "TurnToolbox":
        """Return the toolbox of a turn that begins now: what it is shown is the notebook of now."""
        box = cls(place, desk, policy, _tools={tool.name: tool for tool in BUILT_IN})
        await box._look_for_tools()
        return box

    def specs(self) -> Sequence[ToolSpec]:
        """See `Toolbox`; what the policy denies is not offered."""
        return [
            tool.spec()
            for tool in self._tools.values()
            if self.policy.verdicts.get(tool.effect) != "deny"
        ]

    def effect(self, call: ToolCall) -> Effect:
        """See `Toolbox`."""
        tool = self._tools.get(call.name)
        return "external" if tool is None else tool.effect

    def was_shown(self, sources: Iterable[CellId], *, tainted: bool) -> None:
        """See `Toolbox`."""
        self._shown.update(sources)
        self.tainted |= tainted

    def was_told(self) -> None:
        """See `Toolbox`."""
        for outcome in self._untold:
            self._read |= outcome.sources - self._shown
            self.tainted |= outcome.tainted
        self._untold.clear()

    async def call(self, call: ToolCall) -> ToolResult:
        """See `Toolbox`."""
        status: ToolStatus = "ok"
        try:
            outcome = await self._outcome(call)
            status = "error" if outcome.failed else "ok"
        except (_Denied, NotAuthorized) as error:
            status, outcome = "denied", Outcome(str(error))
        except CellNotFound as error:  # what it lists, others may have named
            status, outcome = "error", Outcome(str(error), tainted=True)
        except (BadArguments, RuntError) as error:
            status, outcome = "error", Outcome(str(error))
        except Exception:
            log.exception("The tool %s failed", call.name)
            status, outcome = "error", Outcome("The tool failed: that is a fault of the server.")
        self._untold.append(outcome)
        data = outcome.tainted or bool(outcome.sources)
        return ToolResult(call.call_id, outcome.text, status, data, outcome.images)

    async def _outcome(self, call: ToolCall) -> Outcome:
        tool = self._tools.get(call.name)
        if tool is None:
            names = ", ".join(spec.name for spec in self.specs())
            raise _Denied(f"There is no tool {call.name}. The tools are: {names}.")
        arguments = parse(tool.arguments, call.arguments)
        await self.place.permit(tool.effect)
        work = _Call(call, self, self.place, self._seen, self._made)
        preview = await tool.preview(work, arguments) if tool.preview else None
        await self._decided(work, tool, arguments, preview)
        made = tool.run(work, arguments) if preview is None else tool.run(work, arguments, preview)
        outcome = await made
        if tool.effect == _CHANGES_KERNEL:
            await self._look_for_tools()
        return outcome

    async def _decided(
        self, work: _Call, tool: Tool, arguments: Arguments, preview: Preview | None
    ) -> None:
        """Return if the call may be made: by the policy, or because a person says so.

        Raises:
            _Denied: it may not.
            NotAuthorized: who asked for the turn lost the right meanwhile.
        """
        granted = self.desk.granted(tool.name, tool.effect, tool.fingerprint)
        if self.policy.verdicts.get(tool.effect) == "ask":  # else it makes no difference
            self.tainted = self.tainted or await self.place.foreign(self._shown, self._read)
        verdict = self.policy.judge(tool.effect, granted=granted, tainted=self.tainted)
        if verdict == "deny":
            raise _Denied(f"What {tool.name} does is not allowed on this server.")
        if verdict == "allow":
            return
        proposal = Proposal(
            work.call.call_id,
            tool.name,
            tool.effect,
            arguments.model_dump(),
            preview or Preview(await _shown(work, tool, arguments)),
            tool.fingerprint,
            tainted=self.tainted,
        )
        ruling = await self.desk.decide(proposal)
        if not ruling.allowed:
            raise _Denied(ruling.reason or "The person did not allow that.")
        await self.place.permit(tool.effect)

    async def _look_for_tools(self) -> None:
        offered = await offered_tools(self.place)
        if offered is not None:
            built_in = {tool.name: tool for tool in BUILT_IN}
            self._tools = {**{tool.name: tool for tool in offered}, **built_in}


class _Denied(Exception):
    """The call is not made; the message tells the model why."""


async def _shown(work: Work, tool: Tool, arguments: Arguments) -> str:
    """Return what a person is shown of a call."""
    if tool.show is not None:
        return await tool.show(work, arguments)
    given = arguments.model_dump(exclude_defaults=True).items()
    return "\n".join(f"{name}: {value}" for name, value in given) or f"{tool.name}()"
