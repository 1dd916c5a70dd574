"""Unix sockets as files: whose they are, who takes them over, and when they go."""

import errno
import fcntl
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ninedoor.client.address import UnixAddress
from ninedoor.doors.stream import socketfiles
from ninedoor.doors.stream.bound import ListenError
from ninedoor.doors.stream.socketfiles import credentials, listen


@pytest.fixture
def address(tmp_path: Path) -> UnixAddress:
    return UnixAddress(str(tmp_path / "hive.sock"))


@pytest.fixture
def stale(address: UnixAddress) -> UnixAddress:
    """A socket that nobody listens on, as a killed daemon leaves it."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(address.path)
        left.listen()
    return address


@pytest.fixture
def used(address: UnixAddress) -> Iterator[UnixAddress]:
    listening, release = listen(address, 1)
    yield address
    listening.close()
    release()


def refused(address: UnixAddress) -> str:
    with pytest.raises(ListenError) as refusal:
        listen(address, 1)
    text = str(refusal.value)
    assert "\n" not in text
    return text.removeprefix(f"{address}: ")


def test_only_its_owner_connects(used: UnixAddress) -> None:
    assert stat.S_IMODE(os.stat(used.path).st_mode) == 0o600
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(used.path)


def test_the_file_goes_with_the_socket(address: UnixAddress) -> None:
    listening, release = listen(address, 1)
    listening.close()
    release()
    release()

    assert not os.path.exists(address.path)


def test_a_file_that_is_another_ones_by_now_stays(address: UnixAddress) -> None:
    first, release_first = listen(address, 1)
    first.close()
    second, release_second = listen(address, 1)

    release_first()
    assert os.path.exists(address.path)
    release_second()
    assert not os.path.exists(address.path)
    second.close()


def test_a_directory_that_is_gone_at_the_end_is_no_failure(tmp_path: Path) -> None:
    directory = tmp_path / "gone"
    directory.mkdir()
    listening, release = listen(UnixAddress(str(directory / "s")), 1)
    (directory / "s").unlink()
    directory.rmdir()
    listening.close()

    release()


def test_a_stale_socket_is_replaced(stale: UnixAddress) -> None:
    listening, release = listen(stale, 1)
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(stale.path)
    listening.close()
    release()


def test_a_socket_in_use_is_left_alone(used: UnixAddress) -> None:
    assert refused(used) == f"in use by process {os.getpid()}"
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(used.path)


def test_a_socket_with_a_full_queue_is_in_use(address: UnixAddress) -> None:
    listening, release = listen(address, 0)
    peers = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    for peer in peers:
        peer.setblocking(False)
        peer.connect_ex(address.path)

    assert refused(address) == "in use by a process with a full queue"
    for each in (*peers, listening):
        each.close()
    release()


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_what_is_no_socket_is_left_alone(address: UnixAddress, make: Callable[[Path], None]) -> None:
    path = Path(address.path)
    make(path)

    assert refused(address) == "there is something else already; choose another path"
    assert path.is_symlink() or path.exists()


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    address = UnixAddress(str(tmp_path / "no" / "s"))

    assert refused(address) == f"there is no directory {tmp_path}/no"


def test_a_directory_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    text = refused(UnixAddress(str(tmp_path / "file" / "s")))

    assert text == f"directory {tmp_path}/file: not a directory"


def test_a_path_without_a_directory_is_in_the_present_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    listening, release = listen(UnixAddress("s"), 1)

    assert (tmp_path / "s").is_socket()
    listening.close()
    release()


def test_of_daemons_that_start_together_one_has_the_stale_socket(stale: UnixAddress) -> None:
    outcomes: list[object] = []

    def start() -> None:
        try:
            outcomes.append(listen(stale, 64))
        except ListenError as failure:
            outcomes.append(failure)

    threads = [threading.Thread(target=start) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (taken,) = [each for each in outcomes if isinstance(each, tuple)]
    assert {str(each) for each in outcomes if isinstance(each, ListenError)} == {
        f"{stale}: in use by process {os.getpid()}"
    }
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(stale.path)
    taken[0].close()
    taken[1]()


def test_whoever_holds_the_lock_of_the_directory_is_waited_for_only_so_long(
    stale: UnixAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socketfiles, "LOCK_S", 0.02)
    directory = os.path.dirname(stale.path)
    holder = os.open(directory, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)

    assert refused(stale) == f"another process holds the lock of {directory}"
    os.close(holder)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("os.chmod", "operation not permitted"),
        ("os.lstat", "operation not permitted"),
        ("os.unlink", "stale, and cannot be removed: operation not permitted"),
        ("fcntl.flock", "directory {directory}: operation not permitted"),
    ],
)
def test_what_the_system_refuses_is_one_line(
    stale: UnixAddress, monkeypatch: pytest.MonkeyPatch, call: str, expected: str
) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(f"ninedoor.doors.stream.socketfiles.{call}", refuse)

    assert refused(stale) == expected.format(directory=os.path.dirname(stale.path))


def test_a_probe_that_is_refused_is_one_line(used: UnixAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket.socket, "connect", refuse)

    assert refused(used) == "permission denied"


def test_credentials_are_those_of_the_other_process(address: UnixAddress) -> None:
    listening, release = listen(address, 1)
    script = f"import socket; s=socket.socket(socket.AF_UNIX); s.connect({address.path!r}); input()"
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
    connection, _address = listening.accept()

    assert credentials(connection) == (child.pid, os.getuid(), os.getgid())
    child.communicate(b"\n", timeout=10)
    connection.close()
    listening.close()
    release()
