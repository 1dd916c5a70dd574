"""Who may use a state directory, and what is refused in one."""

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from ninedoor.errors import StoreError
from ninedoor.store.directory import StateDirectory, file_name, read_file, write_file
from tests.store.faults import Faults


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_directory_is_created_for_the_owner_alone(place: Path) -> None:
    taken = StateDirectory.take(place, create=True)
    taken.create_file("file")
    taken.close()

    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE((place / "file").stat().st_mode) == 0o600
    assert stat.S_IMODE((place / "lock").stat().st_mode) == 0o600


def test_parent_of_a_new_directory_is_synced(place: Path, faults: Faults) -> None:
    faults.arm(99, lambda: None)
    StateDirectory.take(place, create=True).close()

    assert faults.calls[:3] == ["mkdir", "open", "fsync"]


def test_missing_parent_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot create state directory .*/none/state: no such file"):
        StateDirectory.take(tmp_path / "none" / "state", create=True)


def test_missing_directory_is_told(place: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot open state directory .*/state: no such file or directory"):
        StateDirectory.take(place, create=False)


def test_file_in_the_place_of_the_directory_is_told(place: Path) -> None:
    place.write_bytes(b"")

    with pytest.raises(StoreError, match=r"cannot open state directory .*/state: not a directory"):
        StateDirectory.take(place, create=True)


@pytest.mark.parametrize(
    ("code", "text"),
    [(errno.EROFS, "read-only file system"), (errno.EACCES, "permission denied .this process has user id")],
)
def test_directory_that_cannot_be_written_is_told(place: Path, faults: Faults, code: int, text: str) -> None:
    place.mkdir()
    faults.fail(2, code, only="open")

    with pytest.raises(StoreError, match=f"cannot lock state directory .*/state: {text}"):
        StateDirectory.take(place, create=True)


def test_second_user_is_told_who_has_the_directory(place: Path) -> None:
    place.mkdir()
    (place / "lock").write_text("99999999999\n")
    taken = StateDirectory.take(place, create=True)

    with pytest.raises(StoreError, match=f"state directory .*/state is in use by pid {os.getpid()}$"):
        StateDirectory.take(place, create=True)
    taken.close()
    StateDirectory.take(place, create=False).close()


def test_holder_without_a_pid_is_another_process(place: Path) -> None:
    place.mkdir()
    lock = os.open(place / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)

    with pytest.raises(StoreError, match=r"is in use by another process$"):
        StateDirectory.take(place, create=False)
    os.close(lock)


def test_holder_is_seen_without_disturbing_it(place: Path) -> None:
    taken = StateDirectory.take(place, create=True)
    view = StateDirectory.view(place)

    assert view.holder() == f"pid {os.getpid()}"
    taken.close()
    assert view.holder() is None
    view.close()


def test_directory_never_used_has_no_holder(place: Path) -> None:
    place.mkdir()
    view = StateDirectory.view(place)

    assert view.holder() is None
    view.close()


def test_only_generation_files_are_listed(place: Path) -> None:
    taken = StateDirectory.take(place, create=True)
    names = [
        file_name(12),
        file_name(3),
        file_name(9) + ".tmp",
        file_name(3) + ".damaged-1",
        "journal-7",
        "notes",
    ]
    for name in names:
        os.close(taken.create_file(name))

    assert taken.generations() == [3, 12]
    assert taken.unfinished() == ["journal-0000000000000009.tmp"]
    taken.close()


def test_symbolic_link_is_refused(place: Path) -> None:
    taken = StateDirectory.take(place, create=True)
    (place / "target").write_bytes(b"")
    (place / "link").symlink_to("target")

    with pytest.raises(StoreError, match=r"cannot open .*/link: too many levels of symbolic links"):
        taken.open_file("link", writable=False)
    taken.close()


def test_pipe_is_refused_without_waiting(place: Path) -> None:
    taken = StateDirectory.take(place, create=True)
    os.mkfifo(place / "pipe")

    with pytest.raises(StoreError, match="pipe is not a regular file"):
        taken.open_file("pipe", writable=False)
    taken.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")
def test_file_of_a_stranger_is_refused(place: Path) -> None:
    taken = StateDirectory.take(place, create=True)
    (place / "file").write_bytes(b"")
    os.chown(place / "file", 4321, 4321)

    with pytest.raises(StoreError, match="file belongs to user id 4321, not to 0"):
        taken.open_file("file", writable=True)
    taken.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give files away")
def test_root_leaves_its_files_to_the_owner_of_the_directory(place: Path) -> None:
    place.mkdir(0o700)
    os.chown(place, 4321, 4322)
    taken = StateDirectory.take(place, create=True)
    os.close(taken.create_file("file"))
    os.close(taken.open_file("file", writable=True))
    taken.close()

    for name in ("file", "lock"):
        status = (place / name).stat()
        assert (status.st_uid, status.st_gid) == (4321, 4322)


def test_write_goes_on_after_a_short_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: pwrite(fd, data[:3], offset))
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    end = write_file(descriptor, b"0123456789", 2)

    assert end == 12
    assert read_file(descriptor) == b"\0\x000123456789"
    os.close(descriptor)


def test_close_is_idempotent(place: Path) -> None:
    taken = StateDirectory.take(place, create=True)
    taken.close()
    taken.close()
