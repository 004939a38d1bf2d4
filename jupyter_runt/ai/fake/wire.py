"""Replies as the two APIs stream them: one JSON object for each event. Pure."""

from collections.abc import Iterator
from typing import Any

from jupyter_runt.ai.fake.script import Reply

_ERROR = {"error": {"message": "It was scripted.", "type": "server_error"}}


def chat_events(reply: Reply, model: str) -> Iterator[dict[str, Any]]:
    """Yield the chunks of a Chat Completion; the first ones are the pieces of its text."""
    for piece in reply.pieces:
        yield _chunk(model, {"content": piece})
    if reply.fault == "error_event":
        yield _ERROR
    if reply.fault is not None:
        return
    for index, call in enumerate(reply.wire_calls):
        function = {"name": call["name"], "arguments": ""}
        named = {"index": index, "id": call["id"], "type": "function", "function": function}
        yield _chunk(model, {"tool_calls": [named]})
        for half in _halves(call["arguments"]):
            part = {"index": index, "function": {"arguments": half}}
            yield _chunk(model, {"tool_calls": [part]})
    finish = reply.finish or ("tool_calls" if reply.calls else "stop")
    yield _chunk(model, {}, finish)
    if reply.usage is not None:
        read, wrote = reply.usage
        usage = {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
        yield {**_chunk(model, {}), "choices": [], "usage": usage}


def _chunk(model: str, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def _halves(text: str) -> Iterator[str]:
    yield text[: len(text) // 2]
    yield text[len(text) // 2 :]


def response_events(reply: Reply, model: str) -> Iterator[dict[str, Any]]:
    """Yield the events of a Response."""
    said = ""
    place = {"item_id": "msg", "output_index": 0, "content_index": 0, "logprobs": []}
    for number, piece in enumerate(reply.pieces):
        said += piece
        yield {
            "type": "response.output_text.delta",
            "delta": piece,
            "sequence_number": number,
            **place,
        }
    if reply.fault == "error_event":
        yield {
            "type": "error",
            "message": "It was scripted.",
            "code": "server_error",
            "param": None,
        }
    if reply.fault is not None:
        return
    kind = "response.completed" if reply.finish is None else "response.incomplete"
    yield {"type": kind, "sequence_number": 1000, "response": _response(reply, model, said)}


def _response(reply: Reply, model: str, said: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": said, "annotations": []}
    message = {"id": "msg", "type": "message", "role": "assistant", "status": "completed"}
    calls = [
        {
            "type": "function_call",
            "id": f"fc_{call['id']}",
            "call_id": call["id"],
            "name": call["name"],
            "arguments": call["arguments"],
            "status": "completed",
        }
        for call in reply.wire_calls
    ]
    reasons = {"length": "max_output_tokens"}
    incomplete = reply.finish and {"reason": reasons.get(reply.finish, reply.finish)}
    return {
        "id": "resp-scripted",
        "object": "response",
        "created_at": 0,
        "model": model,
        "status": "incomplete" if incomplete else "completed",
        "incomplete_details": incomplete or None,
        "output": [*([{**message, "content": [part]}] if said else []), *calls],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": _usage(reply),
    }


def _usage(reply: Reply) -> dict[str, Any] | None:
    if reply.usage is None:
        return None
    read, wrote = reply.usage
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": wrote,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + wrote,
    }
