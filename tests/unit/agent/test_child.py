"""The kernel's process, as its parent sees it."""

from pathlib import Path

import pytest

from jupyter_runt.agent.child import oom_kills
from jupyter_runt.provisioning.provisioner import KernelExit


@pytest.mark.parametrize(
    ("cgroup", "file", "content"),
    [
        ("0::/user/kernel", "user/kernel/memory.events", "low 0\noom 4\noom_kill 3\n"),
        ("0::/", "memory.events", "oom_kill 3\n"),
        ("0::/seen/from/outside", "memory.events", "oom_kill 3\n"),
        ("5:cpu:/x\n4:memory:/x", "memory/x/memory.oom_control", "under_oom 0\noom_kill 3\n"),
    ],
)
def test_the_system_s_count_of_kills_is_found_in_either_version_of_cgroups(
    tmp_path: Path, cgroup: str, file: str, content: str
) -> None:
    proc, root = tmp_path / "cgroup", tmp_path / "fs"
    proc.write_text(cgroup + "\n", encoding="ascii")
    (root / file).parent.mkdir(parents=True)
    (root / file).write_text(content, encoding="ascii")
    assert oom_kills(proc, root) == 3


def test_nothing_is_claimed_where_the_system_does_not_say(tmp_path: Path) -> None:
    assert oom_kills(tmp_path / "none", tmp_path) == 0
    proc = tmp_path / "cgroup"
    proc.write_text("0::/\nnonsense:memory\n", encoding="ascii")
    assert oom_kills(proc, tmp_path) == 0


@pytest.mark.rule("EX7")
def test_people_are_told_that_memory_ran_out_where_that_is_known() -> None:
    assert "memory ran out" in str(KernelExit(1, -9, requested=False, oom=True))
    assert "as happens" in str(KernelExit(1, -9, requested=False))
