"""Cuts a stream of bytes into frames, and refuses a size before it holds the bytes for it.

Knows size[4] and nothing else of a frame. Whole frames in one receive, the common case, are not copied: a
frame is a span of the bytes fed. Only an unfinished one is collected, in one growing buffer.
"""

from collections.abc import Iterator
from struct import Struct

from ninedoor.errors import WireError
from ninedoor.limits import HEADER_BYTES, MSIZE_MAX

_SIZE = Struct("<I")
_SIZE_BYTES = _SIZE.size


class FrameReader:
    """Bytes in, spans of whole frames out.

    `feed` once per receive, then iterate until the frames run out: then at most one unfinished frame is
    held. A refused size ends the stream, since where the next frame begins is unknown: all bytes are
    dropped, those fed later too.
    """

    def __init__(self) -> None:
        self.limit = MSIZE_MAX
        """Largest frame accepted, in bytes: set it to the negotiated msize. Holds from the next frame
        yielded on, so for the rest of a batch that began with a Tversion."""
        self._buffer = b""
        """What is being cut; b"" between iterations that ran to their end."""
        self._position = 0
        """Where in `_buffer` the next frame begins."""
        self._unfinished = bytearray()
        """What follows `_buffer` in the stream."""
        self._due = _SIZE_BYTES
        """Length of `_unfinished` from which there is something to decide: a size[4], or a whole frame."""
        self._refusal: str | None = None

    @property
    def buffered(self) -> int:
        """Bytes held that were not yielded; above 0 at the end of a stream, it was cut inside a frame."""
        return len(self._buffer) - self._position + len(self._unfinished)

    def feed(self, data: bytes) -> None:
        """Take what one receive brought, in any pieces; b"" is allowed.

        `data` is immutable `bytes`: it is kept, not copied, and the frames are spans of it.
        """
        if self._refusal is not None:
            return
        if self._buffer or self._unfinished:
            self._unfinished += data
        else:
            self._buffer = data

    def __iter__(self) -> Iterator[tuple[bytes, int, int]]:
        """Yield (buffer, start, end) for each whole frame, header included, in the order of the stream.

        Raises WireError (no tag) for a size under HEADER_BYTES or over `limit`, as soon as its four bytes
        are there, and again at every later iteration.
        """
        if self._refusal is not None:
            raise WireError(self._refusal)
        unpack = _SIZE.unpack_from
        while True:
            buffer, start = self._buffer, self._position
            have = len(buffer)
            while start + _SIZE_BYTES <= have:
                (size,) = unpack(buffer, start)
                if not HEADER_BYTES <= size <= self.limit:
                    raise self._refuse(size)
                end = start + size
                if end > have:
                    self._due = size
                    break
                self._position = end
                self._due = _SIZE_BYTES
                yield buffer, start, end
                start = end
            if not self._refill(buffer[start:]):
                return

    def _refill(self, tail: bytes) -> bool:
        """Put the undecided `tail` of the buffer back; true when there is now enough to cut again.

        Turns the bytes collected into a buffer twice per dripped frame, never once per byte.
        """
        self._buffer = b""
        self._position = 0
        self._unfinished[:0] = tail
        if len(self._unfinished) < self._due:
            return False
        self._buffer = bytes(self._unfinished)
        self._unfinished.clear()
        return True

    def _refuse(self, size: int) -> WireError:
        self._refusal = f"frame of {size} bytes, not {HEADER_BYTES} to {self.limit}"
        self._buffer = b""
        self._position = 0
        self._unfinished.clear()
        return WireError(self._refusal)
