from jupyter_runt.ids import HistoryId, NotebookId, Seq
from jupyter_runt.protocols import FileIdentity, Registration
from jupyter_runt.storage.moves import recognise_move


def known(path: str, inode: int | None = 1) -> Registration:
    file = FileIdentity(path, None if inode is None else 1, inode, "digest")
    return Registration(NotebookId(path), HistoryId(path), file, Seq(0))


def test_nothing_alike_is_no_move():
    assert recognise_move(FileIdentity("new", 1, 1, "digest"), [], set()) is None


def test_a_file_that_is_still_there_did_not_move():
    assert recognise_move(FileIdentity("new", 1, 1, "digest"), [known("a")], set()) is None


def test_the_inode_decides_between_files_of_the_same_content():
    alike = [known("a", 1), known("b", 2)]
    found = recognise_move(FileIdentity("new", 1, 2, "digest"), alike, {"a", "b"})
    assert found == alike[1]


def test_two_links_to_one_inode_leave_doubt():
    alike = [known("a", 1), known("b", 1)]
    assert recognise_move(FileIdentity("new", 1, 1, "digest"), alike, {"a", "b"}) is None


def test_an_inode_of_another_device_is_another_file():
    alike = [known("a", 1), known("b", 2)]
    assert recognise_move(FileIdentity("new", 9, 1, "digest"), alike, {"a", "b"}) is None


def test_an_empty_file_is_known_by_its_inode_alone():
    alike = [known("a", 1)]
    same = FileIdentity("new", 1, 1, "digest", empty=True)
    other = FileIdentity("new", 1, 2, "digest", empty=True)
    assert recognise_move(same, alike, {"a"}) == alike[0]
    assert recognise_move(other, alike, {"a"}) is None


def test_where_there_are_no_inodes_the_content_decides():
    alike = [known("a", None)]
    assert recognise_move(FileIdentity("new", None, None, "digest"), alike, {"a"}) == alike[0]
    two = [*alike, known("b", None)]
    assert recognise_move(FileIdentity("new", None, None, "digest"), two, {"a", "b"}) is None
