"""Blobs on a disk and in memory: one suite for both, and what only a disk can do wrong."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ninedoor.errors import P9Error, StoreError
from ninedoor.store import blobs as module
from ninedoor.store.blobfiles import FileSystem
from ninedoor.store.blobports import Blobs, Kind
from ninedoor.store.blobs import TEMPORARY, DiskBlobs, ViewedBlobs, has_blobs
from ninedoor.store.memoryblobs import MemoryBlobs


@pytest.fixture(params=["disk", "memory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blobs]:
    made: Blobs = DiskBlobs(tmp_path) if request.param == "disk" else MemoryBlobs()
    yield made
    made.close()


def names(blobs: Blobs) -> list[tuple[Kind, str, int]]:
    return sorted((blob.kind, blob.name, blob.size) for blob in blobs.load())


def test_what_is_written_is_read(blobs: Blobs) -> None:
    blobs.write("chunks", "a", b"content")
    blobs.write("chunks", "a", b"other")
    blobs.write("parts", "a", b"")

    assert blobs.read("chunks", "a") == b"other"
    assert blobs.read("parts", "a") == b""
    assert blobs.read("chunks", "b") is None
    assert names(blobs) == [("chunks", "a", 5), ("parts", "a", 0)]


def test_a_large_blob_is_read_whole(blobs: Blobs) -> None:
    content = os.urandom((1 << 20) + 3)
    blobs.write("parts", "1", content)

    assert blobs.read("parts", "1") == content


def test_appending_follows_the_offset_and_gives_up_the_rest(blobs: Blobs) -> None:
    blobs.append("partial", "a", 0, b"0123")
    blobs.append("partial", "a", 4, b"45")
    assert blobs.read("partial", "a") == b"012345"

    blobs.append("partial", "a", 1, b"x")
    assert blobs.read("partial", "a") == b"0x"
    blobs.append("partial", "a", 0, b"new")
    assert blobs.read("partial", "a") == b"new"


def test_names_are_removed_and_moved(blobs: Blobs) -> None:
    blobs.write("chunks", "a", b"content")
    blobs.write("quarantine", "b", b"before")
    blobs.move("chunks", "a", "quarantine", "b")
    blobs.remove("chunks", "a")
    blobs.remove("chunks", "never")

    assert names(blobs) == [("quarantine", "b", 7)]


def test_syncing_and_closing_are_for_anybody_at_any_time(blobs: Blobs) -> None:
    blobs.write("chunks", "a", b"content")
    for call in (blobs.commit, blobs.sync, blobs.commit, blobs.close, blobs.close):
        call()


def test_everything_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    first = DiskBlobs(tmp_path)
    first.write("chunks", "a", b"content")
    first.append("partial", "b", 0, b"begin")
    first.close()

    second = DiskBlobs(tmp_path)

    assert names(second) == [("chunks", "a", 7), ("partial", "b", 5)]
    second.close()


def test_files_and_directories_are_for_their_owner_alone(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    blobs.write("chunks", "a", b"content")
    blobs.append("partial", "b", 0, b"x")
    blobs.close()

    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "cas").rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "cas").iterdir()} == {0o700}


def test_what_an_interrupted_write_left_is_removed(tmp_path: Path) -> None:
    DiskBlobs(tmp_path).close()
    (tmp_path / "cas" / "chunks" / TEMPORARY).write_bytes(b"half")
    (tmp_path / "cas" / "chunks" / "directory").mkdir()

    blobs = DiskBlobs(tmp_path)

    assert blobs.load() == []
    assert not (tmp_path / "cas" / "chunks" / TEMPORARY).exists()
    blobs.close()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    blobs = DiskBlobs(tmp_path)
    (tmp_path / "cas" / "chunks" / "a").symlink_to(secret)

    assert blobs.load() == []
    with pytest.raises(P9Error) as refused:
        blobs.read("chunks", "a")
    assert refused.value.ecode == errno.EIO
    blobs.close()


def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot open"):
        DiskBlobs(tmp_path / "absent")
    (tmp_path / "cas").write_bytes(b"a file")
    with pytest.raises(StoreError, match="cannot open"):
        DiskBlobs(tmp_path)


class Failing(FileSystem):
    """Fails the call that is named, once it is set."""

    def __init__(self) -> None:
        self.call = ""
        self.ecode = errno.ENOSPC
        self.half = False
        self.calls: list[str] = []

    def _check(self, call: str) -> None:
        self.calls.append(call)
        if call == self.call:
            raise OSError(self.ecode, os.strerror(self.ecode))

    def create(self, directory: int, name: str) -> int:
        self._check("create")
        return super().create(directory, name)

    def extend(self, directory: int, name: str) -> int:
        self._check("extend")
        return super().extend(directory, name)

    def put(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
        if self.half and len(data) > 1:
            return super().put(descriptor, data[: len(data) // 2], offset)
        self._check("put")
        return super().put(descriptor, data, offset)

    def rename(self, directory: int, old: str, to: int, new: str) -> None:
        self._check("rename")
        super().rename(directory, old, to, new)

    def fsync(self, descriptor: int) -> None:
        self._check("fsync")
        super().fsync(descriptor)

    def sync_all(self, descriptor: int) -> None:
        self._check("sync_all")
        super().sync_all(descriptor)


CHANGES: dict[str, Callable[[Blobs], None]] = {
    "write": lambda blobs: blobs.write("chunks", "a", b"other content"),
    "append": lambda blobs: blobs.append("partial", "b", 5, b" and more"),
    "move": lambda blobs: blobs.move("chunks", "a", "quarantine", "a"),
}


@pytest.mark.parametrize("half", [False, True], ids=["at once", "in the middle"])
@pytest.mark.parametrize("call", ["create", "extend", "put", "rename"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_full_disk_refuses_a_change_and_leaves_everything_as_it_was(
    change: str, call: str, half: bool, tmp_path: Path
) -> None:
    files = Failing()
    blobs = DiskBlobs(tmp_path, files=files)
    blobs.write("chunks", "a", b"content")
    blobs.append("partial", "b", 0, b"begin")
    before = names(blobs)
    files.call, files.half = call, half
    refusal = None
    try:
        CHANGES[change](blobs)
    except P9Error as full:
        refusal = full
    if refusal is not None:
        files.call, files.half = "", False
        assert refusal.ecode == errno.ENOSPC
        assert names(blobs) == before
        assert (blobs.read("chunks", "a"), blobs.read("partial", "b")) == (b"content", b"begin")
        CHANGES[change](blobs)
    assert names(blobs) != before
    blobs.close()


def test_a_write_in_pieces_is_whole(tmp_path: Path) -> None:
    files = Failing()
    files.half = True
    blobs = DiskBlobs(tmp_path, files=files)
    blobs.write("chunks", "a", b"content in several pieces")

    assert blobs.read("chunks", "a") == b"content in several pieces"
    blobs.close()


def test_always_syncs_a_file_before_its_name_and_the_directory_before_the_reply(tmp_path: Path) -> None:
    files = Failing()
    blobs = DiskBlobs(tmp_path, "always", files)
    blobs.write("chunks", "a", b"content")
    assert files.calls == ["create", "put", "fsync", "rename"]
    blobs.commit()

    assert files.calls[4:] == ["fsync", "fsync"]
    blobs.commit()
    assert len(files.calls) == 6
    blobs.close()


@pytest.mark.parametrize("policy", ["batch", "never"])
def test_otherwise_nothing_is_synced_before_it_is_asked_for(policy: str, tmp_path: Path) -> None:
    files = Failing()
    blobs = DiskBlobs(tmp_path, policy, files)  # type: ignore[arg-type]
    blobs.write("chunks", "a", b"content")
    blobs.commit()
    assert "fsync" not in files.calls
    blobs.sync()

    assert files.calls.count("fsync") == 2
    blobs.close()


def test_many_files_are_synced_by_their_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ONE_BY_ONE", 2)
    files = Failing()
    blobs = DiskBlobs(tmp_path, files=files)
    for name in "abc":
        blobs.write("chunks", name, b"content")
    blobs.sync()

    assert (files.calls.count("sync_all"), files.calls.count("fsync")) == (1, 0)
    blobs.close()


@pytest.mark.parametrize("call", ["fsync", "sync_all"])
def test_a_failed_sync_is_final(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ONE_BY_ONE", 0 if call == "sync_all" else 64)
    files = Failing()
    blobs = DiskBlobs(tmp_path, files=files)
    blobs.write("chunks", "a", b"content")
    files.call, files.ecode = call, errno.EIO
    with pytest.raises(P9Error, match="EIO"):
        blobs.sync()
    files.call = ""

    changes = [*CHANGES.values(), lambda it: it.remove("chunks", "a"), lambda it: it.sync()]
    for change in changes:
        with pytest.raises(P9Error) as refused:
            change(blobs)
        assert refused.value.ecode == errno.EIO
    assert blobs.read("chunks", "a") == b"content"
    blobs.close()


def test_what_is_renamed_or_removed_while_a_sync_runs_is_no_failure(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    stop = threading.Event()
    failures: list[BaseException] = []

    def syncs() -> None:
        try:
            while not stop.is_set():
                blobs.sync()
        except P9Error as failed:
            failures.append(failed)

    thread = threading.Thread(target=syncs)
    thread.start()
    for number in range(200):
        blobs.write("accepted", str(number), b"content")
        blobs.move("accepted", str(number), "manifests", str(number))
        blobs.append("partial", "p", 0, b"x")
        blobs.remove("partial", "p")
    stop.set()
    thread.join()
    blobs.close()

    assert failures == []


def test_a_view_reads_and_creates_nothing(tmp_path: Path) -> None:
    assert not has_blobs(tmp_path)
    with pytest.raises(StoreError, match="cannot open"):
        ViewedBlobs(tmp_path)
    blobs = DiskBlobs(tmp_path)
    blobs.write("chunks", "a", b"content")
    view = ViewedBlobs(tmp_path)

    assert has_blobs(tmp_path)
    assert [(blob.kind, blob.name) for blob in view.load()] == [("chunks", "a")]
    assert (view.read("chunks", "a"), view.read("chunks", "b")) == (b"content", None)
    view.close()
    blobs.close()


def test_memory_refuses_while_it_is_told_to() -> None:
    blobs = MemoryBlobs()
    blobs.write("partial", "b", b"begin")
    blobs.write("chunks", "a", b"content")
    blobs.failure = P9Error(errno.ENOSPC, "no room")
    for change in (*CHANGES.values(), lambda it: it.remove("chunks", "a")):
        with pytest.raises(P9Error, match="no room"):
            change(blobs)
    blobs.failure = None

    assert names(blobs) == [("chunks", "a", 7), ("partial", "b", 5)]
    with pytest.raises(P9Error, match="shorter than 9"):
        blobs.append("partial", "b", 9, b"x")
