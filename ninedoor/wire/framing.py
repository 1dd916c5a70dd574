"""Cuts a stream of bytes into frames, and refuses a size before it holds the bytes for it.

Knows size[4] and nothing else of a frame. Whole frames in one receive, the common case, are not copied: a
frame is a span of the bytes fed. What a receive leaves unfinished is put in front of the next one, which
copies less than one frame.
"""

from collections.abc import Iterator
from struct import Struct

from ninedoor.errors import WireError
from ninedoor.limits import HEADER_BYTES, MSIZE_MAX

_SIZE = Struct("<I")
_SIZE_BYTES = _SIZE.size


class FrameReader:
    """Bytes in, spans of whole frames out.

    `feed` once per receive, then iterate, in one go or in several. Once the frames have run out at most one
    unfinished frame is held. A refused size ends the stream, since where the next frame begins is unknown:
    all bytes are dropped, those fed later too.

    Who serves a great many frames may do what an iteration does: cut them from `buffer`, as long as a whole
    one of a good size is at `position`, and tell `cut` how far that went.
    """

    def __init__(self) -> None:
        self.limit = MSIZE_MAX
        """Largest frame accepted, in bytes: set it to the negotiated msize. Holds from the next frame on, so
        for the rest of a batch that began with a Tversion."""
        self.buffer = b""
        self.position = 0
        self._refusal: str | None = None

    @property
    def buffered(self) -> int:
        """Bytes held that were not cut; above 0 at the end of a stream, it was cut inside a frame."""
        return len(self.buffer) - self.position

    def feed(self, data: bytes) -> None:
        """Take what one receive brought, in any pieces; b"" is allowed.

        `data` is immutable `bytes`: it is kept, not copied, and the frames are spans of it.
        """
        if self._refusal is not None:
            return
        if self.position < len(self.buffer):
            data = self.buffer[self.position :] + data
        self.buffer = data
        self.position = 0

    def cut(self, position: int) -> bool:
        """The frames up to `position` were taken. True when a whole frame is left; else what is left is less
        than one, and nothing but that is held. Raises WireError (no tag) for a size under HEADER_BYTES or
        over `limit`, as soon as its four bytes are there, and again at every later call."""
        rest = len(self.buffer) - position
        if not rest and self._refusal is None:
            self.buffer = b""
            self.position = 0
            return False
        if (rest >= _SIZE_BYTES or self._refusal is not None) and self._size(position) <= rest:
            self.position = position
            return True
        self.buffer = self.buffer[position:]
        self.position = 0
        return False

    def __iter__(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield (buffer, start, end) for each whole frame, header included, in the order of the stream.
        Raises WireError as `cut` does."""
        while self.cut(self.position):
            buffer, start = self.buffer, self.position
            end = self.position = start + self._size(start)
            yield buffer, start, end

    def _size(self, start: int) -> int:
        if self._refusal is None:
            size: int = _SIZE.unpack_from(self.buffer, start)[0]
            if HEADER_BYTES <= size <= self.limit:
                return size
            self._refusal = f"frame of {size} bytes, not {HEADER_BYTES} to {self.limit}"
            self.buffer = b""
            self.position = 0
        raise WireError(self._refusal)
