import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_runt.errors import FileUnreadable, NotebookNotFound
from jupyter_runt.session import files as module
from jupyter_runt.session.files import (
    FileChanged,
    FileNotWritten,
    LocalFiles,
    is_notebook,
    is_within,
    normal_path,
)
from tests.unit.session.workspace import can_exchange

pytestmark = pytest.mark.asyncio


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/sub").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def files(root: Path) -> LocalFiles:
    return LocalFiles(root)


exchanges = pytest.mark.skipif(not can_exchange(), reason="the disk cannot exchange names")


def between(monkeypatch: pytest.MonkeyPatch, *acts: Callable[[], object]) -> None:
    """Have somebody act before each of our renames, in turn."""
    rename, turns = module.rename, iter(acts)

    def late(*args: Any) -> bool:
        next(turns, lambda: None)()
        return rename(*args)

    monkeypatch.setattr(module, "rename", late)


def cannot(*_: object) -> bool:
    """Be the rename of a system that has no such thing."""
    return False


def overwrite(target: Path, data: bytes) -> None:
    """Write a file as most programs do: whole, under its name at the end."""
    (target.parent / "theirs").write_bytes(data)
    os.replace(target.parent / "theirs", target)


def names(folder: Path) -> list[str]:
    """Return what files there are, hidden ones too."""
    return [path.name for path in folder.iterdir() if path.is_file()]


@pytest.mark.rule("FB3")
@pytest.mark.parametrize(
    "spelling", ["sub/a.ipynb", "/sub/a.ipynb", "./sub/./a.ipynb", "x/../sub//a.ipynb", "link"]
)
async def test_a_file_has_one_path_however_it_is_spelled(
    files: LocalFiles, root: Path, spelling: str
) -> None:
    (root / "sub/a.ipynb").write_bytes(b"{}")
    (root / "link").symlink_to("sub/a.ipynb")
    identity = await files.identify(spelling)
    info = (root / "sub/a.ipynb").stat()
    assert identity.path == "sub/a.ipynb"
    assert (identity.device, identity.inode) == (info.st_dev, info.st_ino)


async def test_a_link_that_leads_out_keeps_its_own_name(files: LocalFiles, root: Path) -> None:
    (root.parent / "outside.txt").write_bytes(b"out")
    (root / "link.txt").symlink_to(root.parent / "outside.txt")
    assert (await files.identify("link.txt")).path == "link.txt"
    await files.write("link.txt", b"in", await files.stamp("link.txt"))
    assert (root.parent / "outside.txt").read_bytes() == b"in"
    assert (root / "link.txt").is_symlink()


@pytest.mark.rule("FB5")
@pytest.mark.parametrize(
    "path", ["gone", "sub/gone", "a.txt/child", "../../etc/passwd", "nul\0", ".hidden", ".h/a.txt"]
)
async def test_what_is_not_there_or_not_shown_is_not_found(
    files: LocalFiles, root: Path, path: str
) -> None:
    (root / "a.txt").write_bytes(b"")
    (root / ".hidden").write_bytes(b"")
    (root / ".h").mkdir()
    (root / ".h/a.txt").write_bytes(b"")
    with pytest.raises(NotebookNotFound):
        await files.identify(path)
    with pytest.raises(NotebookNotFound):
        await files.read(path)


async def test_hidden_files_are_there_where_jupyter_shows_them(root: Path) -> None:
    (root / ".hidden").write_bytes(b"")
    assert (await LocalFiles(root, allow_hidden=True).identify(".hidden")).path == ".hidden"


@pytest.mark.rule("FB5")
@pytest.mark.parametrize("path", ["sub", "", "n" * 300, "circle"])
async def test_what_is_no_file_says_so(files: LocalFiles, root: Path, path: str) -> None:
    (root / "circle").symlink_to("circle")
    with pytest.raises(FileUnreadable):
        await files.identify(path)


@pytest.mark.rule("FB5")
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "denied"), "may not read"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why(
    files: LocalFiles, root: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    (root / "a.txt").write_bytes(b"")

    def refuse(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(FileUnreadable, match=words):
        await files.read("a.txt")


@pytest.mark.rule("FB5")
async def test_a_file_that_is_too_large_is_not_read(
    files: LocalFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FILE_BYTES", 3)
    (root / "a.txt").write_bytes(b"abcd")
    with pytest.raises(FileUnreadable, match="too large"):
        await files.read("a.txt")


async def test_what_is_read_carries_its_digest(files: LocalFiles, root: Path) -> None:
    (root / "a.txt").write_bytes(b"abc")
    content = await files.read("a.txt")
    assert content.data == b"abc"
    assert content.identity.digest == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.rule("FB1")
async def test_a_write_replaces_the_file_whole_and_keeps_its_mode(
    files: LocalFiles, root: Path
) -> None:
    target = root / "a.txt"
    target.write_bytes(b"old")
    target.chmod(0o640)
    over = await files.stamp("a.txt")
    with target.open("rb") as reader:
        written = await files.write("a.txt", b"new", over)
        assert reader.read() == b"old", "a reader sees the old file or the new one"
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert written.identity == (await files.read("a.txt")).identity
    assert written.stamp == await files.stamp("a.txt")
    assert written.content_hash == hashlib.sha256(b"new").hexdigest()
    assert names(root) == ["a.txt"]


@pytest.mark.rule("FB4")
async def test_a_write_keeps_whose_the_file_is_and_its_attributes(
    files: LocalFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, given = root / "a.txt", list[tuple[Any, ...]]()
    target.write_bytes(b"old")
    info = target.stat()

    def chown(_path: Path, uid: int, gid: int) -> None:
        given.append((uid, gid))
        if uid != -1:
            raise PermissionError(errno.EPERM, "only root gives files away")

    monkeypatch.setattr(os, "chown", chown)
    monkeypatch.setattr(os, "listxattr", lambda _path: ["user.a"], raising=False)
    monkeypatch.setattr(os, "getxattr", lambda _path, _name: b"1", raising=False)
    monkeypatch.setattr(os, "setxattr", lambda _path, *told: given.append(told), raising=False)
    await files.write("a.txt", b"new", await files.stamp("a.txt"))
    assert given == [(info.st_uid, info.st_gid), (-1, info.st_gid), ("user.a", b"1")]


@pytest.mark.rule("FB1")
@pytest.mark.parametrize("step", ["fsync", "rename", "replace"])
async def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    files: LocalFiles, root: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    (root / "a.txt").write_bytes(b"old")

    def fail(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    match step:
        case "fsync":
            monkeypatch.setattr(os, "fsync", fail)
        case "rename":
            monkeypatch.setattr(module, "rename", fail)
        case "replace":
            monkeypatch.setattr(module, "rename", cannot)
            monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(FileNotWritten, match="No space left"):
        await files.write("a.txt", b"new", await files.stamp("a.txt"))
    assert names(root) == ["a.txt"]
    assert (root / "a.txt").read_bytes() == b"old"


@pytest.mark.rule("FB1")
async def test_a_read_only_file_is_not_replaced(
    files: LocalFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.txt").write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FileNotWritten):
        await files.write("a.txt", b"new", await files.stamp("a.txt"))
    assert (root / "a.txt").read_bytes() == b"old"


@pytest.mark.rule("FB1")
async def test_a_writable_file_in_a_folder_that_is_not_is_written_in_place(
    files: LocalFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.txt").write_bytes(b"old")
    inode = (root / "a.txt").stat().st_ino
    over = await files.stamp("a.txt")

    def refuse(*_args: object) -> int:
        raise PermissionError(errno.EACCES, "denied")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "open", refuse)
        await files.write("a.txt", b"new", over)
    assert (root / "a.txt").read_bytes() == b"new"
    assert (root / "a.txt").stat().st_ino == inode


@pytest.mark.rule("FB3")
async def test_a_file_that_is_not_what_it_was_is_not_replaced(
    files: LocalFiles, root: Path
) -> None:
    (root / "a.txt").write_bytes(b"old")
    over = await files.stamp("a.txt")
    (root / "a.txt").write_bytes(b"newer")
    with pytest.raises(FileChanged):
        await files.write("a.txt", b"ours", over)
    with pytest.raises(FileChanged):
        await files.write("a.txt", b"ours", None)
    assert (root / "a.txt").read_bytes() == b"newer"
    over = await files.stamp("a.txt")
    (root / "a.txt").rename(root / "b.txt")
    with pytest.raises(FileChanged):
        await files.write("a.txt", b"ours", over)
    assert names(root) == ["b.txt"]
    await files.write("a.txt", b"ours", None)
    assert (root / "a.txt").read_bytes() == b"ours"


@pytest.mark.rule("FB3")
async def test_a_file_moved_in_the_middle_of_a_write_is_not_made_anew(
    files: LocalFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.txt").write_bytes(b"old")
    over = await files.stamp("a.txt")
    monkeypatch.setattr(os, "fsync", lambda _: (root / "a.txt").rename(root / "b.txt"))
    with pytest.raises(FileChanged):
        await files.write("a.txt", b"ours", over)
    assert names(root) == ["b.txt"]


@pytest.mark.rule("FB3")
async def test_a_file_is_found_in_its_folder_by_its_inode_and_content(
    files: LocalFiles, root: Path
) -> None:
    (root / "sub/a.txt").write_bytes(b"text")
    known = (await files.read("sub/a.txt")).identity
    (root / "sub/a.txt").rename(root / "sub/A.txt")
    (root / "sub/copy.txt").write_bytes(b"text")
    assert await files.whereabouts("sub/a.txt", known) == "sub/A.txt"
    (root / "sub/hard.txt").hardlink_to(root / "sub/A.txt")
    assert await files.whereabouts("sub/a.txt", known) is None
    (root / "sub/hard.txt").unlink()
    (root / "sub/A.txt").write_bytes(b"other")
    assert await files.whereabouts("sub/a.txt", known) is None
    assert await files.whereabouts("gone/a.txt", known) is None
    assert not files.exists("sub/a.txt")
    (root / "sub/a.txt").symlink_to("A.txt")
    assert not files.exists("sub/a.txt")
    assert files.exists("sub/A.txt")


@pytest.mark.rule("FB1")
async def test_what_a_killed_server_left_of_a_save_is_removed_in_time(
    files: LocalFiles, root: Path
) -> None:
    old, new, other = (root / f".{name}.tmp" for name in ("runt-" + "0" * 16, "runt-1", "a" * 16))
    young = root / f".runt-{'2' * 16}.tmp"
    for leftover in (old, new, other, young):
        leftover.write_bytes(b"")
    for leftover in (old, new, other):
        os.utime(leftover, (0, 0))
    await files.write("a.txt", b"", None)
    assert sorted(names(root)) == sorted([new.name, other.name, young.name, "a.txt"])


async def test_a_stamp_tells_a_change_and_none_that_there_is_no_file(
    files: LocalFiles, root: Path
) -> None:
    assert await files.stamp("a.txt") is None
    (root / "a.txt").write_bytes(b"one")
    first = await files.stamp("a.txt")
    (root / "a.txt").write_bytes(b"three")
    assert await files.stamp("a.txt") != first
    assert files.exists("a.txt")
    assert not files.exists("sub")


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("a", "a"),
        ("/a", "a"),
        ("//a//b/", "a/b"),
        ("./a/../b", "b"),
        ("../../a", "a"),
        ("", ""),
        ("/", ""),
    ],
)
async def test_paths_are_spelled_in_one_way(path: str, normal: str) -> None:
    assert normal_path(path) == normal


async def test_a_notebook_is_known_by_its_name() -> None:
    assert is_notebook("a/b.ipynb")
    assert not is_notebook("a.ipynb/b.txt")


@pytest.mark.rule("FB2")
@pytest.mark.parametrize("step", ["rename", "replace"])
async def test_what_somebody_writes_right_after_a_save_is_not_taken_for_the_saved_file(
    files: LocalFiles, root: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    (root / "a.txt").write_bytes(b"old")
    over = await files.stamp("a.txt")
    place, name = (module, "rename") if step == "rename" else (Path, "replace")
    ours = getattr(place, name)

    def overtaken(*args: Any) -> Any:
        done = ours(*args)
        overwrite(root / "a.txt", b"theirs")
        return done

    monkeypatch.setattr(module, "rename", cannot)
    monkeypatch.setattr(place, name, overtaken)
    written = await files.write("a.txt", b"ours", over)
    assert (root / "a.txt").read_bytes() == b"theirs"
    assert written.stamp != await files.stamp("a.txt")


@exchanges
@pytest.mark.rule("FB2")
@pytest.mark.parametrize("how", ["replaced", "in place", "twice", "other kind"])
async def test_what_somebody_writes_between_our_last_look_and_our_rename_stays(
    files: LocalFiles, root: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    target, other = root / "a.txt", root / "sub/b.txt"
    target.write_bytes(b"old")
    other.write_bytes(b"theirs")
    match how:
        case "replaced":
            between(monkeypatch, lambda: overwrite(target, b"theirs"))
        case "in place":
            between(monkeypatch, lambda: target.write_bytes(b"theirs"))
        case "twice":
            acts = [lambda: overwrite(target, b"first"), lambda: overwrite(target, b"theirs")]
            between(monkeypatch, *acts)
        case "other kind":
            between(monkeypatch, lambda: (target.unlink(), target.symlink_to(other)))
    with pytest.raises(FileChanged):
        await files.write("a.txt", b"ours", await files.stamp("a.txt"))
    assert target.read_bytes() == b"theirs"
    assert other.read_bytes() == b"theirs"
    assert names(root) == ["a.txt"]


@exchanges
@pytest.mark.rule("FB3")
async def test_a_file_that_comes_or_goes_between_our_last_look_and_our_rename_is_not_undone(
    files: LocalFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = root / "a.txt"
    between(monkeypatch, lambda: overwrite(target, b"theirs"), target.unlink)
    with pytest.raises(FileChanged):
        await files.write("a.txt", b"ours", None)
    assert target.read_bytes() == b"theirs"
    with pytest.raises(FileChanged):
        await files.write("a.txt", b"ours", await files.stamp("a.txt"))
    assert names(root) == []


@pytest.mark.rule("FB1")
async def test_where_names_cannot_be_exchanged_a_file_is_replaced(
    files: LocalFiles, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "rename", cannot)
    for data in (b"new", b"newer"):
        written = await files.write("a.txt", data, await files.stamp("a.txt"))
        assert written.stamp == await files.stamp("a.txt")
        assert (root / "a.txt").read_bytes() == data
        assert names(root) == ["a.txt"]


async def test_a_path_is_within_its_folders_alone() -> None:
    assert is_within("a/b", "a")
    assert is_within("a", "a")
    assert not is_within("ab", "a")
