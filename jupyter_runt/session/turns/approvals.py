"""Calls of tools that wait for a person, and how that person decides (AG2).

What is decided about stays in the server's memory until then. The nonce leaves it only towards who
asked for the turn; a server that ends takes what waits with it.
"""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from jupyter_runt.ai.toolbox import Proposal, Ruling
from jupyter_runt.commands import DecideApproval, RevokeApprovals
from jupyter_runt.document.materialize import RuntimeState
from jupyter_runt.errors import (
    ApprovalNotFound,
    Conflict,
    InvalidCommand,
    NotAuthorized,
    StaleRevision,
)
from jupyter_runt.events.approvals import (
    Always,
    ApprovalDecided,
    ApprovalRequested,
    ApprovalRevoked,
    Settlement,
)
from jupyter_runt.events.base import Draft, Event
from jupyter_runt.ids import ActorId, CellId, TurnId, agent_actor
from jupyter_runt.session.capabilities import Requester, needed
from jupyter_runt.session.turns.cell_authors import CellAuthors
from jupyter_runt.session.writer import Writer
from jupyter_runt.storage.clock import spelled
from jupyter_runt.tools import Effect

REMEMBERED: Final = 1000
"""Decided calls of which it is still known that they were decided."""

NOT_THAT_CODE: Final = (
    "A cell was edited between the request and the decision, so nothing was done. Read it again,"
    " and call again if it is still right: the person is then shown how it reads now."
)

TOO_LATE: Final = "Nobody decided in time, so it was not done."

Revisions = Callable[[Sequence[CellId]], Awaitable[Mapping[CellId, str]]]
"""Returns the revisions of the cells that are there."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The turn that a call is of, and who asked for it."""

    turn_id: TurnId
    cell_id: CellId
    requester: Requester


@dataclass(slots=True)
class _Waiting:
    asking: Asking
    proposal: Proposal
    arguments_hash: str
    expires_at: datetime
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    ruling: asyncio.Future[Ruling] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    requested_at: str | None = None
    """None until the log has it."""

    def to_json(self, nonce: str | None) -> dict[str, Any]:
        """Return CONTRACT's JSON."""
        proposal = self.proposal
        described: dict[str, Any] = {
            "call_id": proposal.call_id,
            "turn_id": self.asking.turn_id,
            "cell_id": self.asking.cell_id,
            "tool": proposal.tool,
            "effect": proposal.effect,
            "arguments": dict(proposal.arguments),
            "preview": proposal.preview.text,
            "arguments_hash": self.arguments_hash,
            "nonce": nonce,
            "requested_by": self.asking.requester.actor,
            "requested_at": self.requested_at,
            "expires_at": spelled(self.expires_at),
            "always": not proposal.tainted,
        }
        if proposal.choices is not None:
            described["choices"] = list(proposal.choices)
        return described


class Approvals:
    """The calls of a notebook's turns that wait, and what people always allow.

    What somebody always allows holds for them, in this notebook, until they revoke it: the log
    says so, and no file.

    Args:
        revisions: of the cells whose code a person is shown.
        seconds: how long a call waits.
    """

    def __init__(self, writer: Writer, revisions: Revisions, seconds: float) -> None:
        self._writer = writer
        self._revisions = revisions
        self._seconds = seconds
        self._waiting: dict[str, _Waiting] = {}
        self._decided: deque[str] = deque(maxlen=REMEMBERED)
        self.authors = CellAuthors(writer.notebook_id)
        """Of what a turn may read without losing what is always allowed."""

    async def listed(self, requester: Requester) -> list[dict[str, Any]]:
        """Return the calls that wait, with the nonces of those that `requester` may decide."""
        return [
            each.to_json(each.nonce if await _may_decide(each, requester) else None)
            for each in list(self._waiting.values())
            if each.requested_at is not None
        ]

    def granted(self, actor: ActorId, tool: str, effect: Effect, fingerprint: str) -> bool:
        """Tell whether somebody always allows such calls."""
        wanted = (actor, tool, effect, fingerprint)
        return any(
            (each.by, each.tool, each.effect, each.fingerprint) == wanted
            for each in self._writer.state.grants
        )

    def always(self, actor: ActorId) -> list[dict[str, Any]]:
        """Return what somebody always allows."""
        return [
            {"tool": each.tool, "effect": each.effect, "since": each.since}
            for each in self._writer.state.grants
            if each.by == actor
        ]

    async def wait(self, asking: Asking, proposal: Proposal) -> Ruling:
        """Wait for a decision; cancelling takes the call back.

        Raises:
            Conflict: the same call waits already.
            StoreUnavailable: it cannot be asked about.
        """
        call_id = proposal.call_id
        if call_id in self._waiting:
            raise Conflict("That call waits already.")
        expires_at = datetime.now(UTC) + timedelta(seconds=self._seconds)
        waiting = _Waiting(asking, proposal, hash_of(asking, proposal), expires_at)
        self._waiting[call_id] = waiting
        try:
            await self._request(waiting)
            async with asyncio.timeout(self._seconds):
                return await waiting.ruling
        except TimeoutError:
            if self._waiting.pop(call_id, None) is not waiting:
                return await waiting.ruling  # it is being recorded at this moment
            await self._record(waiting, "expired", None, None, f"turn:{asking.turn_id}")
            return Ruling(allowed=False, reason=TOO_LATE)
        finally:
            if self._waiting.get(call_id) is waiting:
                del self._waiting[call_id]

    async def _request(self, waiting: _Waiting) -> None:
        asking, proposal = waiting.asking, waiting.proposal
        payload = ApprovalRequested(
            call_id=proposal.call_id,
            turn_id=asking.turn_id,
            cell_id=asking.cell_id,
            tool=proposal.tool,
            effect=proposal.effect,
            arguments_hash=waiting.arguments_hash,
            requested_by=asking.requester.actor,
            expires_at=spelled(waiting.expires_at),
        )
        draft = Draft(payload, agent_actor(asking.turn_id), f"turn:{asking.turn_id}")
        (event,) = await self._writer.append(draft)
        waiting.requested_at = event.recorded_at

    async def perform(
        self, command: DecideApproval | RevokeApprovals, requester: Requester, cause: str
    ) -> list[Event]:
        """Do what a command says; raises as `decide`."""
        if isinstance(command, DecideApproval):
            return await self.decide(command, requester, cause)
        return await self._revoke(command.tools, requester.actor, cause)

    async def _revoke(self, tools: Sequence[str] | None, actor: ActorId, cause: str) -> list[Event]:
        async def drafts(state: RuntimeState) -> list[Draft]:
            return [
                Draft(ApprovalRevoked(by=actor, tool=each.tool), actor, cause)
                for each in state.grants
                if each.by == actor and (tools is None or each.tool in tools)
            ]

        return await self._writer.record(drafts)

    async def decide(
        self, command: DecideApproval, requester: Requester, cause: str
    ) -> list[Event]:
        """Decide about a call, once.

        Raises:
            ApprovalNotFound: no such call waits.
            NotAuthorized: it is somebody else's to decide, or this is not how they were asked.
            Conflict: it was decided already, or another call was meant.
            StaleRevision: what was shown is not what would run now; the call is withdrawn.
        """
        waiting = self._meant(command, requester)
        if command.decision != "deny":
            await self._check(waiting, command, requester, cause)
        if self._waiting.get(command.call_id) is not waiting:
            raise Conflict("It was decided already.", call_id=command.call_id)
        del self._waiting[command.call_id]  # nobody else decides while it is recorded
        proposal, decision = waiting.proposal, command.decision
        if decision == "always" and proposal.tainted:
            decision = "once"
        try:
            events = await self._record(waiting, decision, command.reason, requester.actor, cause)
        except BaseException:
            if datetime.now(UTC) < waiting.expires_at:
                self._waiting[command.call_id] = waiting
            else:
                self._rule(waiting, Ruling(allowed=False, reason=TOO_LATE))
            raise
        self._rule(waiting, _ruling(command))
        return events

    def _meant(self, command: DecideApproval, requester: Requester) -> _Waiting:
        """Return the call that a decision is about, if it fits in every respect."""
        call_id = command.call_id
        waiting = self._waiting.get(call_id)
        if waiting is None and call_id in self._decided:
            raise Conflict("It was decided already.", call_id=call_id)
        if waiting is None or waiting.requested_at is None:
            raise ApprovalNotFound(f"No call {call_id} waits for a decision.", call_id=call_id)
        if requester.actor != waiting.asking.requester.actor:
            raise NotAuthorized("Only who asked for this answer decides what it may do.")
        if not secrets.compare_digest(command.nonce.encode(), waiting.nonce.encode()):
            raise NotAuthorized("That is not the nonce of this call.")
        if command.arguments_hash != waiting.arguments_hash:
            raise Conflict("That is another call than the one that was shown.", call_id=call_id)
        if datetime.now(UTC) >= waiting.expires_at:
            raise Conflict("It waits no more: its time is over.", call_id=call_id)
        return waiting

    async def _check(
        self, waiting: _Waiting, command: DecideApproval, requester: Requester, cause: str
    ) -> None:
        """Raise if a call may not be allowed by `requester`, or is not any more what was shown."""
        proposal = waiting.proposal
        if proposal.choices is not None and not command.answer:
            raise InvalidCommand(
                "A question wants an answer.",
                errors=[{"field": "answer", "message": "is missing"}],
            )
        if not await requester.allows(needed(proposal.effect)):
            raise NotAuthorized(f"You may not {proposal.effect} here, so nobody may for you.")
        shown = proposal.preview.revisions
        if not shown or dict(shown) == dict(await self._revisions(tuple(shown))):
            return
        if self._waiting.pop(command.call_id, None) is waiting:
            try:
                await self._record(waiting, "withdrawn", NOT_THAT_CODE, None, cause)
            finally:
                self._rule(waiting, Ruling(allowed=False, reason=NOT_THAT_CODE))
        raise StaleRevision("The code is not the one that was shown: the AI was told to ask anew.")

    def _rule(self, waiting: _Waiting, ruling: Ruling) -> None:
        self._decided.append(waiting.proposal.call_id)
        if not waiting.ruling.done():
            waiting.ruling.set_result(ruling)

    async def _record(
        self,
        waiting: _Waiting,
        decision: Settlement,
        reason: str | None,
        by: ActorId | None,
        cause: str,
    ) -> list[Event]:
        asking, proposal = waiting.asking, waiting.proposal
        granted = Always(
            tool=proposal.tool, effect=proposal.effect, fingerprint=proposal.fingerprint
        )
        payload = ApprovalDecided(
            call_id=proposal.call_id,
            turn_id=asking.turn_id,
            decision=decision,
            by=by,
            reason=reason,
            always=granted if decision == "always" else None,
        )
        return await self._writer.append(Draft(payload, by or agent_actor(asking.turn_id), cause))


def _ruling(command: DecideApproval) -> Ruling:
    if command.decision != "deny":
        return Ruling(allowed=True, answer=command.answer)
    because = f' They say: "{command.reason}".' if command.reason else ""
    return Ruling(
        allowed=False,
        reason=f"The person does not allow that.{because} Do not try it in another way.",
    )


async def _may_decide(waiting: _Waiting, requester: Requester) -> bool:
    if requester.actor != waiting.asking.requester.actor:
        return False
    return await requester.allows(needed(waiting.proposal.effect))


def hash_of(asking: Asking, proposal: Proposal) -> str:
    """Return the SHA-256 (hex) of a call and of all that a person is shown of it."""
    decided_about = {
        "turn_id": asking.turn_id,
        "call_id": proposal.call_id,
        "tool": proposal.tool,
        "effect": proposal.effect,
        "arguments": dict(proposal.arguments),
        "preview": proposal.preview.text,
        "revisions": dict(proposal.preview.revisions),
    }
    return sha256(json.dumps(decided_about, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TurnDesk:
    """The `Desk` of one turn."""

    approvals: Approvals
    asking: Asking

    def granted(self, tool: str, effect: Effect, fingerprint: str) -> bool:
        """See `Desk`."""
        return self.approvals.granted(self.asking.requester.actor, tool, effect, fingerprint)

    async def decide(self, proposal: Proposal) -> Ruling:
        """See `Desk`."""
        return await self.approvals.wait(self.asking, proposal)
