"""Each thing in the way of a mount has a line of its own that says what to do."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ninedoor.doors.fuse import preflight as module
from ninedoor.doors.fuse.options import MountError, MountOptions
from ninedoor.doors.fuse.preflight import System, clear_stale, preflight

ALL_CAPABILITIES = "CapEff:\t000001ffffffffff\nNoNewPrivs:\t0\n"
NO_CAPABILITIES = "CapEff:\t0000000000000000\nNoNewPrivs:\t0\n"
NO_NEW_PRIVILEGES = "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n"


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> System:
    """A machine that can mount, on which this process is root."""
    for name, text in (("fuse", ""), ("fuse.conf", ""), ("status", ALL_CAPABILITIES), ("mountinfo", "")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/fusermount3")
    return System(
        device=tmp_path / "fuse",
        fuse_conf=tmp_path / "fuse.conf",
        status=tmp_path / "status",
        mountinfo=tmp_path / "mountinfo",
        uid=0,
    )


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "mnt"
    path.mkdir()
    return path


def refused(directory: Path, system: System, options: MountOptions | None = None) -> str:
    with pytest.raises(MountError) as refusal:
        preflight(directory, options or MountOptions(), system)
    text = str(refusal.value)
    assert "\n" not in text
    return text


def test_a_machine_that_can_mount_gets_the_directory_without_links(
    directory: Path, system: System, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(directory)

    assert preflight(tmp_path / "link", MountOptions(), system) == directory.resolve()


def test_no_device(directory: Path, system: System) -> None:
    system.device.unlink()

    assert "`modprobe fuse`" in refused(directory, system)


def test_a_device_that_cannot_be_opened(directory: Path, system: System) -> None:
    system.device.unlink()
    system.device.mkdir()

    assert "cannot be opened, is a directory: as root, `chmod 666" in refused(directory, system)


def test_a_mount_point_that_is_missing(directory: Path, system: System) -> None:
    assert f"does not exist: make it with `mkdir -p {directory}/x`" in refused(directory / "x", system)


def test_a_mount_point_that_is_a_file(directory: Path, system: System) -> None:
    (directory / "file").touch()

    assert refused(directory / "file", system).endswith("is not a directory")


def test_a_mount_point_that_is_not_empty(directory: Path, system: System) -> None:
    (directory / "file").touch()

    assert "is not empty" in refused(directory, system)


def test_a_mount_point_of_somebody_else(directory: Path, system: System) -> None:
    owner = directory.stat().st_uid

    assert f"belongs to user {owner}" in refused(directory, replace(system, uid=owner + 1))


def test_a_mount_point_that_is_mounted_already(directory: Path, system: System) -> None:
    system.mountinfo.write_text(f"30 1 0:31 / {directory} rw - fuse.ninedoor ninedoor rw\n")

    assert f"mounted already: unmount it with `ninedoor umount {directory}`" in refused(directory, system)


def test_allow_other_without_the_administrators_word(directory: Path, system: System) -> None:
    if os.geteuid() == 0:
        os.chown(directory, 1000, 1000)
    user = replace(system, uid=directory.stat().st_uid)
    others = MountOptions(allow_other=True)

    assert "`user_allow_other`" in refused(directory, user, others)
    system.fuse_conf.write_text("user_allow_other\n")
    assert preflight(directory, others, user) == directory


@pytest.mark.parametrize(
    ("text", "allowed"), [("user_allow_other\n", True), ("#user_allow_other\n", False), ("", False)]
)
def test_the_word_counts_only_on_a_line_of_its_own(tmp_path: Path, text: str, allowed: bool) -> None:
    (tmp_path / "fuse.conf").write_text(text)

    assert module._allows_others(tmp_path / "fuse.conf") is allowed
    assert not module._allows_others(tmp_path / "missing")


def test_root_may_allow_others_without_asking(directory: Path, system: System) -> None:
    assert preflight(directory, MountOptions(allow_other=True), system) == directory


@pytest.mark.parametrize(
    ("status", "uid", "found", "words"),
    [
        (NO_CAPABILITIES, 1000, None, "fusermount3 is missing: install the package fuse3"),
        (NO_NEW_PRIVILEGES, 1000, "/usr/bin/fusermount3", "(no_new_privs)"),
        (NO_CAPABILITIES, 0, "/usr/bin/fusermount3", "`--cap-add SYS_ADMIN`"),
    ],
)
def test_privileges_that_are_missing(
    status: str,
    uid: int,
    found: str | None,
    words: str,
    directory: Path,
    system: System,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system.status.write_text(status)
    monkeypatch.setattr("shutil.which", lambda _name: found)

    assert words in refused(directory, replace(system, uid=uid))


def test_auto_unmount_needs_fusermount3_even_for_root(
    directory: Path, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name: None)

    assert "fusermount3 is missing" in refused(directory, system, MountOptions(auto_unmount=True))


# -- stale mounts


@pytest.fixture
def dead(system: System, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """Lay `layers` dead mounts on `directory`; the returned list takes down how each was taken away."""

    def lay(layers: int) -> list[str]:
        line = f"30 1 0:31 / {directory} rw - fuse.ninedoor ninedoor rw\n"
        system.mountinfo.write_text(line * layers)
        done: list[str] = []

        def take(place: str, *, lazy: bool) -> None:
            done.append(f"{place} {lazy}")
            system.mountinfo.write_text(line * (layers - len(done)))

        monkeypatch.setattr(module, "unmount", take)
        monkeypatch.setattr(module, "_is_dead", lambda _place: len(done) < layers)
        return done

    return lay


def test_stale_mounts_of_ours_are_cleared_one_after_the_other(
    directory: Path, system: System, dead: Callable[[int], list[str]]
) -> None:
    done = dead(2)

    assert preflight(directory, MountOptions(), system) == directory
    assert done == [f"{directory} True"] * 2


def test_a_stale_mount_of_somebody_else_is_left_alone(
    directory: Path, system: System, dead: Callable[[int], list[str]]
) -> None:
    done = dead(1)
    system.mountinfo.write_text(f"30 1 0:31 / {directory} rw - fuse.sshfs host: rw\n")

    assert not clear_stale(directory, system)
    assert done == []
