"""poll(2) on files that grow."""

import os
import select
from typing import Any

import pytest

from tests.doors.fuse.harness import CONTEXT, Mount, answer

WRITABLE = select.POLLOUT | select.POLLWRNORM
READABLE = select.POLLIN | select.POLLRDNORM


class Sleeper:
    """A poll handle of pyfuse3's; `failure` is raised by its notification."""

    def __init__(self, failure: OSError | None = None) -> None:
        self.notified = 0
        self._failure = failure

    def notify(self) -> None:
        self.notified += 1
        if self._failure is not None:
            raise self._failure


class Poller:
    """One open file and its reader."""

    def __init__(self, mount: Mount, path: str) -> None:
        self._operations = mount.operations
        self._inode = mount.lookup(path).st_ino
        self.fh = mount.open(path, os.O_RDONLY).fh
        self._offset = 0

    def read(self) -> bytes:
        data = answer(self._operations.read(self.fh, self._offset, 4096))
        self._offset += len(data)
        return data

    def poll(self, handle: Any = None) -> int:
        return answer(self._operations.poll(self._inode, self.fh, handle, CONTEXT))


@pytest.fixture
def log(mount: Mount) -> Poller:
    mount.queen().append("/log/queen.log", b"one\n")
    return Poller(mount, "/log/queen.log")


def test_a_file_is_readable_until_its_end_was_read(mount: Mount, log: Poller) -> None:
    assert log.poll() == WRITABLE | READABLE
    assert log.read() == b"one\n"
    assert log.poll() == WRITABLE
    mount.queen().append("/log/queen.log", b"two\n")
    assert log.poll() == WRITABLE | READABLE


def test_a_sleeper_is_woken_once_by_the_next_change(mount: Mount, log: Poller) -> None:
    log.read()
    sleeper = Sleeper()
    log.poll(sleeper)
    queen = mount.queen()
    queen.append("/log/queen.log", b"two\n")
    queen.append("/log/queen.log", b"three\n")

    assert sleeper.notified == 1


def test_nobody_sleeps_where_there_is_something_to_read(mount: Mount, log: Poller) -> None:
    sleeper = Sleeper()
    log.poll(sleeper)
    mount.queen().append("/log/queen.log", b"two\n")

    assert sleeper.notified == 0


def test_a_later_handle_takes_the_place_of_an_earlier_one(mount: Mount, log: Poller) -> None:
    log.read()
    first, second = Sleeper(), Sleeper()
    log.poll(first)
    log.poll(second)
    mount.queen().append("/log/queen.log", b"two\n")

    assert (first.notified, second.notified) == (0, 1)


def test_closing_a_file_wakes_nobody_later(mount: Mount, log: Poller) -> None:
    log.read()
    sleeper = Sleeper()
    log.poll(sleeper)
    answer(mount.operations.release(log.fh))
    mount.queen().append("/log/queen.log", b"two\n")

    assert sleeper.notified == 0


def test_a_closed_mount_wakes_nobody(mount: Mount, log: Poller) -> None:
    log.read()
    sleeper = Sleeper()
    log.poll(sleeper)
    mount.operations.close()
    mount.queen().append("/log/queen.log", b"two\n")

    assert sleeper.notified == 0


def test_a_sleeper_that_has_gone_does_no_harm(mount: Mount, log: Poller) -> None:
    log.read()
    for failure in (FileNotFoundError(2, "gone"), OSError(107, "not connected")):
        log.poll(Sleeper(failure))
        mount.queen().append("/log/queen.log", b"two\n")
        log.read()


def test_who_sleeps_on_a_node_that_vanishes_is_woken(mount: Mount) -> None:
    mount.spawn()
    telemetry = Poller(mount, "/worker/worker-1/telemetry")
    sleeper = Sleeper()
    assert telemetry.poll(sleeper) == WRITABLE
    mount.queen().append("/queen/ctl", b'{"kill":"worker-1"}\n')

    assert sleeper.notified == 1
    assert telemetry.poll() == WRITABLE | READABLE


@pytest.mark.parametrize("path", ["/proc/boot", "/proc/9p/sessions"])
def test_files_that_do_not_grow_are_always_readable(mount: Mount, path: str) -> None:
    poller = Poller(mount, path)
    poller.read()

    assert poller.poll(Sleeper()) == WRITABLE | READABLE
