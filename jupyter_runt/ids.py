"""Identifiers, as types, and the few places that make them."""

import hashlib
from typing import NewType
from uuid import uuid4

NotebookId = NewType("NotebookId", str)
"""A document in our registry: a notebook or any other text file. It is the key of its event log."""

HistoryId = NewType("HistoryId", str)
"""One Yjs history of a document. A client that holds another one must not merge (RM3)."""

CellId = NewType("CellId", str)
ExecutionId = NewType("ExecutionId", str)
RuntimeSessionId = NewType("RuntimeSessionId", str)
CommandId = NewType("CommandId", str)
TurnId = NewType("TurnId", str)

ActorId = NewType("ActorId", str)
"""Who did it: `user:<name>`, `agent:<turn>`, `runtime:<session>`, `server:<extension>`, `file`."""

Seq = NewType("Seq", int)
"""Position of an event in its document's log; the first is 1 and there are no gaps (EL3)."""

FILE_ACTOR = ActorId("file")


def new_id() -> str:
    """Return a random identifier (UUID 4)."""
    return str(uuid4())


def user_actor(username: str) -> ActorId:
    """Return the actor of an authenticated person."""
    return ActorId(f"user:{username}")


def runtime_actor(session: RuntimeSessionId) -> ActorId:
    """Return the actor of a runtime session: its effects are outputs and execution states."""
    return ActorId(f"runtime:{session}")


def agent_actor(turn: TurnId) -> ActorId:
    """Return the actor of an AI turn: who asked for the turn is in its `v1.TurnStarted`."""
    return ActorId(f"agent:{turn}")


def extension_actor(extension: str) -> ActorId:
    """Return the actor of another extension of the server, by the name of its package."""
    return ActorId(f"server:{extension}")


def is_person(actor: ActorId) -> bool:
    """Tell whether a person, rather than an agent, a runtime or the file, acted (EX9)."""
    return actor.startswith("user:")


def is_runtime(actor: ActorId) -> bool:
    """Tell whether a runtime session acted: its effects are those of the kernel."""
    return actor.startswith("runtime:")


def done_by(what: str, actor: ActorId) -> str:
    """Return a sentence for people that tells who did something, where that can be told."""
    kind, _, name = actor.partition(":")
    if kind == "agent":
        name = "the AI"
    elif kind == "user" and name.startswith("token-"):
        name = "a program"
    # Without accounts, everybody is the same one.
    return f"{what}." if actor == "user:local" else f"{what} by {name}."


def derived_client_id(*parts: str) -> int:
    """Return the Yjs client id that belongs to `parts`: the same on every replay.

    32 bits of SHA-256, like the random ids that Yjs gives to browsers.
    """
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")
