"""How a new file takes the place of an old one.

Renames replace nothing unseen where the system has such: Linux's renameat2(2).
"""

import ctypes
import errno
import os
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

NOREPLACE: Final = 1
"""Fail with FileExistsError where the target exists."""
EXCHANGE: Final = 2
"""Swap the two names, so that what was replaced can still be looked at."""

_AT_FDCWD: Final = -100
_NOT_HERE: Final = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})


@cache
def _renameat2() -> Any:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


def rename(source: Path, target: Path, how: int) -> bool:
    """Rename in one step; return False, with nothing done, where this system or disk cannot.

    Args:
        how: `NOREPLACE` or `EXCHANGE`.

    Raises:
        OSError: as `os.rename`.
    """
    renameat2 = _renameat2()
    if renameat2 is None:
        return False
    names = os.fsencode(source), os.fsencode(target)
    if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], how) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_HERE:
        return False
    raise OSError(number, os.strerror(number), str(target))


def take_after(new: Path, old: Path, about: os.stat_result) -> None:
    """Give a new file the owner, group, mode and attributes of an old one, as far as we may.

    Args:
        about: how the old one is.
    """
    try:
        os.chown(new, about.st_uid, about.st_gid)
    except OSError:  # somebody else's: what its group may do stays
        with suppress(OSError):
            os.chown(new, -1, about.st_gid)
    new.chmod(about.st_mode & 0o7777)
    if hasattr(os, "listxattr"):
        with suppress(OSError):
            for name in os.listxattr(old):  # access control lists are among them
                with suppress(OSError):
                    os.setxattr(new, name, os.getxattr(old, name))
