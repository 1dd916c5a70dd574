"""Unix sockets as files: reachable by their owner alone, replaced when stale, never taken from who uses one.

Between finding a socket stale and replacing it another daemon could have replaced it, so whoever looks holds
the lock of the directory. It is the directory's own flock(2): it leaves no file behind.
"""

import fcntl
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from struct import Struct

from ninedoor.client.address import UnixAddress
from ninedoor.doors.stream.bound import ListenError, words

LOCK_S = 2.0
"""How long to wait for another daemon that looks at the same directory; it needs milliseconds."""

LOCK_PAUSE_S = 0.01

OWNER_ONLY = 0o600
"""Mode of a socket: connecting takes write permission, unix(7)."""

_CREDENTIALS = Struct("3i")
"""struct ucred of unix(7)."""


def listen(address: UnixAddress, backlog: int) -> tuple[socket.socket, Callable[[], None]]:
    """The socket, listening, and what removes its file if that is still the one made here.

    Raises ListenError: no directory, somebody listens there already, the path is something else.
    """
    path = address.path
    with _alone_in(address):
        _clear(address)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listening.bind(path)
            # Nobody connects before listen(), so nobody ever finds another mode.
            os.chmod(path, OWNER_ONLY)
            listening.listen(backlog)
            return listening, _SocketFile(address).remove
        except OSError as failure:
            listening.close()
            raise ListenError(f"{address}: {words(failure)}") from None


def credentials(peer: socket.socket) -> tuple[int, int, int]:
    """pid, uid and gid of the other end of a unix socket, as they were when it connected or listened."""
    packed = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(packed)
    return pid, uid, gid


class _SocketFile:
    """A socket's file, held open so that no other file is given its inode number."""

    def __init__(self, address: UnixAddress) -> None:
        self._address = address
        self._held: int | None = os.open(address.path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)

    def remove(self) -> None:
        """Unlink the file if it still has its name. Idempotent; never raises."""
        if self._held is None:
            return
        path = self._address.path
        with suppress(OSError, ListenError), _alone_in(self._address):
            if os.path.samestat(os.fstat(self._held), os.lstat(path)):
                os.unlink(path)
        os.close(self._held)
        self._held = None


@contextmanager
def _alone_in(address: UnixAddress) -> Iterator[None]:
    directory = os.path.dirname(address.path) or "."
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ListenError(f"{address}: there is no directory {directory}") from None
    except OSError as failure:
        raise ListenError(f"{address}: directory {directory}: {words(failure)}") from None
    try:
        _lock(descriptor, address, directory)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, address: UnixAddress, directory: str) -> None:
    deadline = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise ListenError(f"{address}: another process holds the lock of {directory}") from None
            time.sleep(LOCK_PAUSE_S)
        except OSError as failure:
            raise ListenError(f"{address}: directory {directory}: {words(failure)}") from None
        else:
            return


def _clear(address: UnixAddress) -> None:
    """Remove a socket on which nobody listens any more. Precondition: `_alone_in` its directory."""
    path = address.path
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as failure:
        raise ListenError(f"{address}: {words(failure)}") from None
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"{address}: there is something else already; choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            _unlink(address)
        except BlockingIOError:
            raise ListenError(f"{address}: in use by a process with a full queue") from None
        except OSError as failure:
            raise ListenError(f"{address}: {words(failure)}") from None
        else:
            raise ListenError(f"{address}: in use by process {credentials(probe)[0]}")


def _unlink(address: UnixAddress) -> None:
    try:
        os.unlink(address.path)
    except OSError as failure:
        raise ListenError(f"{address}: stale, and cannot be removed: {words(failure)}") from None
