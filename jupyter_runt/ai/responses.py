"""Models behind the Responses API; the conversation is kept by us, never by the provider."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from jupyter_runt.ai.chat_completions import data_url
from jupyter_runt.ai.endpoint import Endpoint
from jupyter_runt.ai.failures import ProviderFailure, failure, message_of
from jupyter_runt.ai.messages import (
    Assistant,
    Call,
    Delta,
    Finish,
    Message,
    Returned,
    Said,
    System,
    User,
    arguments_of,
    usage_of,
)
from jupyter_runt.ai.patience import events
from jupyter_runt.tools import Image, ToolSpec


@dataclass(frozen=True)
class Responses(Endpoint):
    """A `Conversation` over the Responses API.

    Args:
        reasons: whether the model has thoughts, which it wants back; others refuse to be asked.
    """

    reasons: bool = field(default=False, kw_only=True)

    async def say(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[Delta | Said]:
        """See `Conversation`."""
        asked = self.client.responses.with_streaming_response.create(
            model=self.model,
            input=wire_items(messages),
            stream=True,
            store=False,
            **({"include": ["reasoning.encrypted_content"]} if self.reasons else {}),
            **({"tools": [_wire_tool(tool) for tool in tools]} if tools else {}),
        )
        ended: dict[str, Any] | None = None
        begun = False
        try:
            async with aclosing(events(asked, self.patience, self.provider)) as stream:
                async for event in stream:
                    begun = True
                    match event.get("type"):
                        case "response.output_text.delta" | "response.refusal.delta":
                            yield Delta(str(event["delta"]))
                        case "response.completed" | "response.incomplete":
                            ended = event["response"]
                            break  # some servers leave the connection open
                        case "response.failed":
                            raise self._failed((event.get("response") or {}).get("error"))
                        case "error":
                            raise self._failed(event)
                        case None if event.get("object") == "response":  # it does not stream
                            ended = event
                            yield Delta(_said(event).message.text)
            said = None if ended is None else _said(ended)
        except Exception as error:  # noqa: BLE001  (some versions let their transport's through)
            raise failure(error, self.provider, self.secrets, begun=begun) from None
        if said is None:
            raise ProviderFailure(
                f"{self.provider} ended its answer without saying that it was complete."
            )
        yield said

    def _failed(self, error: Any) -> ProviderFailure:
        return ProviderFailure(f"{self.provider} failed: {message_of(error)}")


def _said(response: dict[str, Any]) -> Said:
    texts: list[str] = []
    calls: list[Call] = []
    opaque: list[dict[str, Any]] = []
    for item in response.get("output") or ():
        match item.get("type"):
            case "message":
                texts += [part.get("text") or "" for part in item.get("content") or ()]
            case "function_call":
                arguments = arguments_of(item["arguments"])
                calls.append(Call(str(item["call_id"]), str(item["name"]), arguments))
            case "reasoning" if item.get("encrypted_content"):
                opaque.append(item)  # without it, it would be looked for at the provider
    counted = response.get("usage")
    usage = None
    if isinstance(counted, dict):
        usage = usage_of(counted.get("input_tokens"), counted.get("output_tokens"))
    message = Assistant("".join(texts), tuple(calls), tuple(opaque))
    return Said(message, _finish(response), usage)


def _finish(response: dict[str, Any]) -> Finish:
    if response.get("status") != "incomplete":
        return "stop"
    reason = (response.get("incomplete_details") or {}).get("reason")
    return "filter" if reason == "content_filter" else "length"


def wire_items(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return a conversation as the API has it."""
    items: list[dict[str, Any]] = []
    for message in messages:
        match message:
            case System():
                items.append({"role": "system", "content": message.text})
            case User():
                items.append({"role": "user", "content": _content(message.text, message.images)})
            case Assistant():
                items += message.opaque
                if message.text:
                    items.append({"role": "assistant", "content": message.text})
                items += [
                    {
                        "type": "function_call",
                        "call_id": call.wire_id,
                        "name": call.name,
                        "arguments": call.arguments,
                    }
                    for call in message.calls
                ]
            case Returned():
                answer = {"call_id": message.wire_id, "output": message.text}
                items.append({"type": "function_call_output", **answer})
                if message.images:
                    items.append({"role": "user", "content": _content("", message.images)})
    return items


def _content(text: str, images: Sequence[Image]) -> str | list[dict[str, Any]]:
    if not images:
        return text
    pictures = [{"type": "input_image", "image_url": data_url(image)} for image in images]
    return [*([{"type": "input_text", "text": text}] if text else []), *pictures]


def _wire_tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": False,
    }
