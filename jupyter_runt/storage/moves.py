"""How a file that was moved behind our back is recognised. Pure."""

from collections.abc import Collection, Sequence

from jupyter_runt.protocols import FileIdentity, Registration


def recognise_move(
    file: FileIdentity, alike: Sequence[Registration], gone: Collection[str]
) -> Registration | None:
    """Return the document that `file` was, or None where there is any doubt.

    Args:
        file: at a path that is not registered.
        alike: every registered document, deleted ones apart, whose digest is the file's.
        gone: those of their paths where there is no file any more.
    """
    lost = [known for known in alike if known.file.path in gone]
    same_inode = [known for known in lost if _same_inode(known.file, file)]
    if len(same_inode) == 1:
        return same_inode[0]
    # Beside a second file with the same content, gone or not, this one may be a copy of it.
    if len(alike) == 1 and lost and not file.empty:
        return lost[0]
    return None


def _same_inode(one: FileIdentity, other: FileIdentity) -> bool:
    return one.inode is not None and (one.device, one.inode) == (other.device, other.inode)
