"""Models behind the Responses API; the conversation is kept by us, never by the provider."""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from typing import Any

from jupyter_runt.ai.chat_completions import data_url
from jupyter_runt.ai.failures import ProviderFailure, failure
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
)
from jupyter_runt.ai.patience import Patience, watched
from jupyter_runt.events.agent import Usage
from jupyter_runt.tools import Image, ToolSpec


class Responses:
    """A `Conversation` over the Responses API; arguments as of `ChatCompletions`."""

    def __init__(
        self,
        client: Any,
        model: str,
        *,
        provider: str,
        secrets: Collection[str] = (),
        patience: Patience | None = None,
    ) -> None:
        self._client = client
        self._model = model
        self._provider = provider
        self._secrets = secrets
        self._patience = patience or Patience()

    async def say(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[Delta | Said]:
        """See `Conversation`."""
        asked = self._client.responses.create(
            model=self._model,
            input=wire_items(messages),
            stream=True,
            store=False,
            include=["reasoning.encrypted_content"],
            **({"tools": [_wire_tool(tool) for tool in tools]} if tools else {}),
        )
        ended: Any = None
        begun = False
        try:
            async with aclosing(watched(asked, self._patience, self._provider)) as events:
                async for event in events:
                    begun = True
                    match event.type:
                        case "response.output_text.delta" | "response.refusal.delta":
                            yield Delta(event.delta)
                        case "response.completed" | "response.incomplete":
                            ended = event.response
                        case "response.failed" | "error":
                            raise ProviderFailure(_why(event, self._provider))
        except Exception as error:  # noqa: BLE001  (some versions let their transport's through)
            raise failure(error, self._provider, self._secrets, begun=begun) from None
        if ended is None:
            raise ProviderFailure(
                f"{self._provider} ended its answer without saying that it was complete."
            )
        yield _said(ended)


def _said(response: Any) -> Said:
    texts: list[str] = []
    calls: list[Call] = []
    opaque: list[dict[str, Any]] = []
    for item in response.output or ():
        match item.type:
            case "message":
                texts += [getattr(part, "text", None) or "" for part in item.content]
            case "function_call":
                calls.append(Call(item.call_id, item.name, item.arguments))
            case "reasoning":
                opaque.append(item.model_dump(mode="json", exclude_none=True))
    usage = response.usage and Usage(
        input_tokens=response.usage.input_tokens, output_tokens=response.usage.output_tokens
    )
    message = Assistant("".join(texts), tuple(calls), tuple(opaque))
    return Said(message, _finish(response), usage)


def _finish(response: Any) -> Finish:
    if response.status != "incomplete":
        return "stop"
    reason = getattr(response.incomplete_details, "reason", None)
    return "filter" if reason == "content_filter" else "length"


def _why(event: Any, provider: str) -> str:
    error = getattr(getattr(event, "response", None), "error", None)
    message = getattr(error, "message", None) or getattr(event, "message", None)
    return f"{provider} failed: {message or 'it gave no reason.'}"


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
