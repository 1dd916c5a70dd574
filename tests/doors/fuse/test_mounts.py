"""The mount table, and unmounting."""

import subprocess
from pathlib import Path

import pytest

from ninedoor.doors.fuse import mounts
from ninedoor.doors.fuse.mounts import Mount, is_ours, mounted_on, unmount
from ninedoor.doors.fuse.options import MountError

TABLE = r"""22 1 0:20 / /proc rw,nosuid - proc proc rw
30 1 0:31 / /mnt/hive rw,nosuid shared:1 - fuse.ninedoor ninedoor rw,user_id=0
31 1 0:32 / /mnt/two\040words rw - fuse.ninedoor a\134b rw
32 30 0:33 / /mnt/hive rw - tmpfs tmpfs rw
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(TABLE)
    return path


def test_every_line_is_a_mount(table: Path) -> None:
    assert list(mounts.mounts(table)) == [
        Mount("/proc", "proc", "proc"),
        Mount("/mnt/hive", "fuse.ninedoor", "ninedoor"),
        Mount("/mnt/two words", "fuse.ninedoor", "a\\b"),
        Mount("/mnt/hive", "tmpfs", "tmpfs"),
    ]


def test_of_several_mounts_on_a_directory_the_last_is_seen(table: Path) -> None:
    assert mounted_on("/mnt/hive", table) == Mount("/mnt/hive", "tmpfs", "tmpfs")
    assert mounted_on("/mnt", table) is None


def test_ours_is_told_by_the_type(table: Path) -> None:
    assert [is_ours(mount) for mount in mounts.mounts(table)] == [False, True, True, False]
    assert not is_ours(None)


def test_the_kernels_own_table_can_be_read() -> None:
    assert any(mount.type == "proc" for mount in mounts.mounts())


def test_the_tools_own_words_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(MountError) as refused:
        unmount(str(tmp_path), lazy=False)

    assert str(refused.value).startswith(f"{tmp_path}: ")
    assert "\n" not in str(refused.value)


def test_a_tool_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def hang(*_arguments: object, timeout: float, **_settings: object) -> None:
        raise subprocess.TimeoutExpired("fusermount3", timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(MountError, match="did not answer within 10 s"):
        unmount(str(tmp_path), lazy=True)


@pytest.mark.parametrize(("found", "tool"), [("/usr/bin/fusermount3", "fusermount3"), (None, "umount")])
def test_umount_stands_in_where_fusermount3_is_missing(
    found: str | None, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_settings: object) -> "subprocess.CompletedProcess[str]":
        ran.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("shutil.which", lambda _name: found)
    monkeypatch.setattr(subprocess, "run", run)
    unmount("/mnt/hive", lazy=True)

    assert ran[0][0] == tool
    assert ran[0][-2:] == ["--", "/mnt/hive"]
