import pytest

from jupyter_runt.ai.fake.demo import NOTICE, demo
from jupyter_runt.ai.fake.script import Request
from jupyter_runt.ai.fake.wire import chat_events, response_events

CHAT_TOOL = {"type": "function", "function": {"name": "create_cell"}}
RESPONSES_TOOL = {"type": "function", "name": "create_cell"}
SHOWN = "The notebook above your cell:\n\n[1] code cell, id a:\nx\n\n[2] code cell, id b:\ny"


def asked(question: str, **body: object) -> Request:
    messages = [{"role": "user", "content": f"{SHOWN}\n\n{question}"}]
    return Request("/v1/chat/completions", {}, {"messages": messages, **body})


def test_the_demo_says_what_it_is_and_what_it_was_shown() -> None:
    said = str(demo(asked("Why is the sky blue?")).text)
    assert said.startswith(NOTICE)
    assert "> Why is the sky blue?" in said
    assert "2 cells" in said


@pytest.mark.parametrize("tool", [CHAT_TOOL, RESPONSES_TOOL])
def test_the_demo_makes_a_cell_where_it_may(tool: dict[str, object]) -> None:
    ((name, arguments),) = demo(asked("Draw a plot.", tools=[tool])).calls
    assert name == "create_cell"
    assert "print" in arguments["source"]  # type: ignore[index]
    compile(arguments["source"], "cell", "exec")  # type: ignore[index]
    assert not demo(asked("Draw a plot.")).calls
    assert not demo(asked("Hello", tools=[tool])).calls


@pytest.mark.parametrize("last", [{"role": "tool"}, {"type": "function_call_output"}])
def test_the_demo_ends_once_its_cell_is_there(last: dict[str, object]) -> None:
    request = Request("", {}, {"input": [{"role": "user", "content": "Draw a plot."}, last]})
    reply = demo(request)
    assert not reply.calls
    assert "Undo" in str(reply.text)
    assert list(chat_events(reply, "demo"))
    assert list(response_events(reply, "demo"))
