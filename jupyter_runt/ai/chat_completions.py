"""Models behind the Chat Completions API, which nearly every server speaks."""

from base64 import b64encode
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final

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

_FINISH: Final[dict[str, Finish]] = {"length": "length", "content_filter": "filter"}


class ChatCompletions(Endpoint):
    """A `Conversation` over Chat Completions."""

    async def say(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> AsyncGenerator[Delta | Said]:
        """See `Conversation`."""
        asked = self.client.chat.completions.with_streaming_response.create(
            model=self.model,
            messages=wire_messages(messages),
            stream=True,
            stream_options={"include_usage": True},
            **({"tools": [_wire_tool(tool) for tool in tools]} if tools else {}),
        )
        heard = _Heard(self.provider)
        begun = False
        try:
            async with aclosing(events(asked, self.patience, self.provider)) as chunks:
                async for chunk in chunks:
                    begun = True
                    if text := heard.hear(chunk):
                        yield Delta(text)
        except Exception as error:  # noqa: BLE001  (some versions let their transport's through)
            raise failure(error, self.provider, self.secrets, begun=begun) from None
        yield heard.said()


class _Heard:
    """What came of an answer so far."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._text: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._places: dict[int, dict[str, Any]] = {}
        self._finish: str | None = None
        self._counted: tuple[Any, Any] | None = None

    def hear(self, chunk: dict[str, Any]) -> str:
        """Take in a chunk, and return what it adds to the text."""
        if error := chunk.get("error"):
            raise ProviderFailure(f"{self._provider} failed: {message_of(error)}")
        if isinstance(usage := chunk.get("usage"), dict):
            self._counted = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
        text = ""
        for choice in chunk.get("choices") or ():
            if choice.get("index"):
                continue  # another answer than the one that was asked for
            self._finish = choice.get("finish_reason") or self._finish
            delta = choice.get("delta") or choice.get("message") or {}
            text += _text(delta.get("content")) or delta.get("refusal") or ""
            for part in delta.get("tool_calls") or ():
                self._hear_call(part)
        self._text.append(text)
        return text

    def _hear_call(self, part: dict[str, Any]) -> None:
        index, call_id = part.get("index"), str(part.get("id") or "")
        place = len(self._calls) if index is None else index
        call = self._places.get(place)
        # Some servers number every call 0.
        if call is None or (call_id and call["id"] and call_id != call["id"]):
            call = {"id": "", "name": "", "arguments": ""}
            self._places[place] = call
            self._calls.append(call)
        function = part.get("function") or {}
        call["id"] = call["id"] or call_id
        call["name"] += function.get("name") or ""
        call["arguments"] += arguments_of(function.get("arguments") or "")

    def said(self) -> Said:
        """Return the whole; raises ProviderFailure where it has no end."""
        if self._finish is None:
            raise ProviderFailure(
                f"{self._provider} ended its answer without saying that it was complete."
            )
        calls = tuple(
            Call(call["id"] or f"call_{number}", call["name"], call["arguments"])
            for number, call in enumerate(self._calls)
        )
        message = Assistant("".join(self._text), calls)
        usage = None if self._counted is None else usage_of(*self._counted)
        return Said(message, _FINISH.get(str(self._finish), "stop"), usage)


def _text(content: Any) -> str:
    """Return the text of a content; some servers send it in parts, thoughts among them."""
    if not isinstance(content, list):
        return content or ""
    return "".join(part.get("text") or "" for part in content if part.get("type") == "text")


def wire_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return a conversation as the API has it."""
    wire: list[dict[str, Any]] = []
    pictures: list[dict[str, Any]] = []
    for message in _merged(messages):
        if pictures and not isinstance(message, Returned):
            # A tool message is text; its pictures come after all answers to one message's calls.
            wire.append({"role": "user", "content": pictures})
            pictures = []
        match message:
            case System():
                wire.append({"role": "system", "content": message.text})
            case User():
                wire.append({"role": "user", "content": _content(message.text, message.images)})
            case Assistant():
                wire.append(_wire_assistant(message))
            case Returned():
                answer = {"tool_call_id": message.wire_id, "content": message.text}
                wire.append({"role": "tool", **answer})
                pictures += map(_picture, message.images)
    if pictures:
        wire.append({"role": "user", "content": pictures})
    return wire


def _merged(messages: Sequence[Message]) -> list[Message]:
    """Return messages in which no two of a person follow each other: some templates want that."""
    merged: list[Message] = []
    for message in messages:
        last = merged[-1] if merged else None
        if isinstance(message, User) and isinstance(last, User):
            merged[-1] = User(f"{last.text}\n\n{message.text}", (*last.images, *message.images))
        else:
            merged.append(message)
    return merged


def _wire_assistant(message: Assistant) -> dict[str, Any]:
    calls = [
        {
            "id": call.wire_id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in message.calls
    ]
    said = {"role": "assistant", "content": message.text}
    return {**said, "tool_calls": calls} if calls else said


def _content(text: str, images: Sequence[Image]) -> str | list[dict[str, Any]]:
    if not images:
        return text
    return [{"type": "text", "text": text}, *map(_picture, images)]


def _picture(image: Image) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(image)}}


def data_url(image: Image) -> str:
    """Return an image as a URL that holds it."""
    return f"data:{image.mime_type};base64,{b64encode(image.data).decode()}"


def _wire_tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    }
