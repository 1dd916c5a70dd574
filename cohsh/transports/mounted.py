"""Files of a hive that is mounted on a directory, by ordinary file calls.

The mount has attached already, so an attach here only says as whom: as the queen on hers, as a worker on a
worker's. Which worker is not to be known from a mount; that it is no queen's, from what it shows: workers see
no /queen, and of /proc only the boot file. Every call is made in another thread: one
on a mount whose process hangs cannot be interrupted, and whoever waits for it must still be able to leave.
"""

import errno
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from cohsh.transports.namespace import NamespaceTransport, News, OtherRole, SessionFiles
from cohsh.transports.transport import Unreachable
from ninedoor.config import Role
from ninedoor.errors import P9Error
from ninedoor.telemetry.gaps import found, marker

T = TypeVar("T")

_READ_BYTES = 1 << 16


class Calls:
    """Carries out one call at a time, in a thread that may be left behind in it."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._wanted: queue.SimpleQueue[Callable[[], None] | None] | None = None

    def call(self, function: Callable[[], T]) -> T:
        """What `function` returns or raises; an OSError becomes a P9Error. Raises ETIMEDOUT when it takes
        longer than `timeout_s`; then, and when it is interrupted, it goes on unheard."""
        outcome: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

        def work() -> None:
            try:
                outcome.put((function(), None))
            except BaseException as failed:
                outcome.put((None, failed))

        if self._wanted is None:
            self._wanted = queue.SimpleQueue()
            threading.Thread(target=_serve, args=(self._wanted,), daemon=True).start()
        self._wanted.put(work)
        try:
            result, failure = outcome.get(timeout=self._timeout_s)
        except queue.Empty:
            self.close()
            raise P9Error(
                errno.ETIMEDOUT, f"the mount did not answer for {self._timeout_s:g} s; see `ninedoor status`"
            ) from None
        except BaseException:
            self.close()
            raise
        if isinstance(failure, OSError):
            raise P9Error(failure.errno or errno.EIO, (failure.strerror or str(failure)).lower()) from failure
        if failure is not None:
            raise failure
        return result  # type: ignore[return-value]  # there was no failure, so it is what was returned

    def close(self) -> None:
        """Let the thread end when it comes back. Idempotent; the next call begins another one."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            wanted.put(None)


def _serve(wanted: "queue.SimpleQueue[Callable[[], None] | None]") -> None:
    while (work := wanted.get()) is not None:
        work()


class MountedFiles(SessionFiles):
    """What is below the directory `mount`."""

    def __init__(self, mount: Path, calls: Calls) -> None:
        self._mount = mount
        self._calls = calls

    def whole(self, path: str, most: int) -> bytes:
        """See `Files.whole`."""
        return self._calls.call(lambda: _whole(self._at(path), most))

    def latest(self, path: str, most: int) -> tuple[bytes, int]:
        """See `Files.latest`. The offset of the oldest byte is not to be had from a mount, so all is read."""

        def read() -> tuple[bytes, int]:
            place = self._at(path)
            content = _whole(place, None)
            end = max(os.stat(place).st_size, len(content))
            return content if len(content) <= most else content[-most:].partition(b"\n")[2], end

        return self._calls.call(read)

    def names(self, path: str) -> list[str]:
        """See `Files.names`."""
        found = self._calls.call(lambda: os.listdir(self._at(path)))
        return sorted(found, key=os.fsencode)

    def append(self, path: str, data: bytes) -> None:
        """See `Files.append`."""

        def write() -> None:
            descriptor = os.open(self._at(path), os.O_WRONLY | os.O_APPEND)
            try:
                taken = os.write(descriptor, data)
            finally:
                os.close(descriptor)
            if taken < len(data):
                raise OSError(errno.EIO, f"only {taken} of {len(data)} bytes were taken")

        self._calls.call(write)

    def news(self, path: str, cursor: int, interval_s: float) -> Iterator[News]:
        """See `SessionFiles.news`. Where bytes were dropped unread stands a marker, and what is read next
        behind it; line feeds stand for too few to tell of."""
        lost = 0
        at = cursor  # what the open file counts, which leaves out what was dropped
        descriptor = self._calls.call(lambda: os.open(self._at(path), os.O_RDONLY))
        try:
            while True:
                if self._calls.call(lambda: os.fstat(descriptor).st_size) > cursor:
                    data = self._calls.call(partial(os.pread, descriptor, _READ_BYTES, at))
                    at += len(data)
                    gap = found(data)
                    if gap is not None and gap.next == cursor + gap.lost:
                        lost, cursor = lost + gap.lost, gap.next
                        data = data[len(marker(gap)) :]
                    if data:
                        cursor += len(data)
                        yield News(data, lost)
                        lost = 0
                        continue
                time.sleep(interval_s)
        finally:
            self._calls.call(lambda: os.close(descriptor))

    def ping(self) -> None:
        """See `SessionFiles.ping`."""
        self._calls.call(lambda: os.statvfs(self._mount))

    def close(self) -> None:
        """See `SessionFiles.close`."""
        self._calls.close()

    def _at(self, path: str) -> str:
        return os.path.join(self._mount, path.lstrip("/"))


def _whole(place: str, most: int | None) -> bytes:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        content = bytearray()
        while part := os.read(descriptor, _READ_BYTES):
            content += part
            if most is not None and len(content) > most:
                raise OSError(errno.EMSGSIZE, f"file of over {most} bytes")
        return bytes(content)
    finally:
        os.close(descriptor)


def over_mount(mount: Path, timeout_s: float) -> NamespaceTransport:
    """The transport `fs`. Raises Unreachable when nothing of a hive is there."""

    def attach(role: Role, ticket: str) -> MountedFiles:
        calls = Calls(timeout_s)
        if ticket:
            raise P9Error(errno.EPERM, "a mount has attached already, with a ticket of its own")
        try:
            names = calls.call(lambda: os.listdir(mount))
            if "proc" not in names:
                raise Unreachable(f"{mount} is no mounted hive: it has no /proc; see `ninedoor status`")
            is_queens = "queen" in names or calls.call(lambda: os.listdir(mount / "proc")) != ["boot"]
        except P9Error as failed:
            if failed.ecode == errno.ENOTCONN:
                text = f"{mount} is stale: its server is gone; `ninedoor umount {mount}` clears it"
                raise Unreachable(text) from failed
            raise Unreachable(f"{mount}: {failed.reason}; is a hive mounted there?") from failed
        if is_queens != (role == "queen"):
            calls.close()
            raise OtherRole("queen" if is_queens else "worker")
        return MountedFiles(mount, calls)

    return NamespaceTransport("fs", attach)
