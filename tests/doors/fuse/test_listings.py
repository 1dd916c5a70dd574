"""Directories as the kernel reads them."""

import errno

import pyfuse3
import pytest
from pyfuse3 import FUSEError

from ninedoor.wire import messages as m
from tests.doors.fuse.harness import Mount, Reader, answer


def listed(mount: Mount, path: str, monkeypatch: pytest.MonkeyPatch, room: int = 200) -> Reader:
    inode = pyfuse3.ROOT_INODE if path == "/" else mount.lookup(path).st_ino
    return Reader(mount, inode, monkeypatch, room)


def lookups(mount: Mount, inode: int) -> int:
    return mount.operations._names.known(inode).lookups


@pytest.mark.parametrize("room", [1, 2, 3, 200])
def test_a_directory_comes_whole_however_little_fits(
    mount: Mount, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    reader = listed(mount, "/", monkeypatch, room)

    assert reader.names() == [".", "..", "gpu", "log", "proc", "queen", "worker"]


def test_a_large_directory_comes_in_order_and_once(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    mount.spawn(1200)
    names = listed(mount, "/worker", monkeypatch).names()[2:]

    assert names == sorted(f"worker-{number}" for number in range(1, 1201))


def test_entries_carry_the_attributes_of_their_inodes(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    mount.queen().append("/log/queen.log", b"one\n")
    reader = listed(mount, "/log", monkeypatch)
    reader.names()
    (_dot, _dots, (name, entry, _position)) = reader.sent

    assert (name, entry.st_size) == ("queen.log", 4)
    assert mount.lookup("/log/queen.log").st_ino == entry.st_ino


def test_each_entry_sent_counts_as_a_lookup_but_for_the_dots(
    mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = listed(mount, "/log", monkeypatch)
    directory = mount.lookup("/log").st_ino
    told = lookups(mount, directory)
    reader.names()
    reader.names()
    log = reader.sent[2][1].st_ino

    assert lookups(mount, log) == 2
    assert lookups(mount, directory) == told
    answer(mount.operations.forget([(log, 2)]))
    with pytest.raises(KeyError):
        lookups(mount, log)


def test_an_unchanged_directory_is_not_read_again(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    mount.spawn(3)
    reader = listed(mount, "/worker", monkeypatch)
    first = reader.names()
    mount.requests.clear()

    assert reader.names() == first
    assert [type(request) for request in mount.requests] == [m.Tgetattr]


def test_a_changed_directory_is_read_again(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    mount.spawn(2)
    reader = listed(mount, "/worker", monkeypatch)
    reader.names()
    mount.spawn()
    mount.queen().append("/queen/ctl", b'{"kill":"worker-1"}\n')

    assert reader.names()[2:] == ["worker-2", "worker-3"]


def test_a_bind_shows_in_listings_up_to_the_root(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = listed(mount, "/", monkeypatch)
    reader.names()
    mount.command('{"bind":{"from":"/log","to":"/deep/er"}}')

    assert "deep" in reader.names()


def test_a_file_that_grew_since_is_sent_with_its_new_size(
    mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = listed(mount, "/log", monkeypatch)
    reader.names()
    mount.queen().append("/log/queen.log", b"more\n")
    reader.names()

    assert reader.sent[2][1].st_size == 5


def test_a_file_that_grows_between_two_readings_is_sent_with_its_new_size(
    mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = listed(mount, "/log", monkeypatch, room=2)
    reader.more()
    mount.queen().append("/log/queen.log", b"more\n")
    reader.more()

    assert reader.sent[2][1].st_size == 5


def test_an_entry_that_vanishes_between_two_readings_is_left_out(
    mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    mount.spawn(3)
    reader = listed(mount, "/worker", monkeypatch, room=3)
    reader.more()
    mount.queen().append("/queen/ctl", b'{"kill":"worker-2"}\n')
    while reader.more():
        pass

    assert [name for name, _entry, _position in reader.sent] == [".", "..", "worker-1", "worker-3"]


def test_an_entry_the_kernel_forgot_is_looked_up_anew(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = listed(mount, "/log", monkeypatch)
    reader.names()
    log = reader.sent[2][1].st_ino
    answer(mount.operations.forget([(log, 1)]))

    assert reader.names() == [".", "..", "queen.log"]
    assert lookups(mount, log) == 1


def test_a_directory_that_is_gone_is_stale(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    mount.spawn()
    reader = listed(mount, "/worker/worker-1", monkeypatch)
    mount.queen().append("/queen/ctl", b'{"kill":"worker-1"}\n')
    with pytest.raises(FUSEError) as refused:
        reader.more()

    assert refused.value.errno == errno.ESTALE


def test_a_closed_directory_leaves_no_fid(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    mount.lookup("/log")
    fids = mount.live_fids()
    listed(mount, "/log", monkeypatch).close()

    assert mount.live_fids() == fids
