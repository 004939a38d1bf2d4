"""One turn: the model speaks, calls tools, reads what they say, and speaks again, within limits."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from jupyter_runt.ai.envelope import Envelope
from jupyter_runt.ai.failures import ProviderFailure
from jupyter_runt.ai.fitting import fitted
from jupyter_runt.ai.limits import Limits
from jupyter_runt.ai.messages import Assistant, Call, Conversation, Message, Returned, Said
from jupyter_runt.ai.tokens import tokens
from jupyter_runt.document.values import to_shared
from jupyter_runt.events.agent import Effect, TurnEnd, Usage
from jupyter_runt.tools import Toolbox, ToolCall, ToolResult, ToolSpec

SAME: Final = 3
"""So often the same call with the same result is a loop."""


SILENT: Final = "The model said nothing."
UNSEEN: Final = "You cannot see the picture: you take text alone."


@dataclass(frozen=True, slots=True)
class Ended:
    """How a turn ended."""

    status: TurnEnd
    error: str | None = None
    usage: Usage | None = None


class Listener(Protocol):
    """Who is told what happens in a turn, as it happens."""

    def wrote(self, text: str) -> None:
        """The model wrote more of its answer."""
        ...

    async def called(self, calls: Sequence[tuple[ToolCall, Effect]]) -> None:
        """The model called tools, all of which are done before it goes on."""
        ...

    async def returned(self, result: ToolResult) -> None:
        """A call was done."""
        ...


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost."""

    input: float
    output: float


@dataclass(slots=True)
class Turn:
    """What is asked of which model, with what it may use.

    Args:
        budget: tokens that the conversation may have, tools included.
        prefix: of the ids that calls get, which are unique in the notebook.
    """

    model: Conversation
    messages: Sequence[Message]
    toolbox: Toolbox
    listener: Listener
    envelope: Envelope
    budget: int
    limits: Limits
    prefix: str
    price: Price | None = None
    with_tools: bool = True
    sees: bool = False
    """Whether the model takes pictures."""
    usage: Usage | None = None
    """What was used so far, as the provider counted."""
    _conversation: list[Message] = field(default_factory=list)
    _calls: int = 0
    _estimate: int = 0
    _seen: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _spoke: bool = False

    async def run(self) -> Ended:
        """Answer; what had arrived was told to the listener, however it ends."""
        self._conversation = list(self.messages)
        try:
            async with asyncio.timeout(self.limits.seconds) as clock:
                ended = await self._rounds(clock)
        except ProviderFailure as failure:
            ended = Ended("error", str(failure))
        except TimeoutError:
            if not clock.expired():
                raise
            ended = Ended("limit", f"It took longer than {self.limits.seconds:.3g} s.")
        return replace(ended, usage=self.usage)

    async def _rounds(self, clock: asyncio.Timeout) -> Ended:
        for number in range(self.limits.rounds):
            said = await self._listen()
            if not said.message.calls:
                ended = _conclusion(said)
                silent = number == 0 and not self._spoke and ended.status == "ok"
                return Ended("error", SILENT) if silent else ended
            looped = await self._answer_calls(said.message, clock)
            if looped is not None:
                return Ended("limit", looped)
            if (spent := self._overspent()) is not None:
                return Ended("limit", spent)
        rounds = "one round" if self.limits.rounds == 1 else f"{self.limits.rounds} rounds"
        return Ended("limit", f"It was not done after {rounds}.")

    async def _listen(self) -> Said:
        specs = self.toolbox.specs() if self.with_tools else ()
        messages = fitted(self._conversation, self.budget - size_of(specs))
        fresh = self._spoke  # after what it said before it called tools
        said: Said | None = None
        async with aclosing(self.model.say(messages, specs)) as stream:
            async for item in stream:
                if isinstance(item, Said):
                    said = item
                elif item.text:
                    self.listener.wrote(f"\n\n{item.text}" if fresh else item.text)
                    fresh, self._spoke = False, True
        if said is None:
            raise ProviderFailure(SILENT)
        self._count(said, sum(map(_length, messages)))
        text = str(to_shared(said.message.text))
        calls = _sendable(said.message.calls)
        self._conversation.append(replace(said.message, text=text, calls=calls))
        return said

    def _count(self, said: Said, sent: int) -> None:
        self._estimate += sent + _length(said.message)
        if (used := said.usage) is None:
            return
        before = self.usage or Usage()
        cost = None
        if self.price is not None:
            spent = used.input_tokens * self.price.input + used.output_tokens * self.price.output
            cost = (before.cost or 0.0) + spent / 1e6
        self.usage = Usage(
            input_tokens=before.input_tokens + used.input_tokens,
            output_tokens=before.output_tokens + used.output_tokens,
            cost=cost,
        )

    def _overspent(self) -> str | None:
        used = self._estimate
        if self.usage is not None:
            used = self.usage.input_tokens + self.usage.output_tokens
        if used > self.limits.tokens:
            return f"It used more than {self.limits.tokens:,} tokens."
        cost = self.usage.cost if self.usage else None
        if self.limits.cost is not None and cost is not None and cost > self.limits.cost:
            return f"It cost more than {self.limits.cost:g}."
        return None

    async def _answer_calls(self, message: Assistant, clock: asyncio.Timeout) -> str | None:
        """Do what the model called for, in its order; return why it loops, if it does."""
        calls = []
        for each in message.calls:
            self._calls += 1
            call = ToolCall(f"{self.prefix}-{self._calls}", each.name, each.arguments or "{}")
            calls.append((each, call))
        await self.listener.called([(call, self.toolbox.effect(call)) for _, call in calls])
        looped = None
        for each, call in calls:
            result = _unreadable(call) or await self._called(call, clock)
            await self.listener.returned(result)
            text = str(to_shared(result.text))
            text = self.envelope.wrap(text) if result.tainted else text
            images = result.images if self.sees else ()
            if len(images) < len(result.images):
                text += f"\n{UNSEEN}"
            self._conversation.append(Returned(each.wire_id, text, images))
            key = (call.name, _canonical(call.arguments), result.text)
            self._seen[key] += 1
            if self._seen[key] >= SAME:
                looped = f"It called {call.name} {SAME} times with the same result."
        self.toolbox.was_told()
        return looped

    async def _called(self, call: ToolCall, clock: asyncio.Timeout) -> ToolResult:
        """Call a tool while the clock stands: cells take their time, and so do people."""
        loop = asyncio.get_running_loop()
        began, deadline = loop.time(), clock.when()
        clock.reschedule(None)
        try:
            return await self.toolbox.call(call)
        finally:
            clock.reschedule(None if deadline is None else deadline + loop.time() - began)


def size_of(specs: Sequence[ToolSpec]) -> int:
    """Return how many tokens the descriptions of tools have at most."""
    return sum(
        tokens(spec.name + spec.description + json.dumps(spec.parameters)) + 16 for spec in specs
    )


def _conclusion(said: Said) -> Ended:
    match said.finish:
        case "length":
            return Ended("limit", "The answer was cut: it is as long as the model may write.")
        case "filter":
            return Ended("error", "The provider's content filter cut the answer.")
        case _:
            return Ended("ok")


def _length(message: Message) -> int:
    calls = message.calls if isinstance(message, Assistant) else ()
    return tokens(message.text) + sum(tokens(call.name + call.arguments) for call in calls)


def _unreadable(call: ToolCall) -> ToolResult | None:
    """Return what to tell the model of arguments that are no JSON object."""
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError) as error:
        problem = f"The arguments of {call.name} are not JSON ({error})."
    else:
        if isinstance(arguments, Mapping):
            return None
        problem = f"The arguments of {call.name} are not a JSON object."
    text = f"{problem} Nothing was done. Call it again with one JSON object as its schema says."
    return ToolResult(call.call_id, text, "error", tainted=False)


def _canonical(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments


def _sendable(calls: Sequence[Call]) -> tuple[Call, ...]:
    """Return calls as every server takes them back: some refuse arguments that are no JSON."""
    sendable = []
    for call in calls:
        try:
            fine = isinstance(json.loads(call.arguments or "{}"), dict)
        except (ValueError, RecursionError):
            fine = False
        arguments = (call.arguments or "{}") if fine else json.dumps({"unreadable": call.arguments})
        name = str(to_shared(call.name))  # of half a character no server can be told
        sendable.append(replace(call, name=name, arguments=str(to_shared(arguments))))
    return tuple(sendable)
