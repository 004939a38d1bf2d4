"""A large file is read as one content, or not at all (FB5)."""

import hashlib
import os
from pathlib import Path

import pytest

from jupyter_runt.document.spill import parts_of
from jupyter_runt.errors import FileUnreadable
from jupyter_runt.protocols import FileIdentity
from jupyter_runt.session import digests, file_content
from jupyter_runt.session.file_content import FileContent, content_of


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(digests, "LARGE", 0)
    monkeypatch.setattr(file_content, "BLOCK", 4)
    path = tmp_path / "large"
    path.write_bytes(b"0123456789")
    return path


def test_what_takes_its_place_changes_nothing_of_what_is_read_again(large: Path) -> None:
    with large.open("rb") as file:
        content = content_of(file, "large", digests.Digests(), None)
    read = FileContent(content, FileIdentity("large"), ()).hashed()
    assert read.identity.digest == hashlib.sha256(b"0123456789").hexdigest()
    (large.parent / "new").write_bytes(b"another")
    (large.parent / "new").replace(large)
    for _ in range(2):
        assert b"".join(parts_of(content)) == b"0123456789"
    assert read.hashed() == read


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.rule("FB5")
def test_a_file_that_is_written_to_while_it_is_read_is_not_taken_for_one_content(
    large: Path, *, again: bool
) -> None:
    with large.open("rb") as file:
        content = content_of(file, "large", digests.Digests(), None)
    if again:
        assert b"".join(parts_of(content)) == b"0123456789"
    parts = iter(parts_of(content))
    next(parts)
    large.write_bytes(b"0123abcdef")
    os.utime(large, ns=(1, 1))
    with pytest.raises(FileUnreadable, match="changes while it is read"):
        list(parts)


@pytest.mark.rule("FB2")
def test_what_was_read_has_no_digest_if_somebody_touched_the_file_before_it_was_made(
    large: Path,
) -> None:
    with large.open("rb") as file:
        content = content_of(file, "large", digests.Digests(), None)
    before = large.stat()
    assert b"".join(parts_of(content)) == b"0123456789"
    large.write_bytes(b"0123abcdef")
    os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))
    while large.stat().st_ctime_ns == before.st_ctime_ns:  # until its clock moves on
        os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(FileUnreadable, match="changes while it is read"):
        FileContent(content, FileIdentity("large"), ()).hashed()
