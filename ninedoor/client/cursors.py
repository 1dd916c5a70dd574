"""Named cursors: where a reader of telemetry stands, kept by the hive in the `cursors` file beside the ring.

A cursor is set to the offset behind what its reader has dealt with. Setting it twice to the same offset does
nothing, so what was not answered is simply asked again.
"""

import errno
import re
from typing import NamedTuple

from ninedoor.client import operations
from ninedoor.client.failures import ConnectionLost, Unanswered
from ninedoor.client.operations import Attached
from ninedoor.client.steps import Operation
from ninedoor.client.tailing import Cursor, Piece, Tail
from ninedoor.errors import P9Error

FILE = "cursors"

_RING = re.compile(r"ring base=(\d+) next=(\d+) ")
_LINE = re.compile(r"cursor name=(\S+) offset=(\d+) ")

ATTEMPTS = 3
"""Times that a cursor is set whose setting was not answered."""


class Standing(NamedTuple):
    """What a `cursors` file shows: the ring's oldest byte and its end, and where each cursor stands."""

    base: int
    next: int
    cursors: dict[str, int]


def file_of(path: str) -> str:
    """The file of the cursors of the telemetry at `path`."""
    return f"{path.rstrip('/').rpartition('/')[0]}/{FILE}"


def parse(text: str) -> Standing:
    """What a `cursors` file shows. Raises EINVAL for what is none."""
    ring = _RING.match(text)
    if ring is None:
        raise P9Error(errno.EINVAL, f"no cursors file: {text[:40]!a}")
    return Standing(int(ring[1]), int(ring[2]), {name: int(offset) for name, offset in _LINE.findall(text)})


def standing(session: Attached, path: str) -> Operation[Standing]:
    """How the telemetry at `path` and its cursors stand. Raises ENOENT where there are no cursors."""
    text = yield from operations.read_path(session, file_of(path))
    return parse(text.decode("utf-8", "replace"))


def get(session: Attached, path: str, name: str) -> Operation[int | None]:
    """Where the cursor `name` of the telemetry at `path` stands; None when there is none."""
    return (yield from standing(session, path)).cursors.get(name)


def set_(session: Attached, path: str, name: str, offset: int) -> Operation[None]:
    """Let the cursor `name` stand at `offset`. Raises EINVAL past the end and too far back, EDQUOT for one
    cursor too many."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            yield from operations.append(session, file_of(path), f"set {name} {offset}\n".encode())
        except Unanswered as unknown:
            if isinstance(unknown, ConnectionLost) or unknown.ecode != errno.EIO or attempt == ATTEMPTS:
                raise
        else:
            return


def drop(session: Attached, path: str, name: str) -> Operation[None]:
    """Forget the cursor `name`. Raises ENOENT when there is none."""
    yield from operations.append(session, file_of(path), f"drop {name}\n".encode())


class NamedTail:
    """A `Tail` that begins where the cursor `name` stands, or at `cursor` where there is none yet, and sets
    it. A piece counts as dealt with as soon as the next one is asked for: who breaks off in the middle of a
    piece is given that piece again."""

    def __init__(
        self,
        session: Attached,
        path: str,
        name: str,
        cursor: Cursor,
        *,
        follow: bool,
        interval_s: float,
    ) -> None:
        self._session = session
        self._path = path
        self._name = name
        self._cursor = cursor
        self._follow = follow
        self._interval_s = interval_s
        self._tail: Tail | None = None
        self._handed: Piece | None = None

    def next_piece(self) -> Operation[Piece | None]:
        """See `Tail.next_piece`."""
        if self._handed is not None:
            yield from set_(self._session, self._path, self._name, self._handed.end)
            self._handed = None
        if self._tail is None:
            at = yield from self._begin()
            self._tail = Tail(self._session, self._path, at, follow=self._follow, interval_s=self._interval_s)
        self._handed = yield from self._tail.next_piece()
        return self._handed

    def _begin(self) -> Operation[int]:
        """Where the cursor stands. A new one is set at once, so that its reader misses nothing from now
        on."""
        now = yield from standing(self._session, self._path)
        stands = now.cursors.get(self._name)
        if stands is not None:
            return stands
        places: dict[Cursor, int] = {"start": now.base, "end": now.next}
        at = int(places.get(self._cursor, self._cursor))
        yield from set_(self._session, self._path, self._name, at)
        return at

    def close(self) -> Operation[None]:
        """See `Tail.close`."""
        if self._tail is not None:
            yield from self._tail.close()


def tail(
    session: Attached, path: str, cursor: Cursor, name: str, *, follow: bool, interval_s: float
) -> Tail | NamedTail:
    """A reader of `path`; one that stands where the cursor `name` does, unless that is ""."""
    if name:
        return NamedTail(session, path, name, cursor, follow=follow, interval_s=interval_s)
    return Tail(session, path, cursor, follow=follow, interval_s=interval_s)
