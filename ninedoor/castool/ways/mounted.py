"""A hive that is mounted on a directory, by ordinary file calls."""

import errno
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from ninedoor.castool import pieces
from ninedoor.castool.ways.way import Parcel, Sent, Way
from ninedoor.client.failures import Unanswered
from ninedoor.errors import P9Error

WRITE_BYTES = 8168
"""Bytes of one write: what one message of the hive carries."""

WRITERS, AHEAD = 4, 16
"""Threads that write, and files that are handed to them. A file is three calls, and for most of the time that
each takes the kernel wakes the one side or the other: four at once need half of it."""

READ_BYTES = 1 << 17
"""Bytes of one read: what the kernel asks a FUSE server for at once."""


class MountedWay(Way):
    """The hive that is mounted on `mount`. Raises P9Error when none is."""

    resumes = True

    def __init__(self, mount: Path) -> None:
        self.place = str(mount)
        self._mount = mount
        try:
            served = os.path.isdir(mount / "updates")
        except OSError as failure:
            raise _refusal(failure) from failure
        if not served:
            raise P9Error(
                errno.ENOENT,
                f"{mount} has no updates/; is a hive with updates mounted there? see `ninedoor status`",
            )

    def read(self, path: str) -> bytes:
        """See `Way.read`."""
        try:
            return self._at(path).read_bytes()
        except OSError as failure:
            raise _refusal(failure) from failure

    def names(self, folder: str) -> list[str]:
        """See `Way.names`."""
        try:
            return os.listdir(self._at(folder))
        except OSError as failure:
            raise _refusal(failure) from failure

    def sizes(self, folder: str, names: Sequence[str]) -> dict[str, int]:
        """See `Way.sizes`."""
        place = self._at(folder)
        try:
            return {name: os.stat(place / name).st_size for name in names}
        except OSError as failure:
            raise _refusal(failure) from failure

    def send(self, folder: str, parcels: Iterable[Parcel]) -> Iterator[Sent]:
        """See `Way.send`."""
        place = self._at(folder)
        under_way: deque[Future[Sent]] = deque()
        writers = ThreadPoolExecutor(WRITERS, "upload")
        try:
            for parcel in parcels:
                under_way.append(writers.submit(_sent, place, parcel))
                if len(under_way) == AHEAD:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            writers.shutdown(cancel_futures=True)

    def order(self, path: str, line: str) -> None:
        """See `Way.order`."""
        try:
            with self._at(path).open("wb", buffering=0) as file:
                file.write(f"{line}\n".encode())
        except OSError as failure:
            raise _refusal(failure) from failure

    def contents(self, path: str, offset: int, size: int) -> Iterator[bytes]:
        """See `Way.contents`."""
        try:
            with self._at(path).open("rb", buffering=0) as file:
                file.seek(offset)
                while offset < size and (part := file.read(min(READ_BYTES, size - offset))):
                    offset += len(part)
                    yield part
        except OSError as failure:
            raise _refusal(failure) from failure

    def close(self) -> None:
        """See `Way.close`."""

    def _at(self, path: str) -> Path:
        return self._mount / path.lstrip("/")


def _sent(place: Path, parcel: Parcel) -> Sent:
    """What came of writing `parcel` to its file in `place`."""
    try:
        _write(place / parcel.name, parcel)
    except OSError as failure:
        return Sent(parcel, _refusal(failure))
    except P9Error as too_long:
        return Sent(parcel, too_long)
    return Sent(parcel, None)


def _write(place: Path, parcel: Parcel) -> None:
    descriptor = os.open(place, os.O_WRONLY)
    try:
        at = parcel.start
        for piece in pieces.of(parcel.data, at, WRITE_BYTES, at_once=parcel.whole):
            if os.pwrite(descriptor, piece.written, at) < len(piece.written):
                raise OSError(errno.EIO, "only a part of a write was taken")
            at += piece.size
    finally:
        os.close(descriptor)


_GONE = frozenset({errno.ENOTCONN, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNABORTED})
"""What calls on a mount end with whose hive is away."""


def _refusal(failure: OSError) -> P9Error:
    ecode, reason = failure.errno or errno.EIO, (failure.strerror or str(failure)).lower()
    return Unanswered(ecode, reason) if ecode in _GONE else P9Error(ecode, reason)
