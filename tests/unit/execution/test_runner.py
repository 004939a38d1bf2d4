import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from jupyter_runt.errors import FileUnreadable, StaleFence
from jupyter_runt.events.base import Draft
from jupyter_runt.events.execution import (
    ExecutionAssigned,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionStarted,
)
from jupyter_runt.events.outputs import InputRequested
from jupyter_runt.execution import attachment
from jupyter_runt.execution.attachment import FLUSH_CHARS, Running
from jupyter_runt.execution.outputs import (
    AppendOutputs,
    FinishCell,
    GrowStream,
    OutputEdit,
    StartCell,
)
from jupyter_runt.execution.queue import QueueView, RuntimeSession
from jupyter_runt.execution.runner import Decide, Runner
from jupyter_runt.ids import CellId, ExecutionId, RuntimeSessionId
from jupyter_runt.protocols import KernelMessage

RUNTIME = RuntimeSession(RuntimeSessionId("r1"), 7)


@dataclass(frozen=True)
class Execution:
    cell_id: CellId
    source: str
    status: str = "requested"
    stop_on_error: bool = True


@dataclass
class Notebook:
    """The session's side: a queue, and everything that happened, in order."""

    queue: list[ExecutionId] = field(default_factory=list)
    executions: dict[ExecutionId, Execution] = field(default_factory=dict)
    history: list[Any] = field(default_factory=list)
    next_inputs: list[tuple[CellId, str, bool]] = field(default_factory=list)
    stale: bool = False
    closed: bool = False
    transactions: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def request(self, *names: str) -> None:
        for name in names:
            self.queue.append(ExecutionId(name))
            self.executions[ExecutionId(name)] = Execution(CellId(f"cell-{name}"), f"source {name}")

    async def record(self, decide: Decide) -> None:
        view: QueueView = self
        drafts = decide(view)
        await asyncio.sleep(0)
        if self.stale:
            raise StaleFence("somebody else owns it")
        for draft in drafts:
            self._apply(draft)
        self.changed.set()

    def _apply(self, draft: Draft) -> None:
        payload = draft.payload
        self.history.append(payload)
        match payload:
            case ExecutionStarted(execution_id=e):
                self.executions[e] = replace(self.executions[e], status="running")
            case InputRequested(execution_id=e):
                self.executions[e] = replace(self.executions[e], status="waiting_input")
            case ExecutionCompleted(execution_id=e) | ExecutionCancelled(execution_id=e):
                self.queue.remove(e)
            case _:
                pass

    async def apply_outputs(
        self, execution_id: ExecutionId, edits: Sequence[OutputEdit], position: int | None = None
    ) -> None:
        await asyncio.sleep(0)
        if self.closed:
            raise FileUnreadable("the file is gone")
        self.history.extend(edits)
        self.transactions += 1
        self.changed.set()

    async def set_next_input(
        self, running: Running, text: str, *, replace: bool, position: int | None = None
    ) -> None:
        self.next_inputs.append((running.cell_id, text, replace))

    def seen(self, *kinds: type) -> list[Any]:
        return [item for item in self.history if isinstance(item, kinds)]

    def ends(self) -> dict[str, str]:
        completed = {e.execution_id: e.status for e in self.seen(ExecutionCompleted)}
        return completed | {e.execution_id: "cancelled" for e in self.seen(ExecutionCancelled)}


class Kernel:
    """A kernel that says what the test wants."""

    def __init__(self, changed: asyncio.Event) -> None:
        self.changed = changed
        self.sent: list[tuple[str, str]] = []
        self.replies: list[str] = []
        self.retired: list[int] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.left: dict[str, Any] = {}
        self._listener: Callable[[Sequence[KernelMessage]], None] = list

    def listen(self, listener: Callable[[Sequence[KernelMessage]], None]) -> None:
        self._listener = listener

    async def ready(self) -> None:
        return None

    def execute(self, msg_id: str, code: str, *, metadata: dict[str, Any] | None = None) -> None:
        self.sent.append((msg_id, code))
        self.changed.set()

    def tell_comm(self, comm_id: str, data: dict[str, Any]) -> None:
        self.told.append((comm_id, data))
        self.changed.set()

    def reply_input(self, value: str) -> None:
        self.replies.append(value)

    def note(self, note: dict[str, Any]) -> None:
        self.left |= note

    def retire(self, position: int) -> None:
        self.retired.append(position)

    def says(self, *messages: KernelMessage) -> None:
        self._listener(messages)

    def finishes(self, name: str, status: str = "ok", **reply: Any) -> None:
        self.says(idle(name), replied(name, status, **reply))


def iopub(parent: str, msg_type: str, /, **content: Any) -> KernelMessage:
    return KernelMessage("iopub", msg_type, parent, content, {})


def text(name: str, value: str) -> KernelMessage:
    return iopub(name, "stream", name="stdout", text=value)


def idle(name: str) -> KernelMessage:
    return iopub(name, "status", execution_state="idle")


def replied(name: str, status: str = "ok", **content: Any) -> KernelMessage:
    return KernelMessage(
        "shell", "execute_reply", name, {"status": status, "execution_count": 1, **content}, {}
    )


@dataclass
class Stage:
    notebook: Notebook
    kernel: Kernel
    runner: Runner

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                await self.notebook.changed.wait()
                self.notebook.changed.clear()

    async def settle(self) -> None:
        """Let the runner do all that it can do at once."""
        for _ in range(20):
            await asyncio.sleep(0)


@asynccontextmanager
async def stage(*requests: str) -> AsyncIterator[Stage]:
    notebook = Notebook()
    notebook.request(*requests)
    kernel, runner = Kernel(notebook.changed), Runner(notebook)
    task = asyncio.create_task(runner.run())
    runner.attach(RUNTIME, kernel)
    on_stage = Stage(notebook, kernel, runner)
    await on_stage.until(lambda: len(kernel.sent) == min(len(requests), 1))
    yield on_stage
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.asyncio
async def test_a_request_is_recorded_as_started_before_the_kernel_gets_it() -> None:
    async with stage("a") as s:
        assert s.kernel.sent == [("a", "source a")]
        assert [type(e) for e in s.notebook.history[:2]] == [ExecutionAssigned, ExecutionStarted]


@pytest.mark.asyncio
async def test_a_cell_that_runs_and_says_nothing_is_shown_as_running() -> None:
    async with stage("a") as s:
        await s.until(lambda: s.notebook.seen(StartCell))


@pytest.mark.asyncio
async def test_a_short_cell_is_one_change_of_the_document() -> None:
    async with stage("a") as s:
        s.kernel.says(text("a", "2"), replied("a"), idle("a"))
        await s.until(s.notebook.ends)
        edits = [type(item) for item in s.notebook.history[2:-1]]
        assert edits == [StartCell, AppendOutputs, FinishCell]
        assert s.notebook.transactions == 1


@pytest.mark.asyncio
async def test_that_a_cell_runs_was_shown_delays_no_output(monkeypatch) -> None:
    monkeypatch.setattr(attachment, "FLUSH_SECONDS", 3600.0)
    async with stage("a") as s:
        await s.until(lambda: s.notebook.seen(StartCell))
        s.kernel.says(text("a", "first"))
        await s.until(lambda: s.notebook.seen(AppendOutputs))


@pytest.mark.asyncio
async def test_completed_is_recorded_after_the_last_output_is_in_the_document() -> None:
    async with stage("a") as s:
        s.kernel.says(replied("a", execution_count=4), text("a", "late"), idle("a"))
        await s.until(s.notebook.ends)
        order = [type(item) for item in s.notebook.history[-3:]]
        assert order == [AppendOutputs, FinishCell, ExecutionCompleted]
        assert s.notebook.seen(FinishCell) == [FinishCell(CellId("cell-a"), 4)]


@pytest.mark.asyncio
async def test_the_document_has_the_end_of_a_cell_while_the_kernel_gets_idle() -> None:
    async with stage("a") as s:
        s.kernel.says(text("a", "2"), replied("a", execution_count=4))
        await s.until(lambda: s.notebook.seen(FinishCell))
        assert not s.notebook.ends()
        s.kernel.says(text("a", "late"), idle("a"))
        await s.until(s.notebook.ends)
        ending = [type(item) for item in s.notebook.history[-4:]]
        assert ending == [AppendOutputs, FinishCell, GrowStream, ExecutionCompleted]


@pytest.mark.asyncio
@pytest.mark.rule("EX6")
async def test_what_an_output_widget_caught_is_told_to_the_kernel() -> None:
    async with stage("a") as s:
        model = {"_model_name": "OutputModel", "msg_id": "a"}
        opened = iopub("a", "comm_open", comm_id="w", data={"state": model})
        s.kernel.says(opened, text("a", "hi"))
        await s.until(lambda: s.kernel.told)
        [(comm_id, data)] = s.kernel.told
        assert comm_id == "w"
        assert (data["method"], data["buffer_paths"]) == ("update", [])
        [output] = data["state"]["outputs"]
        assert output["text"] == "hi"
        assert s.notebook.seen(AppendOutputs) == []


@pytest.mark.asyncio
async def test_neither_the_reply_nor_idle_alone_completes() -> None:
    async with stage("a") as s:
        s.kernel.says(idle("a"))
        s.runner.wake()
        await s.settle()
        assert s.notebook.ends() == {}
        s.kernel.says(replied("a"))
        await s.until(s.notebook.ends)


@pytest.mark.asyncio
async def test_executions_run_one_after_the_other() -> None:
    async with stage("a", "b") as s:
        assert len(s.kernel.sent) == 1
        s.kernel.finishes("a")
        await s.until(lambda: len(s.kernel.sent) == 2)
        s.kernel.finishes("b")
        await s.until(lambda: len(s.notebook.ends()) == 2)
        assert [name for name, _ in s.kernel.sent] == ["a", "b"]


@pytest.mark.asyncio
async def test_an_error_cancels_what_waits() -> None:
    async with stage("a", "b") as s:
        s.kernel.finishes("a", "error", ename="E", evalue="v", traceback=["t"])
        await s.until(lambda: len(s.notebook.ends()) == 2)
        assert s.notebook.ends() == {"a": "error", "b": "cancelled"}
        [completed] = s.notebook.seen(ExecutionCompleted)
        assert (completed.error.ename, completed.error.evalue) == ("E", "v")


@pytest.mark.asyncio
async def test_a_request_that_the_kernel_did_not_run_is_cancelled() -> None:
    async with stage("a") as s:
        s.kernel.finishes("a", "aborted")
        await s.until(s.notebook.ends)
        assert s.notebook.ends() == {"a": "cancelled"}


@pytest.mark.asyncio
async def test_a_request_that_comes_later_runs_when_the_runner_is_woken() -> None:
    async with stage() as s:
        s.notebook.request("a")
        s.runner.wake()
        await s.until(lambda: s.kernel.sent)


@pytest.mark.asyncio
async def test_the_first_output_is_shown_at_once_and_the_rest_is_collected() -> None:
    async with stage("a") as s:
        s.kernel.says(text("a", "0"))
        await s.until(lambda: s.notebook.seen(AppendOutputs))
        for number in range(50):
            s.kernel.says(text("a", str(number % 10)))
            await asyncio.sleep(0)
        s.kernel.finishes("a")
        await s.until(s.notebook.ends)
        grown = s.notebook.seen(GrowStream)
        assert len(grown) <= 5
        assert "".join(edit.text for edit in grown) == "0123456789" * 5


@pytest.mark.asyncio
async def test_much_text_is_shown_before_its_time() -> None:
    async with stage("a") as s:
        s.kernel.says(text("a", "0"))
        await s.until(lambda: s.notebook.seen(AppendOutputs))
        s.kernel.says(text("a", "x" * FLUSH_CHARS))
        await s.settle()
        assert s.notebook.seen(GrowStream)


@pytest.mark.asyncio
async def test_a_kernel_that_dies_loses_what_runs_and_says_why() -> None:
    async with stage("a", "b") as s:
        s.kernel.says(text("a", "before"))
        await s.runner.detach("killed (SIGKILL)", "lost")
        assert s.notebook.ends() == {"a": "lost", "b": "cancelled"}
        shown = s.notebook.seen(AppendOutputs)
        stream, error = (output for edit in shown for output in edit.outputs)
        assert stream["text"] == "before"
        assert error["evalue"] == "killed (SIGKILL)"
        assert s.notebook.history.index(shown[-1]) < s.notebook.history.index(
            s.notebook.seen(ExecutionCompleted)[0]
        )


@pytest.mark.asyncio
async def test_after_a_restart_what_was_kept_runs_and_old_messages_are_ignored() -> None:
    async with stage("a", "b") as s:
        old = s.kernel
        await s.runner.detach("restarted", "cancelled", keep_waiting=True)
        assert s.notebook.ends() == {"a": "cancelled"}
        s.kernel = Kernel(s.notebook.changed)
        s.runner.attach(RuntimeSession(RuntimeSessionId("r2"), 8), s.kernel)
        await s.until(lambda: s.kernel.sent == [("b", "source b")])
        old.finishes("b")
        s.kernel.says(text("b", "new"), text("unknown", "?"), idle("unknown"))
        s.kernel.finishes("b")
        await s.until(lambda: len(s.notebook.ends()) == 2)
        [appended] = s.notebook.seen(AppendOutputs)
        assert appended.outputs[0]["text"] == "new"


@pytest.mark.asyncio
async def test_a_prompt_is_recorded_after_what_was_printed_before_it() -> None:
    async with stage("a") as s:
        asked = {"prompt": "Name: ", "password": False}
        s.kernel.says(
            text("a", "Who are you?"), KernelMessage("stdin", "input_request", "a", asked, {})
        )
        await s.until(lambda: s.notebook.seen(InputRequested))
        assert [type(item) for item in s.notebook.history[-2:]] == [AppendOutputs, InputRequested]
        s.runner.reply_input(ExecutionId("other"), "no")
        s.runner.reply_input(ExecutionId("a"), "Ada")
        assert s.kernel.replies == ["Ada"]
        s.kernel.finishes("a")
        await s.until(s.notebook.ends)


@pytest.mark.asyncio
async def test_payloads_reach_the_notebook() -> None:
    async with stage("a") as s:
        payload = [
            {"source": "set_next_input", "text": "x = 1", "replace": True},
            {"source": "page", "data": {"text/plain": "help"}},
        ]
        s.kernel.finishes("a", payload=payload)
        await s.until(s.notebook.ends)
        assert s.notebook.next_inputs == [(CellId("cell-a"), "x = 1", True)]
        [appended] = s.notebook.seen(AppendOutputs)
        assert appended.outputs[0]["data"] == {"text/plain": "help"}


@pytest.mark.asyncio
async def test_a_runner_that_lost_its_right_sends_nothing_and_goes_on() -> None:
    async with stage() as s:
        s.notebook.request("a")
        s.notebook.stale = True
        s.runner.wake()
        await s.settle()
        assert s.kernel.sent == []
        s.notebook.stale = False
        s.runner.attach(RUNTIME, s.kernel)
        await s.until(lambda: s.kernel.sent)


@pytest.mark.asyncio
async def test_a_kernel_that_forgets_to_say_idle_is_done_after_a_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jupyter_runt.execution.attachment.SILENCE_SECONDS", 0.01)
    async with stage("a") as s:
        s.kernel.says(replied("a"))
        await s.until(s.notebook.ends)
        assert s.notebook.ends() == {"a": "ok"}
        assert not s.notebook.seen(AppendOutputs)


@pytest.mark.rule("EX3")
@pytest.mark.asyncio
async def test_a_cell_says_that_output_may_be_missing_where_a_kernel_s_last_word_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage("a", "b") as s:
        s.kernel.finishes("a")
        await s.until(lambda: len(s.kernel.sent) == 2)
        monkeypatch.setattr("jupyter_runt.execution.attachment.SILENCE_SECONDS", 0.01)
        s.kernel.says(text("b", "what arrived"), replied("b"))
        await s.until(lambda: "b" in s.notebook.ends())
        shown = [output for edit in s.notebook.seen(AppendOutputs) for output in edit.outputs]
        assert [output["name"] for output in shown] == ["stdout", "stderr"]
        assert "may be missing" in shown[1]["text"]


@pytest.mark.asyncio
async def test_an_execution_ends_even_if_its_outputs_have_no_place() -> None:
    async with stage("a", "b") as s:
        s.notebook.closed = True
        s.kernel.says(text("a", "lost"))
        s.kernel.finishes("a")
        await s.until(lambda: len(s.kernel.sent) == 2)
        assert s.notebook.ends() == {"a": "ok"}


@pytest.mark.asyncio
async def test_the_journal_is_let_go_of_at_the_end_of_a_run_and_of_much_chatter_between_runs() -> (
    None
):
    async with stage("a") as s:
        s.kernel.says(*(replace(text("a", "x"), position=n) for n in range(1, 2000)))
        await s.settle()
        assert s.kernel.retired == [], "it may have to be told again from its beginning"
        s.kernel.says(replace(idle("a"), position=2000), replace(replied("a"), position=2001))
        await s.until(s.notebook.ends)
        await s.settle()
        assert s.kernel.retired == [2001]
        chatter = [replace(iopub("widget", "comm_msg"), position=n) for n in range(2002, 3002)]
        for number in range(0, 1000, 100):
            s.kernel.says(*chatter[number : number + 100])
            await s.settle()
        assert s.kernel.retired == [2001, 2601]
