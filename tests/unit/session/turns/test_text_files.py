from pathlib import Path

import pytest

from jupyter_runt.errors import FileUnreadable, NotebookNotFound
from jupyter_runt.session.files import LocalFiles
from jupyter_runt.session.turns.text_files import TextFiles, beside


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "config").write_text("secret")
    (root / ".env").write_text("secret")
    (root / "nb.ipynb").write_text("{}")
    (root / "data").mkdir()
    (root / "data" / "a b.csv").write_text("\ufeffx,y\n1,é\n", encoding="utf-8")
    (root / "picture.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "outside.txt").write_text("secret")
    for name, target in {
        "out.txt": "../outside.txt",
        "hidden.txt": ".env",
        "cells.txt": "nb.ipynb",
        "same.csv": "data/a b.csv",
    }.items():
        (root / name).symlink_to(target)
    return root


@pytest.mark.parametrize(
    ("notebook", "path", "place"),
    [
        ("nb.ipynb", "a.csv", "a.csv"),
        ("a/nb.ipynb", "b/./c.csv", "a/b/c.csv"),
        ("a/nb.ipynb", "../c.csv", "c.csv"),
        ("a/nb.ipynb", "/c.csv", "c.csv"),
        ("a/nb.ipynb", "../../../etc/passwd", "etc/passwd"),
    ],
)
def test_a_path_begins_at_the_notebook_s_folder_and_ends_below_the_root(
    notebook: str, path: str, place: str
) -> None:
    assert beside(notebook, path) == place


@pytest.mark.asyncio
async def test_a_text_is_read_also_where_a_link_within_the_root_leads_to_it(root: Path) -> None:
    files = TextFiles(LocalFiles(root), root)
    assert await files.read("data/a b.csv") == await files.read("same.csv") == "x,y\n1,é\n"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("none.txt", "There is no file none.txt."),
        (".env", "There is no file .env."),
        (".git/config", "There is no file .git/config."),
        ("hidden.txt", "There is no file hidden.txt."),
        ("a\0b", "There is no file"),
        ("out.txt", "leads elsewhere"),
        ("nb.ipynb", "is a notebook"),
        ("cells.txt", "is a notebook"),
        ("data", "not a file"),
        ("picture.png", "not a text"),
    ],
)
async def test_what_is_no_text_hidden_or_elsewhere_is_not_read(
    root: Path, path: str, why: str
) -> None:
    for hidden in (False, True):
        files = TextFiles(LocalFiles(root, allow_hidden=hidden), root)
        with pytest.raises((FileUnreadable, NotebookNotFound)) as refused:
            await files.read(path)
        assert why in str(refused.value)


@pytest.mark.asyncio
async def test_a_large_file_is_left_to_code(root: Path) -> None:
    (root / "large.csv").write_bytes(b"1\n" * (2 << 20))
    with pytest.raises(FileUnreadable, match="too large"):
        await TextFiles(LocalFiles(root), root).read("large.csv")
