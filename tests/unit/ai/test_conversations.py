"""Both APIs over HTTP, with the real client library and a scripted server."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from socket import gaierror
from typing import Any

import openai
import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from jupyter_runt.ai.chat_completions import ChatCompletions
from jupyter_runt.ai.failures import ProviderFailure, failure
from jupyter_runt.ai.fake.script import Reply
from jupyter_runt.ai.fake.server import FakeModel
from jupyter_runt.ai.messages import (
    Assistant,
    Call,
    Conversation,
    Delta,
    Message,
    Returned,
    Said,
    System,
    User,
)
from jupyter_runt.ai.patience import Patience
from jupyter_runt.ai.responses import Responses
from jupyter_runt.events.agent import Usage
from jupyter_runt.tools import Image, ToolSpec

KEY = "sk-secret-of-the-test"
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
TOOL = ToolSpec("look", "Looks.", SCHEMA, "read")
BOTH = pytest.mark.parametrize("api", [ChatCompletions, Responses])

pytestmark = [pytest.mark.asyncio, pytest.mark.rule("AG5")]


@asynccontextmanager
async def model(
    api: Any, *replies: Reply, patience: Patience | None = None
) -> AsyncIterator[tuple[Conversation, FakeModel]]:
    async with FakeModel(replies) as fake:
        client = openai.AsyncOpenAI(api_key=KEY, base_url=fake.url)
        async with client:
            patient = patience or Patience()
            talks = api(client, "scripted", provider="test", secrets=(KEY,), patience=patient)
            assert KEY not in repr(talks)
            yield talks, fake


async def heard(
    conversation: Conversation,
    *messages: Message,
    tools: Sequence[ToolSpec] = (),
) -> tuple[list[str], Said]:
    """Return the pieces of an answer, and the whole."""
    pieces: list[str] = []
    said = None
    async for item in conversation.say(messages or (User("?"),), tools):
        assert said is None, "it comes last"
        if isinstance(item, Delta):
            pieces.append(item.text)
        else:
            said = item
    assert said is not None
    return pieces, said


async def listen(conversation: Conversation, into: list[Delta | Said]) -> None:
    """Add what is heard to a list, as it is heard."""
    async for item in conversation.say([User("?")], ()):
        into.append(item)  # noqa: PERF401  (what came before a failure counts)


@BOTH
async def test_an_answer_comes_in_pieces_and_then_as_a_whole(api: Any) -> None:
    async with model(api, Reply("It is 42.", usage=(3, 4))) as (talks, fake):
        pieces, said = await heard(talks, System("be short"), User("what is x?"))
        assert pieces == ["It ", "is ", "42."]
        assert said.message == Assistant("It is 42.")
        assert (said.finish, said.usage) == ("stop", Usage(input_tokens=3, output_tokens=4))
        (request,) = fake.requests
        assert [each["role"] for each in request.messages] == ["system", "user"]
        assert request.body["model"] == "scripted"
        assert request.headers["Authorization"] == f"Bearer {KEY}"


@BOTH
async def test_calls_of_tools_are_put_together_and_answered(api: Any) -> None:
    calls = [("look", {"at": "a"}), ("look", "not json")]
    async with model(api, Reply("Let me see.", calls=calls), Reply("Done.")) as (talks, fake):
        _, said = await heard(talks, tools=[TOOL])
        wanted = (Call("call_0", "look", '{"at": "a"}'), Call("call_1", "look", "not json"))
        assert said.message == Assistant("Let me see.", wanted)
        image = Image("image/png", b"\x89PNG")
        answers = [Returned("call_0", "an A", (image,)), Returned("call_1", "no JSON")]
        await heard(talks, User("?"), said.message, *answers, tools=[TOOL])
        first, second = fake.requests
        assert "look" in str(first.body["tools"])
        assert "an A" in second.text
        assert "no JSON" in second.text
        assert "data:image/png;base64,iVBORw==" in second.text
        assert second.text.index('"call_0"') < second.text.index("an A")


async def test_answers_to_calls_follow_them_before_anything_else() -> None:
    calls = (Call("1", "look", "{}"), Call("2", "look", "{}"))
    image = Image("image/png", b"x")
    async with model(ChatCompletions, Reply("ok")) as (talks, fake):
        answers = [Returned("1", "a", (image,)), Returned("2", "b")]
        await heard(talks, User("x"), User("y"), Assistant("", calls), *answers)
        roles = [each["role"] for each in fake.requests[0].messages]
        assert roles == ["user", "assistant", "tool", "tool", "user"]
        assert fake.requests[0].messages[0]["content"] == "x\n\ny"


async def test_thoughts_go_back_as_they_came_to_models_that_have_some() -> None:
    thought = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "xyz"}
    said = Assistant("", (Call("1", "look", "{}"),), (thought,))
    async with (
        FakeModel([Reply("ok"), Reply("ok")]) as fake,
        openai.AsyncOpenAI(api_key=KEY, base_url=fake.url) as client,
    ):
        for reasons in (True, False):
            talks = Responses(client, "o9", provider="test", reasons=reasons)
            await heard(talks, User("?"), said, Returned("1", "a"))
    first, second = fake.requests
    assert first.body["include"] == ["reasoning.encrypted_content"]
    assert first.messages[1] == thought
    assert "include" not in second.body


class _Whole(RequestHandler):
    """A server that does not stream, whatever it is asked."""

    def post(self) -> None:
        function = {"name": "look", "arguments": "{}"}
        if self.request.path.endswith("responses"):
            part = {"type": "output_text", "text": "All of it."}
            call = {"type": "function_call", "call_id": "c", **function}
            output = [{"type": "message", "content": [part]}, call]
            self.finish({"object": "response", "status": "completed", "output": output})
        else:
            call = {"id": "c", "type": "function", "function": function}
            message = {"role": "assistant", "content": "All of it.", "tool_calls": [call]}
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
            self.finish({"choices": [choice], "usage": None})


@BOTH
async def test_a_server_that_does_not_stream_is_heard_as_well(api: Any) -> None:
    sockets = bind_sockets(0, "127.0.0.1")
    server = HTTPServer(Application([(r"/v1/.*", _Whole)]))
    server.add_sockets(sockets)
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}/v1"
    async with openai.AsyncOpenAI(api_key=KEY, base_url=url) as client:
        pieces, said = await heard(api(client, "m", provider="test"))
    server.stop()
    await server.close_all_connections()
    assert pieces == ["All of it."]
    assert said.message == Assistant("All of it.", (Call("c", "look", "{}"),))


def chunk(finish: Any = None, usage: Any = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"delta": delta, "finish_reason": finish}], "usage": usage}


def called(arguments: Any, **named: Any) -> dict[str, Any]:
    return chunk(tool_calls=[{**named, "function": {"name": "look", "arguments": arguments}}])


@pytest.mark.parametrize(
    ("sent", "text", "calls", "usage"),
    [
        ([chunk(content="a"), chunk("stop", {"prompt_tokens": "many"})], "a", [], Usage()),
        ([chunk(content="a"), chunk("stop", {"completion_tokens": -1})], "a", [], Usage()),
        ([chunk(content="a"), chunk({"odd": 1}, usage=[7])], "a", [], None),
        (
            [chunk(content=[{"type": "thinking"}, {"type": "text", "text": "a"}]), chunk("stop")],
            "a",
            [],
            None,
        ),
        ([called({"n": 1}, index=0, id=7), chunk("tool_calls")], "", ['{"n": 1}'], None),
        (
            [{"choices": [{"index": 1, "delta": {"content": "another"}}]}, chunk("stop")],
            "",
            [],
            None,
        ),
        (
            [called('{"n":', index="0"), called(" 1}", index="0"), chunk("x")],
            "",
            ['{"n": 1}'],
            None,
        ),
    ],
)
async def test_what_is_odd_about_an_answer_does_not_spoil_it(
    sent: list[dict[str, Any]], text: str, calls: list[str], usage: Usage | None
) -> None:
    said = await said_by(ChatCompletions, *sent)
    assert (said.message.text, said.usage) == (text, usage)
    assert [call.arguments for call in said.message.calls] == calls


async def test_what_is_odd_about_a_response_does_not_spoil_it() -> None:
    call = {"type": "function_call", "call_id": 7, "name": "look", "arguments": {"n": 1}}
    ended = {"status": "completed", "output": [call], "usage": {"input_tokens": None}}
    odd = {"type": "response.output_text.delta", "delta": 5}
    said = await said_by(Responses, odd, {"type": "response.completed", "response": ended})
    assert said.message.calls == (Call("7", "look", '{"n": 1}'),)
    assert said.usage == Usage()


@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete"])
async def test_a_response_that_has_ended_is_not_waited_for(kind: str) -> None:
    closed = asyncio.Event()
    ended = {"status": kind.removeprefix("response."), "output": []}
    async with asyncio.timeout(30):
        said = await said_by(Responses, {"type": kind, "response": ended}, left_open=closed)
        assert said.message == Assistant("")
        await closed.wait()


async def said_by(api: Any, *sent: dict[str, Any], left_open: asyncio.Event | None = None) -> Said:
    """Return what is understood of these events.

    Args:
        left_open: the server waits until the client closes the connection, and sets this.
    """

    class Odd(RequestHandler):
        async def post(self) -> None:
            self.set_header("Content-Type", "text/event-stream")
            self.write("".join(f"data: {json.dumps(each)}\n\n" for each in sent))
            await self.flush()
            if left_open is not None:
                await left_open.wait()

        def on_connection_close(self) -> None:
            if left_open is not None:
                left_open.set()

    server = HTTPServer(Application([(r"/.*", Odd)]))
    (socket,) = bind_sockets(0, "127.0.0.1")
    server.add_sockets([socket])
    url = f"http://127.0.0.1:{socket.getsockname()[1]}/v1"
    try:
        async with openai.AsyncOpenAI(api_key=KEY, base_url=url) as client:
            _, said = await heard(api(client, "m", provider="test"))
    finally:
        server.stop()
        await server.close_all_connections()
    return said


async def test_nothing_is_left_with_a_provider() -> None:
    async with model(Responses, Reply("ok")) as (talks, fake):
        await heard(talks)
        assert fake.requests[0].body["store"] is False
        assert "previous_response_id" not in fake.requests[0].body


@BOTH
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(status=401, message=f"bad key {KEY}"), "does not take the key (401)"),
        (Reply(status=403), "does not allow it (403)"),
        (Reply(status=404), "does not know the model"),
        (Reply(status=400, message="too long"), "refused the request (400): too long"),
        (Reply("half", fault="cut"), "cut in the middle"),
        (Reply("half", fault="no_finish"), "without saying that it was complete"),
        (Reply("half", fault="garbage"), "cannot be read"),
        (Reply("half", fault="error_event"), "It was scripted."),
    ],
)
async def test_a_failure_is_told_in_words_without_the_key(
    api: Any, reply: Reply, words: str
) -> None:
    async with model(api, reply) as (talks, _):
        pieces: list[Delta | Said] = []
        with pytest.raises(ProviderFailure) as failed:
            await listen(talks, pieces)
        assert words in str(failed.value)
        assert KEY not in str(failed.value)
        assert failed.value.__context__ is None or failed.value.__suppress_context__
        assert pieces == ([Delta("half")] if reply.text else [])


@BOTH
@pytest.mark.parametrize(("status", "words"), [(429, "(429)"), (500, "a fault (500)")])
async def test_what_may_pass_is_tried_again(api: Any, status: int, words: str) -> None:
    busy = Reply(status=status, headers={"retry-after-ms": "1"})
    async with model(api, busy, Reply("ok"), busy, busy, busy) as (talks, fake):
        _, said = await heard(talks)
        assert (said.message.text, len(fake.requests)) == ("ok", 2)
        with pytest.raises(ProviderFailure) as failed:
            await heard(talks)
        assert words in str(failed.value)


@BOTH
@pytest.mark.parametrize("silence", ["hold_headers", "hold"])
async def test_silence_has_an_end(api: Any, silence: str) -> None:
    reply = Reply("one two", **{silence: asyncio.Event()})
    patience = Patience(first=9, between=0.05) if silence == "hold" else Patience(0.05, 9)
    async with model(api, reply, patience=patience) as (talks, fake):
        with pytest.raises(ProviderFailure, match=r"was silent for 0\.05 s"):
            await heard(talks)
        async with asyncio.timeout(20):
            for request in fake.requests:  # a slow machine may have come to none
                await request.closed.wait()


@BOTH
@pytest.mark.parametrize("moment", ["before", "within"])
async def test_cancelling_closes_the_connection(api: Any, moment: str) -> None:
    held = asyncio.Event()
    reply = Reply("a b", hold_headers=held) if moment == "before" else Reply("a b", hold=held)
    async with model(api, reply) as (talks, fake):
        pieces: list[Delta | Said] = []
        listening = asyncio.create_task(listen(talks, pieces))
        async with asyncio.timeout(20):
            while not (pieces if moment == "within" else fake.requests):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            listening.cancel()
            await fake.requests[0].closed.wait()
        with pytest.raises(asyncio.CancelledError):
            await listening


@BOTH
async def test_a_megabyte_is_no_trouble(api: Any) -> None:
    pieces = ["x" * 10_000] * 100
    async with model(api, Reply(pieces)) as (talks, _):
        _, said = await heard(talks)
        assert said.message.text == "x" * 1_000_000


@BOTH
@pytest.mark.parametrize(
    ("finish", "expected"), [("length", "length"), ("content_filter", "filter")]
)
async def test_an_answer_that_was_cut_says_so(api: Any, finish: str, expected: str) -> None:
    async with model(api, Reply("half", finish=finish)) as (talks, _):
        assert (await heard(talks))[1].finish == expected


async def test_a_server_that_nobody_reaches_is_told() -> None:
    async with FakeModel([]) as fake:
        url = fake.url
    async with openai.AsyncOpenAI(api_key=KEY, base_url=url, max_retries=0) as client:
        with pytest.raises(ProviderFailure, match="test cannot be reached"):
            await heard(ChatCompletions(client, "m", provider="test"))
    unknown_name = failure(gaierror(-2, "Name or service not known"), "test", (), begun=False)
    assert str(unknown_name) == "test cannot be reached."
