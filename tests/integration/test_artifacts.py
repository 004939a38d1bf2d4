"""Outputs that are too large for a document: kept apart, served, and whole again in the file."""

import base64
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
import pytest_asyncio

from tests import object_store
from tests.integration.peers import tabs
from tests.integration.server import Answer, Notebook, Server, eventually

pytestmark = pytest.mark.asyncio

REFERENCE = "application/vnd.runt.artifact+json"

SHOW = """
import base64, hashlib
from IPython.display import display
content = b"\\x89PNG\\r\\n\\x1a\\n" + hashlib.shake_128(b"{seed}").digest({size})
display({{"image/png": base64.b64encode(content).decode(), "text/plain": "<a picture>"}}, raw=True)
"""


def picture(seed: str, size: int = 50_000) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + hashlib.shake_128(seed.encode()).digest(size)


def show(seed: str, size: int = 50_000) -> str:
    return SHOW.format(seed=seed, size=size)


def reference_in(output: dict[str, Any]) -> dict[str, Any]:
    reference: dict[str, Any] = output["data"][REFERENCE]
    return reference


def image_in(output: dict[str, Any]) -> bytes:
    return base64.b64decode("".join(output["data"]["image/png"]))


async def fetch(notebook: Notebook, sha256: str, method: str = "GET", **headers: str) -> Answer:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await notebook.server.call(method, f"{notebook.url}/artifacts/{sha256}", headers=given)


@pytest_asyncio.fixture
async def notebook(server: Server) -> Notebook:
    """The one notebook of the module, with its kernel; each test adds its cells at the end."""
    path = "pictures.ipynb"
    if not (server.root / path).exists():
        server.write("'top'", path=path)
    return await server.opened(path)


@pytest.mark.rule("AR1", "AR3", "FB1", "EX4")
async def test_a_picture_is_a_reference_in_the_document_and_whole_in_the_file(
    notebook: Notebook,
) -> None:
    content = picture("one")
    execution = await notebook.run_source(show("one"))
    (output,) = execution["outputs"]
    assert reference_in(output) == {
        "sha256": hashlib.sha256(content).hexdigest(),
        "mime": "image/png",
        "size": len(content),
    }
    assert output["data"]["text/plain"] == "<a picture>"
    assert "image/png" not in output["data"]
    answer = await fetch(notebook, reference_in(output)["sha256"])
    assert answer.status == 200
    assert answer.body == content
    assert answer.headers["Content-Type"] == "image/png"
    (saved,) = await notebook.saved_outputs(execution["cell_id"])
    assert image_in(saved) == content
    file = notebook.on_disk()
    nbformat.validate(nbformat.reads(json.dumps(file), as_version=4))
    assert REFERENCE not in json.dumps(file)
    then = await notebook.at(await notebook.seq())
    assert image_in(then["cells"][-1]["outputs"][0]) == content


@pytest.mark.rule("AR3")
async def test_an_artifact_is_served_in_ranges_and_cached_for_ever(notebook: Notebook) -> None:
    content = picture("ranges")
    (output,) = (await notebook.run_source(show("ranges")))["outputs"]
    sha256 = reference_in(output)["sha256"]
    whole = await fetch(notebook, sha256)
    assert "immutable" in whole.headers["Cache-Control"]
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Security-Policy"].startswith("sandbox;")
    assert whole.headers["ETag"] == f'"{sha256}"'
    for known in (whole.headers["ETag"], f'"old", W/{whole.headers["ETag"]}', "*"):
        again = await fetch(notebook, sha256, If_None_Match=known)
        assert (again.status, again.body) == (304, b"")
    head = await fetch(notebook, sha256, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(content))
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=50000-", 50_000, len(content)),
        ("bytes=-5", len(content) - 5, len(content)),
        ("bytes=7-999999999", 7, len(content)),
        ("bytes=0-", 0, len(content)),
        ("bytes=-999999999", 0, len(content)),
        (f"bytes=0-{'9' * 30}", 0, len(content)),
    ):
        part = await fetch(notebook, sha256, Range=asked)
        assert part.status == 206
        assert part.body == content[start:end]
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(content)}"
    for asked in (f"bytes={len(content)}-", f"bytes={'9' * 30}-", "bytes=-0"):
        beyond = await fetch(notebook, sha256, Range=asked)
        assert beyond.status == 416
        assert beyond.headers["Content-Range"] == f"bytes */{len(content)}"
    for ignored in ("bytes=5-2", "bytes=0-1,3-4", "lines=0-1", "bytes=-"):
        assert (await fetch(notebook, sha256, Range=ignored)).status == 200
    stale = await fetch(notebook, sha256, Range="bytes=0-1", If_Range='"another"')
    assert (stale.status, len(stale.body)) == (200, len(content))
    nonsense = await fetch(notebook, sha256, Range=f"bytes={'9' * 5000}-")
    assert (nonsense.status, len(nonsense.body)) == (200, len(content))


@pytest.mark.rule("AR2", "AU1")
async def test_an_artifact_is_nobody_else_s(notebook: Notebook) -> None:
    (output,) = (await notebook.run_source(show("mine")))["outputs"]
    sha256 = reference_in(output)["sha256"]
    stranger = await notebook.server.call("GET", f"{notebook.url}/artifacts/{sha256}", token=None)
    assert stranger.status == 403
    other = await notebook.server.notebook("'other'")
    for notebook_id, name in ((other.id, sha256), (notebook.id, "0" * 64), ("no-such", sha256)):
        url = f"/api/runt/notebooks/{notebook_id}/artifacts/{name}"
        assert (await notebook.server.call("GET", url)).status == 404
    assert (await fetch(other, sha256)).code == "artifact_not_found"


@pytest.mark.rule("AR3")
async def test_a_page_of_html_or_svg_cannot_script_the_server(notebook: Notebook) -> None:
    source = (
        "from IPython.display import HTML, SVG, display\n"
        "script = '<script>parent.document.title = 1</script>' * 3000\n"
        "display(HTML(script))\n"
        "display({'image/svg+xml': '<svg>' + script + '</svg>'}, raw=True)"
    )
    outputs = (await notebook.run_source(source))["outputs"]
    for output, mime in zip(outputs, ("text/html", "image/svg+xml"), strict=True):
        assert reference_in(output)["mime"] == mime
        answer = await fetch(notebook, reference_in(output)["sha256"])
        assert answer.headers["Content-Type"] == f"{mime}; charset=utf-8"
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("sandbox;")
        assert "allow-" not in policy
        assert "script" not in policy


@pytest.mark.rule("FB4", "FB2", "AR1")
async def test_a_file_with_large_outputs_opens_small_and_keeps_every_byte(server: Server) -> None:
    contents = [os.urandom(30_000) for _ in range(3)]
    path = server.write("'a'", "'b'", "'c'", "print()")
    notebook = json.loads((server.root / path).read_bytes())
    for cell, content in zip(notebook["cells"], contents, strict=False):
        image = base64.encodebytes(content).decode()  # with a line break every 76 characters
        data = {"image/png": image, "text/plain": ["<a>\n", "<b>"]}
        cell["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]
    lines = [f"é {number}\n" for number in range(20_000)]
    notebook["cells"][3]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": lines}]
    before = json.dumps(notebook, indent=1).encode() + b"\n"
    (server.root / path).write_bytes(before)
    opened = await server.opened(path)
    first = await server.get(f"{opened.url}/at/1", outputs="references")
    assert len(json.dumps(first)) < 20_000
    assert (server.root / path).read_bytes() == before
    reference = reference_in(first["cells"][0]["outputs"][0])
    assert (await fetch(opened, reference["sha256"])).body == contents[0]
    stream = first["cells"][3]["outputs"][0]
    assert reference_in(stream)["stream"] == "stdout"
    assert stream["data"]["text/plain"].startswith("é 0\n")
    assert stream["data"]["text/plain"].endswith("é 19999\n")

    await opened.do("edit_cell", cell_id="c0", source="'edited'")
    expected = json.loads(before)
    expected["cells"][0]["source"] = ["'edited'"]
    saved = await opened.saved(lambda file: "edited" in json.dumps(file["cells"][0]["source"]))
    assert saved == expected

    opened.write_outside(c1="'from outside'")

    async def merged() -> bool:
        return (await opened.sources())[1] == "'from outside'"

    await eventually(merged)
    now = await server.get(f"{opened.url}/at/{await opened.seq()}", outputs="references")
    assert [cell["outputs"] for cell in now["cells"]] == [
        cell["outputs"] for cell in first["cells"]
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process's memory is Linux's")
@pytest.mark.rule("FB4", "FB1", "AR1")
async def test_a_file_is_opened_and_saved_in_less_memory_than_its_size(server: Server) -> None:
    path = server.write(*(f"'cell {number}'" for number in range(60)))
    notebook = json.loads((server.root / path).read_bytes())
    for number, cell in enumerate(notebook["cells"]):
        image = base64.b64encode(os.urandom(750_000)).decode()
        lines = [f"é {number} {line}\n" for line in range(50_000)]
        cell["outputs"] = [
            {"output_type": "display_data", "data": {"image/png": image}, "metadata": {}},
            {"output_type": "stream", "name": "stdout", "text": lines},
        ]
    before = json.dumps(notebook, indent=1, ensure_ascii=False).encode() + b"\n"
    (server.root / path).write_bytes(before)
    process = Path(f"/proc/{server.process.pid}")
    (process / "clear_refs").write_text("5", "ascii")  # what was the peak is none any more
    at_first = _kilobytes(process, "VmRSS")
    opened = await server.opened(path)
    await opened.do("edit_cell", cell_id="c0", source="'another'")

    async def saved() -> bool:
        return opened.file.stat().st_size != len(before)

    await eventually(saved, 60)
    assert opened.file.read_bytes() == before.replace(b"'cell 0'", b"'another'", 1)
    assert _kilobytes(process, "VmHWM") - at_first < len(before) / 1000 < 150_000


def _kilobytes(process: Path, name: str) -> int:
    status = (process / "status").read_text("ascii")
    return int(status.partition(f"{name}:")[2].split()[0])


@pytest.mark.rule("EX8", "EX6", "AR1", "RM5")
async def test_a_long_stream_is_its_ends_in_the_document_and_whole_in_the_file(
    notebook: Notebook,
) -> None:
    source = (
        "import sys\n"
        "for number in range(60_000):\n"
        "    print('line', number)\n"
        "print('done', file=sys.stderr)"
    )
    execution = await notebook.run_source(source)
    whole = "".join(f"line {number}\n" for number in range(60_000))
    long, short = execution["outputs"]
    assert short["text"] == "done\n"
    assert reference_in(long)["stream"] == "stdout"
    assert reference_in(long)["size"] == len(whole)
    assert long["data"]["text/plain"].startswith("line 0\n")
    assert long["data"]["text/plain"].endswith("line 59999\n")
    assert (await fetch(notebook, reference_in(long)["sha256"])).body == whole.encode()
    stdout, stderr = await notebook.saved_outputs(execution["cell_id"], 2)
    assert (stdout["output_type"], stdout["name"]) == ("stream", "stdout")
    assert "".join(stdout["text"]) == whole
    assert stderr["text"] == ["done\n"]


@pytest.mark.rule("AR2", "AR1")
async def test_a_pasted_reference_counts_and_an_invented_one_does_not(notebook: Notebook) -> None:
    content = picture("pasted")
    (output,) = (await notebook.run_source(show("pasted")))["outputs"]
    known = reference_in(output)["sha256"]
    other = await notebook.server.notebook("'other'")
    guessed = {**reference_in(output), "sha256": "ab" * 32}
    invented = {**output, "data": {**output["data"], REFERENCE: guessed}}
    async with tabs(other) as (tab,):
        for pasted in (output, invented):
            tab.notebook.append_cell({"cell_type": "code", "source": "", "outputs": [pasted]})
        await tab.tell()
        await other.saved(lambda file: len(file["cells"]) == 3)
    assert (await fetch(other, known)).body == content
    assert (await fetch(other, "ab" * 32)).status == 404
    file = other.on_disk()
    assert image_in(file["cells"][1]["outputs"][0]) == content
    assert reference_in(file["cells"][2]["outputs"][0])["sha256"] == "ab" * 32

    # Whoever writes a hash into a file has not read what it names.
    secret = reference_in((await notebook.run_source(show("secret")))["outputs"][0])
    path = notebook.server.write("'guess'")
    guess = json.loads((notebook.server.root / path).read_bytes())
    guess["cells"][0]["outputs"] = [{**output, "data": {REFERENCE: secret, "text/plain": "?"}}]
    (notebook.server.root / path).write_text(json.dumps(guess), encoding="utf-8")
    guessing = await notebook.server.opened(path)
    assert (await fetch(guessing, secret["sha256"])).status == 404


@pytest.mark.rule("EX8", "EX6", "RM5", "FB1")
async def test_streams_that_take_turns_are_bounded_in_the_document_and_whole_in_the_file(
    notebook: Notebook,
) -> None:
    source = (
        "import sys\n"
        "for number in range(700):\n"
        "    print('out', number, flush=True)\n"
        "    print('err', number, file=sys.stderr, flush=True)"
    )
    execution = await notebook.run_source(source)
    outputs = execution["outputs"]
    assert len(outputs) == 1001
    assert reference_in(outputs[-1])["outputs"] == 400
    assert outputs[-1]["data"]["text/plain"].endswith("out 699\nerr 699\n")
    written = await notebook.saved_outputs(execution["cell_id"], 1400)
    assert ["".join(output["text"]) for output in written] == [
        f"{name} {number}\n" for number in range(700) for name in ("out", "err")
    ]
    assert [output["name"] for output in written[-2:]] == ["stdout", "stderr"]


@pytest.mark.rule("EX6", "AR1", "FB1")
async def test_a_huge_error_and_displays_beyond_those_shown_are_whole_in_the_file(
    notebook: Notebook,
) -> None:
    source = (
        "shown = [display(number, display_id=f'd{number}') for number in range(1200)]\n"
        "shown[7].update('first'); shown[1100].update('late')\n"
        "raise ValueError('long' * 50_000)"
    )
    execution = await notebook.run_source(source)
    outputs = execution["outputs"]
    assert reference_in(outputs[-1])["outputs"] == 201
    assert "late" not in json.dumps(outputs)
    await notebook.run_source("shown[1150].update('after')")

    def is_whole(file: dict[str, Any]) -> bool:
        shown = (cell for cell in file["cells"] if cell["id"] == execution["cell_id"])
        return any("'after'" in json.dumps(cell["outputs"]) for cell in shown)

    await notebook.saved(is_whole)
    (*displays, error) = await notebook.saved_outputs(execution["cell_id"], 1201)
    texts = ["".join(output["data"]["text/plain"]) for output in displays]
    expected = [str(number) for number in range(1200)]
    expected[7], expected[1100], expected[1150] = "'first'", "'late'", "'after'"
    assert texts == expected
    assert error["evalue"] == "long" * 50_000
    (output,) = (await notebook.run_source("raise ValueError('long' * 50_000)"))["outputs"]
    assert reference_in(output)["outputs"] == 1
    assert output["data"]["text/plain"].endswith("long")


@pytest.mark.rule("EX3", "AR1")
async def test_a_long_stream_is_whole_on_s3_though_the_server_was_killed_in_the_middle(
    tmp_path: Path,
) -> None:
    source = (
        "import time\n"
        "for number in range(30_000):\n"
        "    print('line', number)\n"
        "    if number == 20_000:\n"
        "        print('half', flush=True); input()"
    )
    with (
        object_store.bucket() as url,
        Server(tmp_path, {"RuntApp": {"artifact_url": url}}).running() as server,
    ):
        notebook = await server.notebook("'top'")
        (cell,) = await notebook.add(source)
        (execution_id,) = await notebook.start(cell)
        await notebook.asks(execution_id)
        server.kill()
        server.start()
        await notebook.do("reply_input", execution_id=execution_id, value="")
        execution = await notebook.execution(execution_id)
        assert execution["status"] == "ok"
        references = [o for o in execution["outputs"] if REFERENCE in o.get("data", {})]
        content = (await fetch(notebook, reference_in(references[0])["sha256"])).body.decode()
        lines = [line for line in content.splitlines() if line.startswith("line")]
        assert lines == [f"line {number}" for number in range(30_000)]
        part = await fetch(notebook, reference_in(references[0])["sha256"], Range="bytes=0-5")
        assert (part.status, part.body) == (206, b"line 0")
        file = await notebook.saved(lambda file: "29999" in json.dumps(file["cells"][-1]))
        assert "".join(file["cells"][-1]["outputs"][0]["text"]).endswith("line 29999\n")
        assert not (server.folder / "data/runt/artifacts").exists()
