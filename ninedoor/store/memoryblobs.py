"""Blobs that live in memory: for a hive without `--state`, and for tests that reopen one."""

import errno

from ninedoor.errors import P9Error
from ninedoor.store.blobports import Blob, Kind


class MemoryBlobs:
    """A `Blobs` that forgets everything with the process. While `failure` is set, every change raises it and
    changes nothing."""

    acts_on_commit = False

    def __init__(self) -> None:
        self.failure: P9Error | None = None
        self._content: dict[tuple[Kind, str], bytes] = {}

    def load(self) -> list[Blob]:
        return [Blob(kind, name, len(data), 0.0) for (kind, name), data in self._content.items()]

    def read(self, kind: Kind, name: str) -> bytes | None:
        return self._content.get((kind, name))

    def write(self, kind: Kind, name: str, data: bytes) -> None:
        self._raise_failure()
        self._content[kind, name] = bytes(data)

    def append(self, kind: Kind, name: str, offset: int, data: bytes) -> None:
        self._raise_failure()
        before = self._content.get((kind, name), b"")
        if len(before) < offset:
            raise P9Error(errno.EIO, f"{kind} {name} is shorter than {offset} bytes")
        self._content[kind, name] = before[:offset] + data

    def remove(self, kind: Kind, name: str) -> None:
        self._raise_failure()
        self._content.pop((kind, name), None)

    def move(self, kind: Kind, name: str, to: Kind, new: str) -> None:
        self._raise_failure()
        self._content[to, new] = self._content.pop((kind, name))

    def commit(self) -> None:
        """Nothing to do."""

    def sync(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to release."""

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure
