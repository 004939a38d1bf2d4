"""Cells run on the server, and everybody sees it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.ui.lab import Lab, Person, eventually

People = Callable[[str], Person]

NOTE_COMMANDS = """() => {
  window.commands = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (this.url.includes('/commands/socket')) commands.push(data);
    return send.call(this, data);
  };
}"""


@pytest.mark.rule("EX3", "EX10")
def test_either_tab_runs_cells_and_all_tabs_see_their_outputs(
    shared_lab: Lab, regular: People
) -> None:
    shared_lab.write("x = 6 * 7\nx", "x + 1")
    ada, bob = regular("ada").open(), regular("bob").open()
    ada.run(0)
    ada.sees_output(0, "42")
    bob.sees_output(0, "42")
    bob.run(1)
    ada.sees_output(1, "43")
    ada.sees_prompt(1, "[2]:")
    late = regular("late").open()
    late.sees_output(0, "42")
    late.sees_output(1, "43")
    late.look("late-joiner")
    expect(late.page.locator(".jp-Toolbar-kernelName")).to_have_text("Python 3 (ipykernel)")
    eventually(lambda: [cell.execution_count for cell in shared_lab.read().cells[:2]] == [1, 2])


@pytest.mark.rule("EX4")
def test_run_all_is_one_command_whose_cells_run_in_order(shared_lab: Lab, regular: People) -> None:
    shared_lab.write("order = []", *[f"order.append({n})" for n in range(8)], "print(order)")
    ada = regular("ada").open()
    ada.command("notebook:run-all-cells")
    ada.sees_output(9, "[0, 1, 2, 3, 4, 5, 6, 7]")
    requests = shared_lab.events(types="v1.ExecutionRequested")
    assert [event["payload"]["cell_id"] for event in requests] == [f"c{n}" for n in range(10)]
    assert len({event["caused_by"] for event in requests}) == 1


@pytest.mark.rule("EX4")
def test_what_runs_is_what_is_on_the_screen(shared_lab: Lab, regular: People) -> None:
    shared_lab.write("")
    ada = regular("ada").open()
    ada.page.evaluate(NOTE_COMMANDS)
    for n in range(5):
        ada.text(0).click()
        ada.page.keyboard.press("Control+a")
        ada.page.keyboard.insert_text(f"print('take', {n})")
        ada.page.keyboard.press("Control+Enter")
        ada.sees_output(0, f"take {n}")
    assert ada.page.evaluate("commands.length"), "all went as requests"
    assert len(shared_lab.events(types="v1.ExecutionRequested")) == 5


@pytest.mark.slow
@pytest.mark.rule("EX3")
def test_output_is_all_there_after_every_tab_was_closed_in_the_middle(
    lab: Lab, person: People
) -> None:
    lab.write(
        "import time\nfor n in range(40):\n    print('line', n, flush=True)\n    time.sleep(0.1)"
    )
    ada, bob = person("ada").open(), person("bob").open()
    ada.run(0)
    bob.sees_output(0, "line 1")
    ada.close()
    bob.close()
    eventually(lambda: lab.events(types="v1.ExecutionCompleted"))
    ada.open()
    ada.sees_output(0, "line 39")
    ada.sees_prompt(0, "[1]:")
    lines = [f"line {n}" for n in range(40)]
    assert ada.output(0).inner_text().split("\n")[:40] == lines
    ada.look("reopened")


@pytest.mark.slow
@pytest.mark.rule("EX5")
def test_a_failing_cell_cancels_the_rest_of_its_request(lab: Lab, person: People) -> None:
    lab.write("'before'", "1 / 0", "'after'")
    ada, bob = person("ada").open(), person("bob").open()
    ada.command("notebook:run-all-cells")
    bob.sees_output(1, "ZeroDivisionError")
    bob.sees_prompt(2, "[ ]:")
    ada.sees_prompt(2, "[ ]:")
    expect(ada.output(2)).not_to_contain_text("after")
    ada.run(2)
    bob.sees_output(2, "after")
    ada.look("failed")


@pytest.mark.slow
@pytest.mark.rule("EX5")
def test_the_stop_button_interrupts_at_once(lab: Lab, person: People) -> None:
    lab.write("import time\nprint('on', flush=True)\ntime.sleep(60)", "'next'")
    ada, bob = person("ada").open(), person("bob").open()
    ada.run(0)
    bob.sees_output(0, "on")
    bob.sees_prompt(0, "[*]:")
    bob.page.locator(
        "[data-command='notebook:interrupt-kernel'], [data-jp-item-name=interrupt]"
    ).first.click()
    ada.sees_output(0, "KeyboardInterrupt")
    ada.sees_prompt(0, "[1]:")
    ada.run(1)
    bob.sees_output(1, "next")


@pytest.mark.rule("EX10", "EX1")
def test_restarting_forgets_variables_and_cancels_what_waits(
    shared_lab: Lab, regular: People
) -> None:
    shared_lab.write("x = 1", "import time\nprint('on', flush=True)\ntime.sleep(60)", "x")
    ada, bob = regular("ada").open(), regular("bob").open()
    ada.command("notebook:run-all-cells")
    bob.sees_output(1, "on")
    bob.page.locator("[data-jp-item-name=restart]").first.click()
    bob.page.locator(".jp-Dialog .jp-mod-accept").click()
    ada.sees_prompt(2, "[ ]:")
    expect(ada.prompt(1)).not_to_have_text("[*]:")
    ada.run(2)
    bob.sees_output(2, "NameError")
    assert len(shared_lab.get("/api/kernels")) == 1


@pytest.mark.rule("EX10")
def test_restart_and_run_all_runs_everything_again(shared_lab: Lab, regular: People) -> None:
    shared_lab.write("runs = globals().get('runs', 0) + 1\nruns")
    ada, bob = regular("ada").open(), regular("bob").open()
    ada.run(0)
    bob.sees_output(0, "1")
    ada.run(0)
    bob.sees_output(0, "2")
    ada.command("notebook:restart-run-all")
    ada.page.locator(".jp-Dialog .jp-mod-accept").click()
    bob.sees_output(0, "1")
    bob.sees_prompt(0, "[1]:")


@pytest.mark.slow
@pytest.mark.rule("EX1", "EX10")
def test_a_cell_run_after_a_shutdown_starts_one_kernel_for_every_tab(
    lab: Lab, person: People
) -> None:
    lab.write("'alive'")
    ada, bob = person("ada").open(), person("bob").open()
    first = lab.get("/api/kernels")[0]["id"]
    ada.command("kernelmenu:shutdown")
    for one in (ada, bob):
        name = one.page.locator(".jp-Toolbar-kernelName")
        expect(name).to_have_text("No Kernel")
    bob.run(0)
    for one in (ada, bob):
        one.sees_output(0, "alive")
        one.is_connected()
    (kernel,) = lab.get("/api/kernels")
    assert kernel["id"] != first


@pytest.mark.rule("EX5")
def test_anybody_answers_a_prompt_and_it_goes_for_everybody(
    shared_lab: Lab, regular: People
) -> None:
    shared_lab.write("name = input('Who? ')\nprint('hello', name)", "'typing goes on'")
    ada, bob = regular("ada").open(), regular("bob").open()
    ada.run(0)
    prompts = [one.cell(0).locator(".jp-Stdin-input") for one in (ada, bob)]
    for prompt in prompts:
        expect(prompt).to_be_visible()
    bob.look("prompt")
    expect(prompts[0]).to_be_focused()
    expect(prompts[1]).not_to_be_focused()
    prompts[1].fill("bob")
    prompts[1].press("Enter")
    for one, prompt in zip((ada, bob), prompts, strict=True):
        one.sees_output(0, "hello bob")
        expect(prompt).to_have_count(0)
    assert "bob" not in str(shared_lab.events(types="v1.InputReplied"))


@pytest.mark.rule("EX5")
def test_a_password_is_typed_unseen(shared_lab: Lab, regular: People) -> None:
    shared_lab.write("from getpass import getpass\nlen(getpass('Secret: '))")
    ada = regular("ada").open()
    ada.run(0)
    prompt = ada.cell(0).locator(".jp-Stdin-input")
    expect(prompt).to_have_attribute("type", "password")
    prompt.fill("four")
    prompt.press("Enter")
    ada.sees_output(0, "4")


@pytest.mark.slow
@pytest.mark.rule("EX3", "EX10")
def test_an_open_tab_sees_its_cell_go_on_after_the_server_died(lab: Lab, person: People) -> None:
    count = (
        "import time\nfor n in range(300):\n    print('tick', n, flush=True)\n    time.sleep(0.02)"
    )
    lab.write("kept = 41", count, "kept + 1")
    ada = person("ada").open()
    ada.closes_dialogs("Server Connection Error")
    ada.run(0)
    ada.sees_prompt(0, "[1]:")
    ada.run(1)
    ada.sees_output(1, "tick 5")
    lab.kill()
    lab.start()
    ada.sees_output(1, "tick 299")
    ada.sees_prompt(1, "[2]:")
    text = ada.output(1).inner_text()
    assert text.split() == [word for n in range(300) for word in ("tick", str(n))]
    ada.is_connected()
    ada.run(2)
    ada.sees_output(2, "42")
    assert len(lab.get("/api/sessions")) == 1
    ada.look("adopted")
