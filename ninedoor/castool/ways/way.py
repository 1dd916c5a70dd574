"""What the tool needs of a way to a hive, whichever it is: small files read, sizes looked up, bytes added at
the end of files, and payloads read from any offset.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from ninedoor.errors import P9Error


class Parcel(NamedTuple):
    """Bytes for the file `name`, of which `start` are there already. A file that takes one write only gets
    them `whole`."""

    name: str
    data: bytes
    start: int = 0
    whole: bool = False


class Sent(NamedTuple):
    """What became of a parcel: `refused` is None when all of it was taken."""

    parcel: Parcel
    refused: P9Error | None


class Way(Protocol):
    """One session of a queen. Everything raises P9Error where the hive refuses; `failures.Unanswered`, which
    is one, and `ConnectError` when the hive is not there, or no longer. Another session may be had then."""

    place: str
    """Where the hive is, for messages."""

    resumes: bool
    """Can a file be read from an offset, and can the size of one that is not complete be told?"""

    def read(self, path: str) -> bytes:
        """All of a small file."""

    def latest(self, path: str) -> bytes:
        """The end of a file that grows, however long it is; perhaps all of it."""
        return self.read(path)

    def names(self, folder: str) -> list[str]:
        """What is in the directory `folder`."""

    def sizes(self, folder: str, names: Sequence[str]) -> dict[str, int]:
        """The sizes of the files `names` in the directory `folder`; where `resumes` is false, those of
        complete files, and 0 for others."""

    def send(self, folder: str, parcels: Iterable[Parcel]) -> Iterator[Sent]:
        """Add each parcel to its file in `folder`; in order, several on their way at once where that pays."""

    def order(self, path: str, line: str) -> None:
        """Write a command to a file that takes them."""

    def contents(self, path: str, offset: int, size: int) -> Iterator[bytes]:
        """The bytes of a file from `offset` up to `size`, which is its own."""

    def close(self) -> None:
        """End the session. Idempotent. Raises nothing."""
